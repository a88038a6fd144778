package server

import (
	"errors"
	"strconv"
	"time"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

// debugFresh waits until what this node holds is what a linearizable read sees, or returns the error that says it
// will not be.
func (s *session) debugFresh() string {
	c := s.srv.cluster()
	if c == nil {
		return errNotJoined
	}
	err := c.ReadIndex(s.begin(), group, false)
	s.patience.end()
	if err != nil {
		return errReadWait
	}
	return ""
}

func debugDigest(s *session, _ [][]byte, out reply.Sink) {
	if text := s.debugFresh(); text != "" {
		out.Error(text)
		return
	}
	out.Status(s.srv.machine.DebugDigest())
}

func debugDigestValue(s *session, args [][]byte, out reply.Sink) {
	if text := s.debugFresh(); text != "" {
		out.Error(text)
		return
	}
	out.Array(len(args) - 2)
	for _, key := range args[2:] {
		out.Status(s.srv.machine.DebugDigestValue(s.db, key))
	}
}

func debugObject(s *session, args [][]byte, out reply.Sink) {
	if text := s.debugFresh(); text != "" {
		out.Error(text)
		return
	}
	text, found := s.srv.machine.DebugObject(s.db, args[2], s.srv.elapsed())
	if !found {
		out.Error(errNoSuchKey)
		return
	}
	out.Status(text)
}

// debugReload replaces the machine's state by what its own snapshot makes of it, or with NOFLUSH adds that to it, which
// nothing but MERGE makes good: it is there already. That goes for this node alone, and
// nobody can tell the difference unless there is a fault.
func debugReload(s *session, args [][]byte, out reply.Sink) {
	beside, merge := false, false
	for _, word := range args[2:] {
		switch {
		case command.IsWord(word, "NOFLUSH"):
			beside = true
		case command.IsWord(word, "MERGE"):
			merge = true
		case command.IsWord(word, "NOSAVE"):
			out.Error(errReloadNoSave)
			return
		default:
			out.Error(errReloadOption)
			return
		}
	}
	if text := s.debugFresh(); text != "" {
		out.Error(text)
		return
	}
	if err := s.reload(beside && !merge); errors.Is(err, fsm.ErrReloadTwice) {
		out.Error(errReload)
		return
	} else if err != nil {
		out.Error("ERR " + err.Error())
		return
	}
	out.Status("OK")
}

// reload is Machine.Reload, once the snapshot that is being written is done.
func (s *session) reload(beside bool) error {
	ctx := s.begin()
	defer s.patience.end()
	tick := time.NewTicker(waitPoll)
	defer tick.Stop()
	for {
		err := s.srv.machine.Reload(beside)
		if !errors.Is(err, fsm.ErrSnapshotRunning) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

func debugActiveExpire(s *session, args [][]byte, out reply.Sink) {
	s.debugSwitch(fsm.ParamActiveExpire, args[2], out)
}

func debugDenyScripts(s *session, args [][]byte, out reply.Sink) {
	s.debugSwitch(fsm.ParamAllowScripts, args[2], out)
}

// debugSwitch sets a replicated parameter that is on or off.
func (s *session) debugSwitch(name string, word []byte, out reply.Sink) {
	n, err := strconv.Atoi(string(word))
	value := "1"
	if err != nil || n == 0 { // what is no number is 0, as to C
		value = "0"
	}
	if text := s.setHidden(name, value); text != "" {
		out.Error(text)
		return
	}
	out.Status("OK")
}

func debugListPacked(s *session, args [][]byte, out reply.Sink) {
	n, ok := fsm.ParseMemory(string(args[2]))
	if n == 0 {
		n = 1 << 30
	}
	if !ok || s.setHidden(fsm.ParamListPacked, strconv.FormatInt(n, 10)) != "" {
		out.Error("ERR argument must be a memory value bigger than 1 and smaller than 4gb")
		return
	}
	out.Status("OK")
}

// setHidden sets a replicated parameter that is no affair of CONFIG's.
func (s *session) setHidden(name, value string) string {
	return s.setReplicated([]change{{p: &Parameter{Name: name, Replicated: true}, value: value}})
}

const populateAtOnce = 256 // keys that DEBUG POPULATE stores with one entry

// debugPopulate stores as many strings as are asked for, some with each entry: nobody else has to wait for all
// of them.
func debugPopulate(s *session, args [][]byte, out reply.Sink) {
	count, prefix, size := int64(0), "key", int64(0)
	var ok bool
	if count, ok = positive(args[2], out); !ok {
		return
	}
	if len(args) > 3 {
		prefix = string(args[3])
	}
	if len(args) > 4 {
		if size, ok = positive(args[4], out); !ok {
			return
		}
	}
	if size > int64(s.srv.maxItem)/2 {
		out.Error(errItemLength)
		return
	}
	if s.srv.cluster() == nil {
		out.Error(errNotJoined)
		return
	}
	atOnce := min(populateAtOnce, max(1, runBytes/(size+1)))
	for from := int64(0); from < count; from += atOnce {
		if text := s.populate(prefix, size, from, min(count, from+atOnce)); text != "" {
			out.Error(text)
			return
		}
	}
	out.Status("OK")
}

// populate stores the strings of some numbers, by one entry.
func (s *session) populate(prefix string, size, from, to int64) string {
	var items [][]byte
	for n := from; n < to; n++ {
		digits := strconv.FormatInt(n, 10)
		value := []byte("value:" + digits)
		if size > 0 {
			sized := make([]byte, size)
			copy(sized, value)
			value = sized
		}
		items = append(items, fsm.AppendItem(nil, s.db, [][]byte{[]byte("setnx"), []byte(prefix + ":" + digits), value}))
	}
	_, text := s.proposeItems(items)
	return text
}

func positive(arg []byte, out reply.Sink) (int64, bool) {
	n, err := strconv.ParseInt(string(arg), 10, 64)
	if err != nil || n < 0 {
		out.Error(errNotPositive)
		return 0, false
	}
	return n, true
}
