package cluster

import (
	"sync"
	"time"
)

// peers is what this node has last heard from the other members.
type peers struct {
	mu    sync.Mutex
	news  map[string]peerNews
	asked map[string]bool // a question of the keeper is on its way
}

// peerNews is an answer and when it was asked for.
type peerNews struct {
	answer
	at time.Time
}

// heard keeps an answer.
func (g *group) heard(id string, news peerNews) {
	p := &g.peers
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.news == nil {
		p.news = map[string]peerNews{}
	}
	if old, ok := p.news[id]; !ok || old.at.Before(news.at) {
		p.news[id] = news
	}
}

// last is the newest answer of a member, if there is one.
func (p *peers) last(id string) (peerNews, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	news, ok := p.news[id]
	return news, ok
}

// begin reports whether a question may be put to a member; end has to follow.
func (p *peers) begin(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked == nil {
		p.asked = map[string]bool{}
	}
	if p.asked[id] {
		return false
	}
	p.asked[id] = true
	return true
}

func (p *peers) end(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.asked, id)
}
