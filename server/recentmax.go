package server

import (
	"sync"
	"time"
)

const bufferSeconds = 8 // that INFO's recent maxima go back, as in Redis

// bufferSizes are the largest buffers of any client, in bytes: of what it sent, and of what it is sent.
type bufferSizes struct{ in, out int64 }

func (b *bufferSizes) raise(in, out int64) { b.in, b.out = max(b.in, in), max(b.out, out) }

// recentBuffers are the largest buffers of the last seconds.
type recentBuffers struct {
	mu      sync.Mutex
	second  [bufferSeconds]int64 // that each place is of
	largest [bufferSeconds]bufferSizes
}

// sample takes in the largest buffers of this moment.
func (r *recentBuffers) sample(now time.Time, b bufferSizes) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := now.Unix() % bufferSeconds
	if r.second[i] != now.Unix() {
		r.second[i], r.largest[i] = now.Unix(), bufferSizes{}
	}
	r.largest[i].raise(b.in, b.out)
}

// most are the largest of the last seconds.
func (r *recentBuffers) most() (b bufferSizes) {
	now := time.Now().Unix()
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, second := range r.second {
		if now-second < bufferSeconds {
			b.raise(r.largest[i].in, r.largest[i].out)
		}
	}
	return b
}
