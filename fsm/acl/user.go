package acl

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strings"
)

// A User is one user: what it takes to be it, and what it may do.
type User struct {
	name      string
	born      uint64
	enabled   bool
	open      bool     // needs no password
	sanitize  sanitize // kept and shown, and of no effect: payloads are always checked
	passwords []string // SHA-256, in lower-case hexadecimal
	selectors []selector
	free      bool // derived: the root allows everything
}

// sanitize is what a user says of payloads of RESTORE.
type sanitize byte

const (
	sanitizeUnsaid sanitize = iota
	sanitizeSkip
	sanitizeAlways
)

// Blank returns a user as it is before the first rule: disabled, without a password and without any
// permission, but for all channels if channels says so (acl-pubsub-default). born tells it from
// other users that have had its name.
func Blank(name string, born uint64, channels bool) *User {
	u := &User{name: name, born: born, selectors: []selector{newSelector(channels)}}
	u.derive()
	return u
}

func defaultUser() *User {
	u := &User{name: Default, enabled: true, open: true, selectors: []selector{newSelector(true)}}
	u.selectors[0].allKeys = true
	u.selectors[0].addCommand(rule{allow: true, name: all})
	u.derive()
	return u
}

// Name is the user's name, in which case counts.
func (u *User) Name() string { return u.name }

// Born tells apart users that have had the same name one after the other.
func (u *User) Born() uint64 { return u.born }

// Open reports whether connections need no password to be this user, as the default user.
func (u *User) Open() bool { return u.open && u.enabled }

// NoPass reports whether every password is right.
func (u *User) NoPass() bool { return u.open }

// Free reports whether the user may do everything, so that nobody needs a verdict.
func (u *User) Free() bool { return u.free }

// Accepts reports whether somebody with this password may be the user. The time that it takes tells
// nothing of the password.
func (u *User) Accepts(password []byte) bool {
	given, found := []byte(Hash(password)), 0
	for _, p := range u.passwords {
		found |= subtle.ConstantTimeCompare(given, []byte(p))
	}
	return u.enabled && (u.open || found == 1)
}

// WithPassword returns the user with this as its only password, or with none needed if it is empty:
// what the parameter requirepass means for the default user.
func (u *User) WithPassword(password string) *User {
	next := u.clone()
	next.passwords, next.open = nil, password == ""
	if password != "" {
		next.passwords = []string{Hash([]byte(password))}
	}
	return next
}

// Reborn returns the user as another one of the same name and rules.
func (u *User) Reborn(born uint64) *User {
	next := *u
	next.born = born
	return &next
}

// Hash is what is kept of a password: its SHA-256 in lower-case hexadecimal.
func Hash(password []byte) string {
	sum := sha256.Sum256(password)
	return hex.EncodeToString(sum[:])
}

// isHash reports whether text has the form of a password's hash.
func isHash(text string) bool {
	return len(text) == 2*sha256.Size && strings.Trim(text, "0123456789abcdef") == ""
}

// clone returns a copy that may be changed.
func (u *User) clone() *User {
	c := *u
	c.passwords = slices.Clone(u.passwords)
	c.selectors = make([]selector, len(u.selectors))
	for i := range u.selectors {
		c.selectors[i] = u.selectors[i].clone()
	}
	return &c
}

func (u *User) derive() {
	root := &u.selectors[0]
	u.free = root.allKeys && root.allChannels && len(root.commands) == 1 && root.commands[0].allow
}

// apply makes the change that one word stands for, on a user nobody else has. channels is
// acl-pubsub-default.
func (u *User) apply(word string, channels bool) error {
	switch word {
	case "on", "off":
		u.enabled = word == "on"
	case "skip-sanitize-payload":
		u.sanitize = sanitizeSkip
	case "sanitize-payload":
		u.sanitize = sanitizeAlways
	case "nopass", "resetpass":
		u.open, u.passwords = word == "nopass", nil
	case "clearselectors":
		u.selectors = u.selectors[:1]
	case "reset":
		u.enabled, u.open, u.passwords, u.sanitize = false, false, nil, sanitizeAlways
		u.selectors = []selector{newSelector(channels)}
	default:
		if word[0] == '#' || word[0] == '!' {
			return u.applyPassword(word)
		}
		return u.selectors[0].apply(word)
	}
	return nil
}

// applyPassword adds or removes a password by its hash.
func (u *User) applyPassword(word string) error {
	password := word[1:]
	if !isHash(password) {
		return errHash
	}
	at := slices.Index(u.passwords, password)
	switch {
	case word[0] == '#':
		u.open = false
		if at < 0 {
			u.passwords = append(u.passwords, password)
		}
	case at < 0:
		return errNoPassword
	default:
		u.passwords = slices.Delete(u.passwords, at, at+1)
	}
	return nil
}

// applyNext makes the change that the first of words stands for, or a selector in parentheses at
// their beginning, and returns how many words that was.
func (u *User) applyNext(words []string, channels bool) (n int, err error) {
	switch {
	case words[0] == "":
		return 1, errSyntax
	case words[0] != "(":
		return 1, u.apply(words[0], channels)
	}
	n = slices.Index(words, ")") + 1
	if n == 0 {
		return len(words), errSyntax
	}
	s := newSelector(channels)
	for _, word := range words[1 : n-1] {
		if word == "" {
			return n, errSyntax
		}
		if err := s.apply(word); err != nil {
			return n, err
		}
	}
	u.selectors = append(u.selectors, s)
	return n, nil
}

// Change returns the user as words make it, all of them or none. The error, if there is one, is in
// the words of ACL SETUSER.
func (u *User) Change(words []string, channels bool) (*User, error) {
	next := u.clone()
	for len(words) > 0 {
		n, err := next.applyNext(words, channels)
		if err != nil {
			return nil, &ModifierError{Modifier: strings.Join(words[:n], " "), Err: err}
		}
		words = words[n:]
	}
	next.derive()
	return next, nil
}

// Sound reports, by an error, whether words are the rules of any user: whether Change can only fail
// because of what the user is like.
func Sound(words []string) error {
	u := Blank("", 0, false)
	for len(words) > 0 {
		n, err := u.applyNext(words, false)
		if err != nil && err != errAfterAllKeys && err != errAfterAllChannels && err != errNoPassword {
			return err
		}
		words = words[n:]
	}
	return nil
}
