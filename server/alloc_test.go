package server

import (
	"context"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm"
)

// sinkConn is a connection that swallows what is written.
type sinkConn struct {
	guardScript
	written int
}

func (c *sinkConn) Write(b []byte) (int, error) {
	c.written += len(b)
	return len(b), nil
}

// quickCluster is a cluster of one without the fake's records.
type quickCluster struct {
	*fakeCluster
	index uint64
}

func (q *quickCluster) Propose(_ context.Context, _ int, items [][]byte, local []any) (uint64, error) {
	q.index++
	q.m.Apply(q.index, 1, int64(q.index), q.index, items, local)
	return q.index, nil
}

func (q *quickCluster) ReadIndex(context.Context, int, bool) error { return nil }
func (q *quickCluster) Elapsed(int) int64                          { return 0 }

// bench is a session that is fed batches without a network.
func bench(t testing.TB, line string, batch int) (run func()) {
	m := fsm.New()
	srv, err := New(Options{Machine: m})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close(context.Background()) })
	srv.Attach(&quickCluster{fakeCluster: newFakeCluster(m)})
	srv.Ready()
	s := newSession(srv, 1, newClientConn(newGuard(&sinkConn{}, guardTestOptions(nil))))
	s.serve([]byte(request("set", "key", "value")))
	in := []byte(strings.Repeat(request(words(line)...), batch))
	return func() { s.serve(in) }
}

// The way of a command through a session costs no allocation; the machine's own are not counted
// here, since neither of these commands has any.
func TestHotPathDoesNotAllocate(t *testing.T) {
	for _, line := range []string{"get key", "set key value2"} {
		for _, batch := range []int{1, 16} {
			run := bench(t, line, batch)
			run()
			if n := testing.AllocsPerRun(200, run); n > 0.5 {
				t.Errorf("%s × %d: %.1f allocations a batch", line, batch, n)
			}
		}
	}
}

func BenchmarkServe(b *testing.B) {
	for _, line := range []string{"get key", "set key value2"} {
		b.Run(words(line)[0], func(b *testing.B) {
			run := bench(b, line, 16)
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
	}
}
