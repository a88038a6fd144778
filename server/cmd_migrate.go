package server

import (
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

func migrateCommands() []*command.Spec {
	const usage = `host port key_or_empty_string=<key | ""> destination-db timeout:integer [COPY] [REPLACE] ` +
		`authentication=[[AUTH password] | [AUTH2 username password]] [KEYS key [key ...]]`
	return []*command.Spec{
		{Name: "migrate", Usage: usage, Summary: "Move keys to another server", Since: "2.6.0", Group: "generic",
			Complexity: "that of DUMP, DEL and, at the other server, RESTORE, and O(N) for N bytes on the way", Flags: command.Write | command.NoMulti,
			Categories: command.CatDangerous, Keys: command.MigrateKeys(), Tips: []string{"nondeterministic_output"}, Handler: handler(migrateCommand),
			Differs: "Nobody is held up meanwhile; a key that changes on its way is sent again. Refused in transactions, unknown to scripts. Connections are not kept."},
	}
}

const (
	migrateAttempts = 16   // after which a key that changes all the time stays
	migrateDefault  = 1000 // ms
	migrateAtOnce   = 256  // keys whose deletion is one entry
)

const (
	errMigrateKeys       = "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"
	errMigrateConnecting = "IOERR error or timeout connecting to the client"
	errMigrateWriting    = "IOERR error or timeout writing to target instance"
	errMigrateReading    = "IOERR error or timeout reading to target instance"
	errMigrateRefused    = "ERR Target instance replied with error: " // and that error
	errMigrateChanges    = "ERR a key changes faster than it can be moved; the other server has an older state of it, and it stays here"
)

// A migration is what MIGRATE asks for.
type migration struct {
	addr          string
	db            []byte // there
	patience      time.Duration
	copy, replace bool
	auth          [][]byte // the command that is sent first, if any
	keys          []*migrant
}

// A migrant is a key on its way. It may change while it is: the watcher knows.
type migrant struct {
	key     []byte
	watcher fsm.Watcher
	ttl     int64  // ms, 0 for none
	payload []byte // of DUMP; nil: there is no such key
	sent    bool   // the other server has it, in some state
}

func migrateCommand(s *session, args [][]byte, out reply.Sink) {
	if text := s.refusesWrite(s.command.Load(), args); text != "" {
		out.Error(text)
		return
	}
	m, text := parseMigration(args)
	if text != "" {
		out.Error(text)
		return
	}
	status, text := s.migrate(m)
	if text != "" {
		out.Error(text)
		return
	}
	out.Status(status)
}

// parseMigration reads MIGRATE's arguments.
func parseMigration(args [][]byte) (m *migration, problem string) {
	m = &migration{addr: net.JoinHostPort(string(args[1]), string(args[2])), db: args[4], patience: migrateDefault * time.Millisecond}
	keys := args[3:4]
options:
	for rest := args[6:]; len(rest) > 0; {
		n := 1
		switch {
		case command.IsWord(rest[0], "COPY"):
			m.copy = true
		case command.IsWord(rest[0], "REPLACE"):
			m.replace = true
		case command.IsWord(rest[0], "AUTH") && len(rest) > 1:
			n = 2
			m.auth = [][]byte{[]byte("AUTH"), rest[1]}
		case command.IsWord(rest[0], "AUTH2") && len(rest) > 2:
			n = 3
			m.auth = [][]byte{[]byte("AUTH"), rest[1], rest[2]}
		case command.IsWord(rest[0], "KEYS"):
			if len(args[3]) > 0 {
				return nil, errMigrateKeys
			}
			keys = rest[1:]
			break options
		default:
			return nil, errSyntax
		}
		rest = rest[n:]
	}
	timeout, ok := fsm.ParseInt(args[5])
	_, okay := fsm.ParseInt(m.db)
	if !ok || !okay {
		return nil, errNotInteger
	}
	if timeout > 0 {
		m.patience = time.Duration(min(timeout, int64(24*time.Hour/time.Millisecond))) * time.Millisecond
	}
	named := map[string]bool{}
	for _, key := range keys {
		if m.replace && named[string(key)] {
			continue // its deletion would pass for a change; without REPLACE the other server refuses it
		}
		named[string(key)] = true
		m.keys = append(m.keys, &migrant{key: key})
	}
	return m, ""
}

// migrate moves or copies keys. One is deleted here if it still is what the other server has; otherwise it has
// changed meanwhile, and is sent once more.
func (s *session) migrate(m *migration) (status, problem string) {
	defer func() {
		for _, k := range m.keys {
			s.srv.machine.Unwatch(&k.watcher)
		}
	}()
	moving := m.keys
	for range migrateAttempts {
		if text := s.readMigrants(moving, !m.copy); text != "" {
			return "", text
		}
		moving = slices.DeleteFunc(slices.Clone(moving), func(k *migrant) bool { return k.payload == nil && !k.sent })
		if len(moving) == 0 {
			return "NOKEY", ""
		}
		arrived, text := s.sendMigrants(m, moving)
		changed, fault := s.forgetMigrants(m, arrived)
		switch {
		case text != "":
			return "", text
		case fault != "":
			return "", fault
		case len(changed) == 0:
			return "OK", ""
		}
		moving = changed
	}
	return "", errMigrateChanges
}

// readMigrants reads keys as they are now and, if they are to go, watches them from now on.
func (s *session) readMigrants(keys []*migrant, watch bool) (problem string) {
	if text := s.apart(s.awaitWatch); text != "" {
		return text
	}
	machine, table := s.srv.machine, s.srv.commands.table
	out := newOutput(2, nil)
	var calls []fsm.Call
	for _, k := range keys {
		if machine.Unwatch(&k.watcher); watch {
			machine.Watch(&k.watcher, s.db, [][]byte{k.key})
		}
		for _, name := range []string{"pttl", "dump"} {
			calls = append(calls, fsm.Call{Spec: table.Named(name), DB: s.db, Args: [][]byte{[]byte(name), k.key}, Out: out, User: s.user})
		}
	}
	machine.Read(s.srv.cluster().Elapsed(group), rand.Uint64(), calls)
	rest := out.buf
	next := func() (b []byte) {
		n := replyEnd(rest)
		b, rest = rest[:n], rest[n:]
		return b
	}
	for _, k := range keys {
		ttl, dump := next(), next()
		k.ttl = int64(max(0, decimal(ttl[1:len(ttl)-2])))
		if k.ttl == 0 && ttl[1] != '-' {
			k.ttl = 1 // it has less than a ms left
		}
		k.payload = nil
		if dump[1] != '-' {
			k.payload = dump[replyHead(dump) : len(dump)-2]
		}
	}
	return ""
}

// forgetMigrants deletes keys that the other server has, unless they are copied. It returns those that are not any more
// what was sent.
func (s *session) forgetMigrants(m *migration, arrived []*migrant) (changed []*migrant, problem string) {
	if m.copy {
		return nil, ""
	}
	for keys := range slices.Chunk(arrived, migrateAtOnce) {
		var items [][]byte
		var asked []*migrant
		for _, k := range keys {
			switch watched, same := s.srv.machine.Vouch(&k.watcher); {
			case !same:
				changed = append(changed, k)
			case k.payload != nil:
				item := fsm.AppendItem(nil, s.db, [][]byte{[]byte("DEL"), k.key})
				items = append(items, fsm.TransactionOf(s.author(false), watched, [][]byte{item}))
				asked = append(asked, k)
			}
		}
		if len(items) == 0 {
			continue
		}
		replies, text := s.proposeItems(items)
		if text != "" {
			return nil, text
		}
		for _, k := range asked {
			n := replyEnd(replies)
			if string(replies[:n]) != "*1\r\n:1\r\n" {
				changed = append(changed, k)
			}
			replies = replies[n:]
		}
	}
	return changed, ""
}

// request appends what has the other server take a migrant over as it is now: it has an older one already if it was
// sent before.
func (k *migrant) request(dst []byte, replace bool) []byte {
	if k.payload == nil {
		return appendRequest(dst, [][]byte{[]byte("DEL"), k.key})
	}
	words := [][]byte{[]byte("RESTORE"), k.key, strconv.AppendInt(nil, k.ttl, 10), k.payload}
	if replace || k.sent {
		words = append(words, []byte("REPLACE"))
	}
	return appendRequest(dst, words)
}
