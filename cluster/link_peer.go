package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// linkRoute is where a pooled connection leads and what it carries.
type linkRoute struct {
	addr    string
	express bool
}

// linkPeer is the pooled connection of one route: none at first, dialed by the first
// call that needs it, and again after it broke. All calls that come meanwhile wait for the same
// dial. After a failed dial calls fail at once for a while.
type linkPeer struct {
	link  *link
	route linkRoute

	mu      sync.Mutex
	current *linkCaller
	dialing *linkDial
	pause   time.Duration // after the next failure
	resume  time.Time     // no dial before
	last    error         // why the latest dial failed
}

// linkDial is a dial under way. Its results may be read once done is closed.
type linkDial struct {
	done   chan struct{}
	caller *linkCaller
	err    error
}

// peer finds or makes the entry of a route.
func (l *link) peer(route linkRoute) *linkPeer {
	if p, ok := l.peers.Load(route); ok {
		return p.(*linkPeer)
	}
	p, _ := l.peers.LoadOrStore(route, &linkPeer{link: l, route: route})
	return p.(*linkPeer)
}

// caller gives the connection, after dialing if need be.
func (p *linkPeer) caller(ctx context.Context) (*linkCaller, error) {
	dial, caller, err := p.find()
	if dial == nil {
		return caller, err
	}
	select {
	case <-dial.done:
		return dial.caller, dial.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// find gives a sound connection, or the dial to wait for, or an error.
func (p *linkPeer) find() (*linkDial, *linkCaller, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current != nil && !p.current.down.Load() {
		return nil, p.current, nil
	}
	p.current = nil
	if p.dialing != nil {
		return p.dialing, nil, nil
	}
	if p.last != nil && time.Now().Before(p.resume) {
		return nil, nil, fmt.Errorf("%w: %w", errLinkPause, p.last)
	}
	dial := &linkDial{done: make(chan struct{})}
	if !p.link.spawn(func() { p.dial(dial) }) {
		return nil, nil, errLinkClosed
	}
	p.dialing = dial
	return dial, nil, nil
}

// dial connects and tells everybody who waits. It runs on a goroutine of its own, because it
// serves more calls than the one that asked for it first.
func (p *linkPeer) dial(d *linkDial) {
	times := p.link.options.times
	ctx, cancel := context.WithTimeout(p.link.ctx, times.dial)
	defer cancel()
	conn, err := p.link.connect(ctx, p.route.addr, linkCalls, 0)
	if err == nil {
		d.caller, err = p.link.newLinkCaller(p.route, conn)
	}
	d.err = err

	p.mu.Lock()
	defer p.mu.Unlock()
	p.current, p.last, p.dialing = d.caller, err, nil
	if err == nil {
		p.pause = 0
	} else {
		p.pause = min(max(2*p.pause, times.pause), times.pauses)
		p.resume = time.Now().Add(p.pause)
	}
	close(d.done)
}
