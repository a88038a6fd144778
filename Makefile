# redraft. `make help` lists the targets.

GO      ?= go
PREFIX  ?= /usr/local
BIN     := bin/redraft
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
IMAGE   ?= redraft
FUZZTIME ?= 60s

FAULTS_RUNS ?= 100
FAULTS_FOR  ?= 30s
FAULTS_FROM ?= 0
FAULTS_SEED ?= 1
FAULTS_KEEP ?=

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0
ERRCHECK    := github.com/kisielk/errcheck@v1.20.0
INEFFASSIGN := github.com/gordonklaus/ineffassign@v0.2.0

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 18

.PHONY: build
build: ## build bin/redraft, a static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/redraft

.PHONY: run
run: build ## start a node on 127.0.0.1:6379, its data in ./data
	@mkdir -p data
	$(BIN) --dir data

.PHONY: cluster
cluster: build ## start three nodes on 127.0.0.1:7001-7003; Ctrl-C stops them
	@mkdir -p data
	$(BIN) dev --nodes 3 --dir data/dev

.PHONY: install
install: build ## install the binary under PREFIX (/usr/local)
	install -D -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/redraft

.PHONY: image
image: build ## build the container image from the binary
	docker build --target runtime -t $(IMAGE) .

# --- tests -------------------------------------------------------------------------------------

.PHONY: test
test: ## the tests, as a user would run them
	$(GO) test -timeout 15m ./...

.PHONY: check
check: lint test test-clients test-poison race determinism fuzz-short faults-short ## what CI runs

.PHONY: lint
lint: ## gofmt, vet and the linters
	@out=$$(gofmt -l cmd fsm server snapshot cluster); test -z "$$out" || { echo "gofmt: $$out"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) -checks inherit,-ST1005 ./... # error texts are Redis' own
	$(GO) run $(ERRCHECK) -ignoretests ./...
	$(GO) run $(INEFFASSIGN) ./...

.PHONY: test-clients
test-clients: ## client libraries, go-redis and redis-py (Debian: python3-redis), against three nodes
	REDRAFT_CLIENTS=1 $(GO) test -count 1 -run TestClients -v -timeout 5m ./cmd/redraft

.PHONY: test-poison
test-poison: ## the keyspace's tests with freed memory overwritten
	$(GO) test -tags poison ./fsm/...

.PHONY: race
race: ## the tests under the race detector, without the longest
	$(GO) test -race -short -timeout 15m ./...

.PHONY: determinism
determinism: ## random commands on two machines, one of them restored now and then
	$(GO) test -run Determinism ./fsm -determinism.commands 200000

.PHONY: faults
faults: ## FAULTS_RUNS (100) runs of FAULTS_FOR (30s) under faults, from number FAULTS_FROM of seed FAULTS_SEED
	$(GO) test -count 1 -run 'TestFaults$$' -v -timeout 0 ./cmd/redraft -faults.runs $(FAULTS_RUNS) -faults.for $(FAULTS_FOR) \
	  -faults.from $(FAULTS_FROM) -faults.seed $(FAULTS_SEED) -faults.keep '$(FAULTS_KEEP)'

.PHONY: faults-short
faults-short: ## five runs under faults, which of them the commit says
	@n=$$(printf %d 0x$$(git rev-parse --short=7 HEAD 2>/dev/null || date +%y%j)) && set -x && \
	  $(GO) test -count 1 -run 'TestFaults$$' -v -timeout 10m ./cmd/redraft -faults.runs 5 -faults.for 12s \
	  -faults.from $$((n % 8 * 5)) -faults.seed $$n

.PHONY: faults-bugs
faults-bugs: ## see that runs under faults find mistakes made on purpose
	$(GO) test -count 1 -run TestFaultsFindBugs -v -timeout 0 ./cmd/redraft -faults.bugs 20

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (60s)
	@$(call each-fuzz-target,$(FUZZTIME))

.PHONY: fuzz-short
fuzz-short: ## every fuzz target for a thousand inputs, by count: a deadline fails now and then by itself
	@$(call each-fuzz-target,1000x)

define each-fuzz-target
set -e; for p in $$($(GO) list ./...); do \
  for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
    echo "fuzz $$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(1) -fuzzminimizetime 5x $$p; \
  done; done
endef

.PHONY: nightly
nightly: fuzz ## the long versions; results are in docs/testing.md
	REDRAFT_NIGHTLY=1 $(GO) test -timeout 60m ./...
	$(GO) test -run Determinism -timeout 60m ./fsm -determinism.commands 2000000

.PHONY: test-compose
test-compose: build ## the end-to-end test on docker-compose, where a Docker engine answers
	REDRAFT_COMPOSE=1 $(GO) test -count 1 -run TestCompose -v -timeout 10m ./cmd/redraft

.PHONY: conformance
conformance: build ## Redis' own test suite; REDIS_SRC is its source, else apt-get source fetches it; UNITS="unit/sort …" NODES=3
	./cmd/redraft/testdata/conformance.sh $(BIN)

.PHONY: bench
bench: build ## redis-benchmark and memory of a node, and of redis-server where there is one
	./cmd/redraft/testdata/bench.sh $(BIN)
	./cmd/redraft/testdata/bench-memory.sh $(BIN)
