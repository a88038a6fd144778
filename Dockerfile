# One static binary and an empty data directory, run by nobody.
#
#   make image          takes the binary that `make build` left in bin/, and pulls nothing
#   docker build .      builds the binary from source first
#
# The stage with the ready binary comes first, because Docker's older builder runs every stage in
# front of the target. It has to work without bin/ as well: a source that matches nothing is no
# error as long as another one does.

FROM scratch AS runtime
COPY LICENSE bin/redraft* /
# Copying a file is the one way to make a directory of nobody's without a shell.
COPY --chown=65534:65534 LICENSE /data/
USER 65534:65534
WORKDIR /data
VOLUME /data
EXPOSE 6379 16379
HEALTHCHECK --interval=2s --timeout=2s --start-period=5s CMD ["/redraft", "ping"]
ENTRYPOINT ["/redraft", "--dir", "/data"]

FROM golang:1.26 AS build
ARG VERSION=unknown
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /redraft ./cmd/redraft

FROM runtime
COPY --from=build /redraft /redraft
