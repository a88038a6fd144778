package fsm

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm/reply"
	"github.com/redraftdb/redraft/fsm/transcript"
)

var rewrite = flag.Bool("rewrite", false, "write what the machine answers into the transcripts")

// TestTranscripts runs the conversations of testdata on a machine.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runTranscript(t, file) })
	}
}

func runTranscript(t *testing.T, file string) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := transcript.Parse(f)
	f.Close()
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	l := newLog(t)
	for i := range steps {
		s := &steps[i]
		l.stamp += s.Advance.Milliseconds()
		if s.Args == nil {
			continue
		}
		var out reply.Recorder
		l.do(&out, s.Args...)
		if !out.Complete() {
			t.Errorf("%s:%d: %q: the answer is not complete:\n%s", file, s.Line, s.Args, out.String())
		}
		if got := out.String(); got != s.Want {
			if *rewrite {
				s.Want = got
				continue
			}
			t.Errorf("%s:%d: %q: got\n%swant\n%s", file, s.Line, s.Args, got, s.Want)
		}
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(transcript.Format(steps)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l.check()
}
