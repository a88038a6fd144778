package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var faultBugs = flag.Int("faults.bugs", 0, "how many `runs` may be needed to find each mistake made on purpose; 0: TestFaultsFindBugs is left out")

// TestFaultsFindBugs builds nodes that make a mistake on purpose (cluster/bug.go), and expects that
// TestFaults would fail with each of them, within a few runs of a kind that could show it.
func TestFaultsFindBugs(t *testing.T) {
	if *faultBugs == 0 && os.Getenv("REDRAFT_NIGHTLY") == "" {
		t.Skip("left out: it takes minutes; make faults-bugs runs it")
	}
	runs := max(*faultBugs, 20)
	for _, c := range []struct{ bug, kind string }{
		{"lease", "late"},
		{"verify-leader", "late"},
		{"definite", "isolate"},
	} {
		t.Run(c.bug, func(t *testing.T) {
			bin := buildBug(t, c.bug)
			kinds := faultKinds()
			for kinds[0].name != c.kind {
				kinds = kinds[1:]
			}
			for i := range runs {
				r := newFaultRun(kinds[:1], max(1, *faultSeed), i, 15*time.Second)
				t.Run(r.name(), func(t *testing.T) {
					r.play(t, bin)
					r.check()
				})
				if len(r.faults) > 0 {
					t.Logf("found in run %d: %s", i+1, r.verdict())
					return
				}
			}
			t.Errorf("not found in %d runs", runs)
		})
	}
}

// buildBug builds a node that makes a mistake.
func buildBug(t *testing.T, bug string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "redraft")
	cmd := exec.Command("go", "build", "-o", bin, "-tags", "seededbug",
		"-ldflags", "-X main.version=test -X "+strings.TrimSuffix(module, "/")+"/cluster.bug="+bug, ".")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}
