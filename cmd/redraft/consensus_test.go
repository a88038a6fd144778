package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestConsensusPage: docs/consensus.md names tests and files that are there.
func TestConsensusPage(t *testing.T) {
	page := readRepository(t, "docs/consensus.md")
	var tests strings.Builder
	for _, dir := range []string{"cluster", "fsm", "server", "cmd/redraft"} {
		files, err := filepath.Glob(filepath.Join(repository, dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			tests.Write(b)
		}
	}
	named := regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(page, -1)
	for _, name := range named {
		if !strings.Contains(tests.String(), "func "+name+"(t *testing.T)") {
			t.Errorf("there is no %s", name)
		}
	}
	for _, name := range regexp.MustCompile(`\b(?:cluster|server|cmd/redraft|fsm)/[\w/]+\.go\b`).FindAllString(page, -1) {
		if _, err := os.Stat(filepath.Join(repository, name)); err != nil {
			t.Errorf("there is no %s", name)
		}
	}
	for rule := 1; rule <= 19; rule++ {
		if !regexp.MustCompile(`(?m)^\*\*` + regexp.QuoteMeta(strconv.Itoa(rule)) + `\. `).MatchString(page) {
			t.Errorf("rule %d is missing", rule)
		}
	}
}
