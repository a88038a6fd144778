package server

import (
	"slices"
	"strings"
)

// redacted is what MONITOR and the slow log may show of a command's arguments: passwords, and what else is
// nobody's business, are left out. It returns args themselves if there is nothing to hide.
func (s *Server) redacted(e *entry, args [][]byte) [][]byte {
	shown := args
	hide := func(i int) {
		if &shown[0] == &args[0] {
			shown = slices.Clone(args)
		}
		shown[i] = []byte("(redacted)")
	}
	switch e.name {
	case "auth":
		for i := 1; i < len(args); i++ {
			hide(i)
		}
	case "acl|setuser":
		for i := 2; i < len(args); i++ {
			hide(i)
		}
	case "hello":
		hideAfter(args, "auth", 2, hide)
	case "migrate":
		hideAfter(args, "auth", 1, hide)
		hideAfter(args, "auth2", 2, hide)
	case "config|set":
		for i := 2; i+1 < len(args); i += 2 {
			if p, ok := s.config.Lookup(string(args[i])); ok && p.Sensitive {
				hide(i + 1)
			}
		}
	}
	return shown
}

// hideAfter hides so many arguments behind each word.
func hideAfter(args [][]byte, word string, n int, hide func(i int)) {
	for i := 1; i < len(args); i++ {
		if strings.EqualFold(string(args[i]), word) {
			for end := min(len(args)-1, i+n); i < end; {
				i++
				hide(i)
			}
		}
	}
}
