package cluster

import (
	"context"
	"fmt"
	"testing"
)

// What a call costs, both ends in one process: one caller at a time shows the wake-ups, many show
// how well frames share writes.
func BenchmarkLinkCall(b *testing.B) {
	for _, callers := range []int{1, 50, 200} {
		for _, size := range []int{64, 4096} {
			b.Run(fmt.Sprintf("callers=%d/size=%d", callers, size), func(b *testing.B) {
				handle := func(_ context.Context, _ string, _ byte, _ int, body []byte) ([]byte, error) {
					return body[:8], nil
				}
				x, _ := listen(linkOptions{listen: "127.0.0.1:0", nodeID: "a", handle: handle})
				defer x.close()
				y, _ := listen(linkOptions{listen: "127.0.0.1:0", nodeID: "b", handle: handle})
				defer y.close()
				body := make([]byte, size)
				b.ReportAllocs()
				b.ResetTimer()
				done := make(chan error, callers)
				for c := range callers {
					go func() {
						for range (b.N + c) / callers {
							if _, err := y.call(b.Context(), x.addr(), 1, 0, body); err != nil {
								done <- err
								return
							}
						}
						done <- nil
					}()
				}
				for range callers {
					if err := <-done; err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
			})
		}
	}
}
