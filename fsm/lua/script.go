package lua

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// Flags are what a script says of itself in its first line, "#!lua flags=…".
type Flags struct {
	Declared       bool // there is such a line
	NoWrites       bool
	AllowOOM       bool
	AllowStale     bool
	NoCluster      bool
	AllowCrossSlot bool
}

// A Script is a source that compiled. It never changes, and engines share it.
type Script struct {
	SHA    string // SHA-1 of the source, in hexadecimal
	Source string
	Flags  Flags
	chunk  *lua.FunctionProto
}

// Digest is the SHA-1 of a source in hexadecimal, by which EVALSHA knows it.
func Digest(source []byte) string {
	sum := sha1.Sum(source)
	return hex.EncodeToString(sum[:])
}

// Compile makes a script of a source. The error is what the client is told, without the code in front.
func Compile(source []byte) (*Script, error) {
	flags, body, err := ParseFlags(source)
	if err != nil {
		return nil, err
	}
	chunk, err := compile(string(body), "user_script")
	if err != nil {
		return nil, fmt.Errorf("Error compiling script (new function): %w", err)
	}
	return &Script{SHA: Digest(source), Source: string(source), Flags: flags, chunk: chunk}, nil
}

// ParseFlags reads the first line of a source if it begins with #!, and returns what is behind it, from the end
// of that line on so that lines keep their numbers.
func ParseFlags(source []byte) (f Flags, body []byte, err error) {
	if !bytes.HasPrefix(source, []byte("#!")) {
		return f, source, nil
	}
	end := bytes.IndexByte(source, '\n')
	if end < 0 {
		return f, nil, errors.New("Invalid script shebang")
	}
	words := strings.Fields(string(source[:end]))
	if words[0] != "#!lua" {
		return f, nil, errors.New("Unexpected engine in script shebang: " + words[0])
	}
	f.Declared = true
	for _, word := range words[1:] {
		list, ok := strings.CutPrefix(word, "flags=")
		if !ok {
			return f, nil, errors.New("Unknown lua shebang option: " + word)
		}
		if list == "" {
			continue
		}
		for _, name := range strings.Split(list, ",") {
			if !f.Set(name) {
				return f, nil, errors.New("Unexpected flag in script shebang: " + name)
			}
		}
	}
	return f, source[end:], nil
}

// Set sets the flag of a name and reports whether there is one.
func (f *Flags) Set(name string) bool {
	switch name {
	case "no-writes":
		f.NoWrites = true
	case "allow-oom":
		f.AllowOOM = true
	case "allow-stale":
		f.AllowStale = true
	case "no-cluster":
		f.NoCluster = true
	case "allow-cross-slot-keys":
		f.AllowCrossSlot = true
	default:
		return false
	}
	return true
}

// Names are the names of the flags that are set, in Redis' order.
func (f Flags) Names() (names []string) {
	for _, flag := range []struct {
		name string
		set  bool
	}{
		{"no-writes", f.NoWrites}, {"allow-oom", f.AllowOOM}, {"allow-stale", f.AllowStale}, {"no-cluster", f.NoCluster},
		{"allow-cross-slot-keys", f.AllowCrossSlot},
	} {
		if flag.set {
			names = append(names, flag.name)
		}
	}
	return names
}

// Same reports whether another script has the same source.
func (s *Script) Same(o *Script) bool { return s.SHA == o.SHA }
