package server

import (
	"strings"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/acl"
)

// clientFilter selects sessions by what CLIENT LIST and CLIENT KILL name; what is empty selects
// everybody.
type clientFilter struct {
	id          uint64 // 0 for any
	addr, bound string
	user        string
	typed       bool // only clients of a class
	class       clientClass
	skipMe      bool
}

func (f *clientFilter) selects(s *session) bool {
	switch {
	case f.typed && f.class != s.class(),
		f.id != 0 && f.id != s.id,
		f.addr != "" && f.addr != s.conn.remote,
		f.bound != "" && f.bound != s.conn.bound,
		f.user != "" && f.user != s.profile().user:
		return false
	}
	return true
}

// byType takes in a TYPE, or returns the error. No session is a replica's or a master's.
func (f *clientFilter) byType(word []byte) string {
	class, ok := classNamed(string(word))
	if strings.EqualFold(string(word), "master") {
		class, ok = replicaClass, true
	}
	if !ok {
		return "ERR Unknown client type '" + string(word) + "'"
	}
	f.typed, f.class = true, class
	return ""
}

// clientChoice is what CLIENT LIST's arguments ask for: those that the filter selects, or those of the ids, in
// their order.
type clientChoice struct {
	clientFilter
	ids []int64
}

// from are the sessions that the list names.
func (l *clientChoice) from(all *sessions) []*session {
	var list []*session
	if l.ids == nil {
		for _, s := range all.list() {
			if l.selects(s) {
				list = append(list, s)
			}
		}
	}
	for _, id := range l.ids {
		if s := all.get(uint64(id)); s != nil {
			list = append(list, s)
		}
	}
	return list
}

// parseClientList reads CLIENT LIST's arguments.
func parseClientList(args [][]byte) (l clientChoice, text string) {
	if len(args) == 0 {
		return l, ""
	}
	option := strings.ToLower(string(args[0]))
	switch {
	case option == "type" && len(args) == 2:
		return l, l.byType(args[1])
	case option == "id" && len(args) > 1:
		for _, a := range args[1:] {
			id, ok := fsm.ParseInt(a)
			if !ok {
				return l, "ERR Invalid client ID"
			}
			l.ids = append(l.ids, id)
		}
		return l, ""
	}
	return l, errSyntax
}

// parseClientKill reads CLIENT KILL's arguments.
func parseClientKill(args [][]byte, users *acl.Users) (f clientFilter, text string) {
	if len(args) == 1 {
		return clientFilter{addr: string(args[0])}, ""
	}
	f.skipMe = true
	for ; len(args) > 0; args = args[2:] {
		if len(args) == 1 {
			return f, errSyntax
		}
		if text := f.killOption(strings.ToLower(string(args[0])), args[1], users); text != "" {
			return f, text
		}
	}
	return f, ""
}

func (f *clientFilter) killOption(option string, value []byte, users *acl.Users) string {
	switch option {
	case "id":
		id, ok := fsm.ParseInt(value)
		if !ok || id < 1 {
			return "ERR client-id should be greater than 0"
		}
		f.id = uint64(id)
	case "type":
		return f.byType(value)
	case "addr":
		f.addr = string(value)
	case "laddr":
		f.bound = string(value)
	case "user":
		if users.Named(string(value)) == nil {
			return "ERR No such user '" + string(value) + "'"
		}
		f.user = string(value)
	case "skipme":
		switch strings.ToLower(string(value)) {
		case "yes":
			f.skipMe = true
		case "no":
			f.skipMe = false
		default:
			return errSyntax
		}
	default:
		return errSyntax
	}
	return ""
}
