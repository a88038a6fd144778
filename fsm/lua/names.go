package lua

import "strings"

// rephrase puts an error of the interpreter's own into Lua's words.
func rephrase(text string) string {
	place, message := "", text
	if i := strings.Index(text, ": "); i >= 0 {
		place, message = text[:i+2], text[i+2:]
	}
	switch message {
	case "attempt to call a non-function object":
		message = "attempt to call a table value"
	case "__unm undefined":
		message = "attempt to perform arithmetic on a table value"
	case "too many recursions in gettable":
		message = "loop in gettable"
	case "too many recursions in settable":
		message = "loop in settable"
	case "for statement init must be a number":
		message = "'for' initial value must be a number"
	case "for statement limit must be a number":
		message = "'for' limit must be a number"
	case "for statement step must be a number":
		message = "'for' step must be a number"
	default:
		if rest, ok := strings.CutPrefix(message, "bad argument #"); ok {
			if n, rest, ok := strings.Cut(rest, " to "); ok && !strings.HasPrefix(rest, "'") {
				name, why, _ := strings.Cut(rest, " ")
				message = "bad argument #" + n + " to '" + name + "' " + why
			}
		}
		if rest, ok := strings.CutPrefix(message, "attempt to compare "); ok {
			if a, b, ok := strings.Cut(rest, " with "); ok && a == b {
				message = "attempt to compare two " + a + " values"
			}
		}
		if rest, ok := strings.CutPrefix(message, "cannot perform "); ok {
			message = "attempt to perform arithmetic on a table value"
			if strings.HasPrefix(rest, "concat") {
				message = "attempt to concatenate a table value"
			}
		}
	}
	return place + message
}
