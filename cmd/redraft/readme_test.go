package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/server"
)

func readRepository(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(repository, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestReadme: what README.md tells people to type exists.
func TestReadme(t *testing.T) {
	readme, makefile := readRepository(t, "README.md"), readRepository(t, "Makefile")
	for _, m := range regexp.MustCompile("(?m)(?:^    |`)make ([a-z-]+)").FindAllStringSubmatch(readme, -1) {
		if !strings.Contains(makefile, "\n"+m[1]+":") {
			t.Errorf("README.md has make %s, and the Makefile has not", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`\]\(([^)#]+)\)`).FindAllStringSubmatch(readme, -1) {
		if _, err := os.Stat(filepath.Join(repository, m[1])); err != nil {
			t.Errorf("README.md has a link to nothing: %v", err)
		}
	}
	flags, _, _ := newFlags(&options{config: server.NewConfig()})
	for _, name := range []string{"README.md", "Dockerfile", "docker-compose.yml", "Makefile"} {
		for _, line := range strings.Split(readRepository(t, name), "\n") {
			if !strings.Contains(line, "redraft") && !strings.Contains(line, "$(BIN)") && !strings.Contains(line, "command:") {
				continue
			}
			for _, m := range regexp.MustCompile(`[ "]--([a-z-]+)`).FindAllStringSubmatch(line, -1) {
				if flags.Lookup(m[1]) == nil && m[1] != "nodes" && !strings.Contains(line, "docker") && !strings.Contains(line, "COPY") && !strings.Contains(line, "HEALTHCHECK") {
					t.Errorf("%s has --%s, which is no flag: %s", name, m[1], line)
				}
			}
		}
	}
}

// TestMakeRun starts a node as `make run` does, on another port.
func TestMakeRun(t *testing.T) {
	recipe := regexp.MustCompile(`(?m)^run:.*\n(?:\t.*\n)*?\t\$\(BIN\) (.*)$`).FindStringSubmatch(readRepository(t, "Makefile"))
	if recipe == nil {
		t.Fatal("the Makefile has no recipe for run")
	}
	p := newNode(t, "run")
	p.args = append(strings.Fields(recipe[1]), p.args...)
	p.start().ready()
	p.must("SET", "greeting", "hello")
	if got := p.must("GET", "greeting"); got != "hello" {
		t.Errorf("GET: %v", got)
	}
	p.stop()
}
