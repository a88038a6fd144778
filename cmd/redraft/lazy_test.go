package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestNeverReading: clients that ask for much and read nothing are cut off at their limit, and the others
// hardly feel them. Rounds with and without them take turns, so that whatever else the machine does hits both.
func TestNeverReading(t *testing.T) {
	const rounds, lazy = 2, 4
	p := newNode(t, "node", "--client-output-buffer-limit", "normal 64mb 256kb 1").start().ready()
	p.must("SET", "big", strings.Repeat("x", 100_000))
	var quiet, beside []time.Duration
	for range rounds {
		quiet = append(quiet, latencies(t, p, func() { time.Sleep(time.Second) })...)
		beside = append(beside, latencies(t, p, func() {
			var cut sync.WaitGroup
			for range lazy {
				cut.Go(func() {
					if err := neverRead(p.addr); err != nil {
						t.Error(err)
					}
				})
			}
			cut.Wait()
		})...)
	}
	without, with := percentile(quiet, 99), percentile(beside, 99)
	t.Logf("p99 of the others: %v without clients that never read (%d commands), %v beside %d of them (%d commands)",
		without, len(quiet), with, lazy, len(beside))
	// What is within a few milliseconds is the machine's own noise.
	if limit := max(2*without, without+5*time.Millisecond); with > limit {
		t.Errorf("the others' p99 went from %v to %v", without, with)
	}
}

// neverRead asks for 100 MB, and returns when the server has had enough.
func neverRead(addr string) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, strings.Repeat("*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n", 1000)); err != nil {
		return err
	}
	// That it was cut off shows when writing fails: reading would be what it does not do.
	for {
		if _, err := io.WriteString(conn, "*1\r\n$4\r\nPING\r\n"); err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				return fmt.Errorf("it was not cut off: %w", err)
			}
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// latencies measures what four clients wait for their answers while something happens.
func latencies(t *testing.T, p *process, something func()) []time.Duration {
	t.Helper()
	stop := make(chan struct{})
	var each [4][]time.Duration
	var running sync.WaitGroup
	for i := range each {
		running.Go(func() {
			c, err := p.connect()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.close()
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				words := []string{"GET", "small"}
				if n%10 == 0 {
					words = []string{"SET", "small", "value"}
				}
				began := time.Now()
				if _, err := c.do(words...); err != nil {
					t.Error(err)
					return
				}
				each[i] = append(each[i], time.Since(began))
			}
		})
	}
	something()
	close(stop)
	running.Wait()
	return slices.Concat(each[:]...)
}

// percentile is the duration that so many percent do not exceed.
func percentile(d []time.Duration, percent int) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[(len(d)-1)*percent/100]
}
