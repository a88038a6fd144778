package fsm

import (
	"math"
	"strconv"
	"strings"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/glob"
	"github.com/redraftdb/redraft/fsm/value"
)

func scanCommands() []*command.Spec {
	const r = command.ReadOnly
	return []*command.Spec{
		{Name: "scan", Usage: "cursor [MATCH pattern] [COUNT count] [TYPE type]", Group: "generic", Since: "2.8.0",
			Complexity: "O(1) for a call, O(N) for all N keys", Flags: r,
			Summary: "Go through the keys of a database, some with each call; a cursor is good on every node",
			Tips:    []string{"nondeterministic_output", "request_policy:special"}, Handler: handler(scanCommand),
			Differs: "Cursors are positions in the canonical order of all keys, good on every node and after a restart; one with a sign, or an empty one, is `ERR invalid cursor`."},
		{Name: "keys", Usage: "pattern", Group: "generic", Since: "1.0.0", Complexity: "O(N) for N keys in the database",
			Summary: "Return all keys that match a pattern", Flags: r, Categories: command.CatDangerous,
			Tips: []string{"request_policy:all_shards", "nondeterministic_output_order"}, Handler: handler(keysCommand),
			Differs: "The order is the canonical one, the same on every node."},
		{Name: "randomkey", Group: "generic", Since: "1.0.0", Complexity: "O(1)",
			Summary: "Return a key, each as likely as the others", Flags: r,
			Tips: []string{"request_policy:all_shards", "nondeterministic_output"}, Handler: handler(randomkeyCommand)},
	}
}

// scanOptions are the options of SCAN and its kin.
type scanOptions struct {
	count   int
	pattern []byte // nil for all
	typ     []byte // nil for all; SCAN's alone
}

// parseScan reads the options from args; if they are no options the command has been answered.
func (r *run) parseScan(args [][]byte, withType bool) (o scanOptions, ok bool) {
	o.count = 10
	for i := 0; i < len(args); i += 2 {
		switch {
		case i+1 == len(args):
			r.out.Error(errSyntax)
			return o, false
		case command.IsWord(args[i], "COUNT"):
			n, ok := r.integer(args[i+1])
			if !ok {
				return o, false
			}
			if n < 1 {
				r.out.Error(errSyntax)
				return o, false
			}
			o.count = int(n)
		case command.IsWord(args[i], "MATCH"):
			o.pattern = args[i+1]
		case command.IsWord(args[i], "TYPE") && withType:
			o.typ = args[i+1]
		default:
			r.out.Error(errSyntax)
			return o, false
		}
	}
	return o, true
}

// matches reports whether a name is asked for.
func (o *scanOptions) matches(name []byte) bool {
	return o.pattern == nil || glob.Match(o.pattern, name)
}

// cursor reads the cursor of a scan; if it is none the command has been answered.
func (r *run) cursor(arg []byte) (uint64, bool) {
	n, err := strconv.ParseUint(string(arg), 10, 64)
	if err != nil {
		r.out.Error(errCursor)
	}
	return n, err == nil
}

// scanner goes on through a value from a cursor, over count places or a few more, and shows each element by what
// stands for it in the answer, the name that a pattern is held against first. It returns the cursor of what is
// left, 0 for nothing.
type scanner func(cursor uint32, count int, show func(name value.Value, rest ...value.Value)) uint32

// scanValue answers a scan inside of a value; open finds the value of the key, as typed finds its entry.
func (r *run) scanValue(open func(key []byte) (scan scanner, found, ok bool)) {
	cursor, ok := r.cursor(r.args[2])
	if !ok {
		return
	}
	scan, there, ok := open(r.args[1])
	if !ok {
		return
	}
	var o scanOptions
	if there { // who asks for no key's elements may write what he likes
		if o, ok = r.parseScan(r.args[3:], false); !ok {
			return
		}
	}
	var found []value.Value
	next := uint32(0)
	if there && cursor <= math.MaxUint32 {
		next = scan(uint32(cursor), o.count, func(name value.Value, rest ...value.Value) {
			if o.matches(name.Bytes(r.digits[:])) {
				found = append(append(found, name), rest...)
			}
		})
	}
	r.out.Array(2)
	r.out.Bulk(strconv.AppendUint(r.digits[:0], uint64(next), 10))
	r.out.Array(len(found))
	for _, v := range found {
		r.out.Bulk(v.Bytes(r.digits[:]))
	}
}

func scanCommand(r *run) {
	cursor, ok := r.cursor(r.args[1])
	if !ok {
		return
	}
	o, ok := r.parseScan(r.args[2:], true)
	if !ok {
		return
	}
	var keys, due [][]byte
	next := r.db.scan(cursor, o.count, func(c cell) {
		key := r.db.keyOf(c)
		if r.isDue(c) {
			due = append(due, key)
			return
		}
		if !o.matches(key) || o.typ != nil && !strings.EqualFold(string(o.typ), typeOf(c.typ()).name) {
			return
		}
		keys = append(keys, key)
	})
	r.out.Array(2)
	r.out.Bulk(strconv.AppendUint(r.digits[:0], next, 10))
	r.bulks(keys)
	for _, key := range due {
		if e, found := r.db.find(key); found {
			r.meetDue(e)
		}
	}
}

// bulks answers with an array of strings.
func (r *run) bulks(all [][]byte) {
	r.out.Array(len(all))
	for _, b := range all {
		r.out.Bulk(b)
	}
}

func keysCommand(r *run) {
	pattern := r.args[1]
	all := string(pattern) == "*"
	var keys [][]byte
	r.db.each(func(c cell) {
		key := r.db.keyOf(c)
		if (all || glob.Match(pattern, key)) && !r.isDue(c) {
			keys = append(keys, key)
		}
	})
	r.bulks(keys)
}

func randomkeyCommand(r *run) {
	const tries = 100 // against a database in which most keys are due
	for range tries {
		if r.db.keys == 0 {
			break
		}
		if c := r.db.nth(r.random.below(r.db.keys)); !r.isDue(c) {
			r.out.Bulk(r.db.keyOf(c))
			return
		}
	}
	r.out.Null()
}
