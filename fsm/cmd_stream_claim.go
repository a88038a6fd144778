package fsm

import (
	"math"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func streamClaimCommands() []*command.Spec {
	const flags = command.Write | command.Fast
	tips := []string{"nondeterministic_output"}
	return []*command.Spec{
		{Name: "xclaim", Group: "stream", Since: "5.0.0", Complexity: "O(log(N)) for each id, N being pending",
			Usage: "key group consumer min-idle-time:string id [id ...] [IDLE ms] [TIME unix-time-milliseconds] [RETRYCOUNT count] " +
				"[FORCE] [JUSTID] [LASTID id]",
			Summary: "Make entries that are pending for others pending for a consumer", Flags: flags, Tips: tips,
			Keys: command.OneKey(command.RW | command.Update), Handler: handler(xclaimCommand)},
		{Name: "xautoclaim", Usage: "key group consumer min-idle-time:string start:string [COUNT count] [JUSTID]", Group: "stream",
			Since: "6.2.0", Complexity: "O(log(N)) for each entry looked at of N that are pending",
			Summary: "Make what has been pending for long pending for a consumer", Flags: flags, Tips: tips,
			Keys: command.OneKey(command.RW | command.Delete), Handler: handler(xautoclaimCommand),
			Differs: "A count is no more than a bound. Redis makes room by it, and answers `ERR Insufficient memory, …` where it gets none."},
	}
}

// A claim is XCLAIM or XAUTOCLAIM as it goes on.
type claim struct {
	key    []byte
	stream *value.Stream
	group  *value.Group
	name   []byte          // of the consumer
	member *value.Consumer // made when there is something for it
	idle   int64           // ms since an entry was delivered, at least; 0 for no matter what

	delivered int64 // what is then the time of delivery
	retries   int64 // and the number of deliveries; -1 for one more
	force     bool  // entries that are not pending as well
	justID    bool  // answer with ids, and count no delivery

	claimed []value.StreamEntry
}

// beginClaim finds the group of the command's first arguments; if it is not there the command has been answered.
func (r *run) beginClaim(c *claim) bool {
	c.key, c.name = r.args[1], r.args[3]
	s, ok := r.sourceStream(c.key)
	if !ok {
		return false
	}
	if s == nil || s.Group(r.args[2]) == nil {
		r.out.Error(errNoGroup(c.key, r.args[2]))
		return false
	}
	c.stream = r.change(c.key, s)
	c.group = c.stream.Change(&r.db.mem, r.args[2])
	return true
}

// claimOne claims an entry. gone is set if the stream has it no longer: it is then no longer pending either.
func (r *run) claimOne(c *claim, id value.StreamID) (gone bool) {
	p, pending := c.group.Find(id)
	e, there := c.stream.Entry(id)
	switch {
	case !there && pending:
		c.group.Ack(&r.db.mem, id)
		r.counted()
		return true
	case !there || !pending && !c.force:
		return false
	case !pending:
		p = value.Pending{ID: id, Count: 1}
	case c.idle > 0 && r.idle(p.Delivered) < c.idle:
		return false
	}
	if c.member == nil {
		_, c.member = r.member(c.key, c.stream, r.args[2], c.name)
	}
	p.Delivered = c.delivered
	switch {
	case c.retries >= 0:
		p.Count = uint64(c.retries)
	case !c.justID:
		p.Count++
	}
	c.group.Assign(&r.db.mem, c.member, p)
	c.claimed = append(c.claimed, e)
	r.counted()
	return false
}

// answerClaimed answers with what was claimed.
func (r *run) answerClaimed(c *claim) {
	r.out.Array(len(c.claimed))
	for i := range c.claimed {
		if c.justID {
			r.streamID(c.claimed[i].ID)
		} else {
			r.streamEntry(&c.claimed[i])
		}
	}
}

// claimInteger reads an integer; if it is none the command has been answered with what is wrong.
func (r *run) claimInteger(arg []byte, failure string) (int64, bool) {
	n, ok := value.ParseInt(arg)
	if !ok {
		r.out.Error(failure)
	}
	return n, ok
}

func xclaimCommand(r *run) {
	c := claim{delivered: r.now, retries: -1}
	if !r.beginClaim(&c) {
		return
	}
	idle, ok := r.claimInteger(r.args[4], errClaimIdle)
	if !ok {
		return
	}
	c.idle = max(idle, 0)
	var ids []value.StreamID
	at := 5
	for ; at < len(r.args); at++ {
		id, ok := value.ParseStreamID(r.args[at], 0, nil)
		if !ok {
			break
		}
		ids = append(ids, id)
	}
	last, ok := r.parseClaim(&c, r.args[at:])
	if !ok {
		return
	}
	moved, before := last.Compare(c.group.Last) > 0, r.changes
	if moved {
		c.group.Last = last
	}
	for _, id := range ids {
		r.claimOne(&c, id)
	}
	if moved && r.changes == before {
		r.counted()
	}
	r.answerClaimed(&c)
}

// parseClaim reads the options of XCLAIM, and what they say of the group's last id. With ok false the command
// has been answered.
func (r *run) parseClaim(c *claim, args [][]byte) (last value.StreamID, ok bool) {
	for ; len(args) > 0; args = args[1:] {
		ok = true
		more := len(args) > 1
		switch {
		case command.IsWord(args[0], "FORCE"):
			c.force = true
		case command.IsWord(args[0], "JUSTID"):
			c.justID = true
		case command.IsWord(args[0], "IDLE") && more:
			args = args[1:]
			c.delivered, ok = r.claimInteger(args[0], errClaimIdleOption)
			c.delivered = r.now - c.delivered
		case command.IsWord(args[0], "TIME") && more:
			args = args[1:]
			c.delivered, ok = r.claimInteger(args[0], errClaimTimeOption)
		case command.IsWord(args[0], "RETRYCOUNT") && more:
			args = args[1:]
			c.retries, ok = r.claimInteger(args[0], errClaimRetryOption)
		case command.IsWord(args[0], "LASTID") && more:
			args = args[1:]
			last, ok = r.parseID(args[0])
		default:
			r.out.Error(errClaimOption(args[0]))
			ok = false
		}
		if !ok {
			return last, false
		}
	}
	if c.delivered < 0 || c.delivered > r.now {
		c.delivered = r.now
	}
	return last, true
}

func xautoclaimCommand(r *run) {
	c := claim{delivered: r.now, retries: -1}
	idle, ok := r.claimInteger(r.args[4], errAutoclaimIdle)
	if !ok {
		return
	}
	c.idle = max(idle, 0)
	from, ok := r.parseBound(r.args[5], false)
	if !ok {
		return
	}
	count, ok := r.parseAutoclaim(&c)
	if !ok || !r.beginClaim(&c) {
		return
	}
	const tries = 10 // entries looked at for each that may be answered
	attempts := count * tries
	var missing []value.StreamID
	p, more := c.group.Next(from)
	for ; more && attempts > 0 && count > 0; attempts-- {
		claimed := len(c.claimed)
		if r.claimOne(&c, p.ID) {
			missing = append(missing, p.ID)
			count--
		}
		count -= int64(len(c.claimed) - claimed)
		if from, more = value.NextStreamID(p.ID); more {
			p, more = c.group.Next(from)
		}
	}
	if !more {
		p.ID = value.StreamID{}
	}
	r.out.Array(3)
	r.streamID(p.ID)
	r.answerClaimed(&c)
	r.out.Array(len(missing))
	for _, id := range missing {
		r.streamID(id)
	}
}

// parseAutoclaim reads the options of XAUTOCLAIM. With ok false the command has been answered.
func (r *run) parseAutoclaim(c *claim) (count int64, ok bool) {
	const most = math.MaxInt64 / 16
	count = 100
	for i := 6; i < len(r.args); i++ {
		switch {
		case command.IsWord(r.args[i], "COUNT") && i+1 < len(r.args):
			i++
			if count, ok = r.claimInteger(r.args[i], errAutoclaimCount); !ok {
				return 0, false
			}
			if count < 1 || count > most {
				r.out.Error(errAutoclaimCount)
				return 0, false
			}
		case command.IsWord(r.args[i], "JUSTID"):
			c.justID = true
		default:
			r.out.Error(errSyntax)
			return 0, false
		}
	}
	return count, true
}
