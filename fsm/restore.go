package fsm

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/redraftdb/redraft/fsm/acl"
	"github.com/redraftdb/redraft/fsm/lua"
	"github.com/redraftdb/redraft/fsm/value"
	"github.com/redraftdb/redraft/snapshot"
)

// snapshotFormat is the version of what the redraft-* fields of a snapshot mean.
const snapshotFormat = 1

// redisVersion is the Redis that the machine's answers and files are those of.
const redisVersion = "7.0.15"

// The names of the fields; docs/formats/snapshot.md says what they hold.
const (
	auxFormat    = "redraft-format"
	auxIndex     = "redraft-index"
	auxTerm      = "redraft-term"
	auxClock     = "redraft-clock"
	auxSeed      = "redraft-seed"
	auxExpired   = "redraft-expired"
	auxEvicted   = "redraft-evicted"
	auxDigest    = "redraft-digest"
	auxParameter = "redraft-parameter-"
	auxUser      = "redraft-user-"
	auxNode      = "redraft-node-"
	auxWaiting   = "redraft-waiting"
	auxRecent    = "redraft-recent"
	auxScript    = "redraft-script"
	auxFields    = "redraft-fields" // behind a hash
)

// readState reads a snapshot. It drops nothing, what is due included: the log says when that goes.
func readState(in io.Reader) (*state, error) {
	const longest = 2 * value.MaxListpack // a listpack of the largest entry of a stream, with room to spare
	rd := snapshot.NewReader(in, snapshot.Limits{String: longest})
	st := newState()
	db := 0
	var last []byte // the key read last
	var engine *lua.Engine
	for {
		e, err := rd.Next()
		if err != nil {
			return nil, fmt.Errorf("reading a snapshot: %w", err)
		}
		if db >= len(st.databases) {
			return nil, fmt.Errorf("reading a snapshot: it has a database %d, and there are %d", db, len(st.databases))
		}
		switch e.Op {
		case snapshot.OpEOF:
			return st, nil
		case snapshot.OpAux:
			if string(e.Key) == auxFields {
				err = st.databases[db].readFieldDeadlines(last, e.Value)
			} else {
				err = st.readAux(string(e.Key), string(e.Value))
			}
			if err != nil {
				return nil, fmt.Errorf("reading a snapshot: field %s: %w", e.Key, err)
			}
		case snapshot.OpFunction2:
			if engine == nil {
				engine = lua.NewEngine()
			}
			if st.functions, _, err = st.functions.load(engine, e.Value, false, nil); err != nil {
				return nil, fmt.Errorf("reading a snapshot: a library of functions: %w", err)
			}
		case snapshot.OpSelectDB:
			db = e.DB
		case snapshot.OpKey:
			last = append(last[:0], e.Key...)
			if err := st.readKey(rd, st.databases[db], e); err != nil {
				return nil, fmt.Errorf("reading a snapshot: key %.64q: %w", last, err)
			}
		}
	}
}

// readAux takes in a field; those it does not know are somebody else's.
func (st *state) readAux(name, text string) (err error) {
	number := func() (n uint64) {
		n, err = strconv.ParseUint(text, 10, 64)
		return n
	}
	switch name {
	case auxFormat:
		if st.format = number(); st.format > snapshotFormat {
			return fmt.Errorf("format %d is of a newer version than this one, which knows %d", st.format, snapshotFormat)
		}
	case auxIndex:
		st.index = number()
	case auxTerm:
		st.term = number()
	case auxClock:
		st.clock = int64(number())
		st.restamp()
	case auxExpired:
		st.expired = number()
	case auxEvicted:
		st.evicted = number()
	case auxSeed:
		if st.seed != 0 {
			return errors.New("it comes twice")
		}
		st.seed = number()
		st.clear()
	case auxDigest:
		var index string
		index, st.digest.hex, _ = strings.Cut(text, " ")
		text = index
		st.digest.index = number()
	case auxWaiting:
		return st.readWaiting(text)
	case auxRecent:
		return st.recent.read([]byte(text))
	case auxScript:
		return st.scripts.read(text)
	default:
		return st.readNamed(name, text)
	}
	return err
}

// readWaiting takes in a command that waits.
func (st *state) readWaiting(text string) error {
	t, err := readTicket([]byte(text))
	if err != nil {
		return err
	}
	if st.parked.byOrigin[t.origin] != nil {
		return errors.New("it comes twice")
	}
	for _, k := range t.keys {
		if k.db >= len(st.databases) {
			return errTicket
		}
	}
	st.parked.add(t)
	return nil
}

// readNamed takes in a field whose name says more than what it is.
func (st *state) readNamed(name, text string) error {
	if p, ok := strings.CutPrefix(name, auxParameter); ok {
		if err := st.parameters.set(p, text); err != nil {
			return err
		}
		st.resize()
		st.restamp()
		if p == ParamRequirePass { // a snapshot from before there were users has no other password
			st.users = st.users.With(st.users.Named(acl.Default).WithPassword(text))
		}
	}
	if user, ok := strings.CutPrefix(name, auxUser); ok {
		return st.readUser(user, []byte(text))
	}
	if id, ok := strings.CutPrefix(name, auxNode); ok {
		st.nodes = append(st.nodes, NodeAddr{id, text})
	}
	return nil
}

// readKey reads the value of a key and puts it into its database.
func (st *state) readKey(rd *snapshot.Reader, db *database, e snapshot.Entry) error {
	if _, twice := db.find(e.Key); twice {
		return errors.New("it comes twice")
	}
	at := max(0, e.ExpireMS)
	typ, ok := typeInFile(e.Type)
	if !ok {
		return fmt.Errorf("its value is a %v, which this version does not have", e.Type)
	}
	return typeOf(typ).read(st, rd, db, e, at)
}
