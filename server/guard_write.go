package server

import "time"

// Write implements net.Conn. It sends in pieces, each of which the peer has guardLimits.stall to
// accept: a client that reads slowly may take its time for a long answer, one that has stopped
// reading is given up. Nothing is sent to a connection that was given up for what it sent.
func (g *guard) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if r := g.refusal.Load(); r != nil {
		if r.cause == guardStalled {
			return 0, r
		}
		return len(p), nil
	}
	return g.transmit(p)
}

// transmit is Write without the question whether the connection was given up.
func (g *guard) transmit(p []byte) (int, error) {
	g.writing.Lock()
	defer g.writing.Unlock()
	stall := g.options.limits.Load().stall
	total := 0
	if g.socket != nil { // it nearly always takes all, and a deadline costs half as much again (BenchmarkGuardWrite)
		total = g.socket.WriteNow(p)
	}
	if g.options.sent != nil {
		g.options.sent.Add(int64(total))
	}
	for total < len(p) {
		piece := p[total:]
		if stall > 0 {
			piece = piece[:min(len(piece), guardChunk)]
		}
		if err := g.timeWrite(stall); err != nil {
			return total, err
		}
		n, err := g.Conn.Write(piece)
		total += n
		if g.options.sent != nil {
			g.options.sent.Add(int64(n))
		}
		if err != nil {
			if isTimeout(err) {
				_ = g.Close() // the reading side ends too; the time-out is what counts
				return total, g.giveUp(guardStalled, "the client does not read its replies", nil)
			}
			return total, err
		}
	}
	return total, g.untimeWrite()
}

// timeWrite gives the next write its time.
func (g *guard) timeWrite(stall time.Duration) error {
	if stall > 0 {
		g.timed = true
		return g.SetWriteDeadline(time.Now().Add(stall))
	}
	return g.untimeWrite()
}

// untimeWrite takes the time limit off.
func (g *guard) untimeWrite() error {
	if !g.timed {
		return nil
	}
	g.timed = false
	return g.SetWriteDeadline(time.Time{})
}
