package cluster

import (
	"net"
	"runtime"
	"sync/atomic"
)

// linkWriter is the goroutine that writes one connection for calls. Whoever has something to send
// puts it where fill finds it and then kicks, once for each time the writer has gone to sleep; the
// writer takes all that has gathered in one write. Before the first write after sleep it lets the
// goroutines that are ready to run go first, because each of them may have more to send
// and a write costs more than many small frames (BenchmarkLinkCall: five times the calls with 50
// callers, none lost with one). An eager writer does not: on a busy node those before it are many,
// and what goes by express is small and waited for.
type linkWriter struct {
	conn  net.Conn
	eager bool
	// fill appends the frames that may be sent now, up to linkBatch bytes and one frame. When
	// there is nothing it notes, under the lock that protects the queue, that the writer sleeps.
	fill  func(dst []byte) []byte
	heard *atomic.Bool // set when the peer has taken a good piece of a large frame

	wake chan struct{} // one place
	quit chan struct{} // closed by whoever breaks the connection

	// handed counts the bytes the kernel took. Read it after run has returned.
	handed int64
}

func newLinkWriter(conn net.Conn, heard *atomic.Bool, fill func([]byte) []byte) linkWriter {
	return linkWriter{
		conn:  conn,
		fill:  fill,
		heard: heard,
		wake:  make(chan struct{}, 1),
		quit:  make(chan struct{}),
	}
}

// kick wakes the writer.
func (w *linkWriter) kick() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run writes until quit is closed or a write fails.
func (w *linkWriter) run() error {
	var buf []byte
	for {
		select {
		case <-w.wake:
		case <-w.quit:
			return nil
		}
		if !w.eager {
			runtime.Gosched()
		}
		for {
			if buf = w.fill(buf[:0]); len(buf) == 0 {
				break
			}
			if err := w.write(buf); err != nil {
				return err
			}
			if cap(buf) > 2*linkBatch {
				buf = nil
			}
		}
	}
}

// write hands b to the kernel in pieces: over a slow line a large frame takes longer than a ping
// may, and each piece taken is a sign of life.
func (w *linkWriter) write(b []byte) error {
	for len(b) > 0 {
		n, err := w.conn.Write(b[:min(len(b), linkBatch)])
		w.handed += int64(n)
		if err != nil {
			return err
		}
		if n == linkBatch {
			w.heard.Store(true)
		}
		b = b[n:]
	}
	return nil
}
