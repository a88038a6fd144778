package fsm

import (
	"math"
	"slices"

	"github.com/redraftdb/redraft/fsm/command"
)

func lcsCommands() []*command.Spec {
	return []*command.Spec{
		{Name: "lcs", Usage: "key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]", Group: "string", Since: "7.0.0",
			Complexity: "O(N*M) for strings of N and M bytes", Summary: "Return the longest common subsequence of two strings",
			Flags: command.ReadOnly, Keys: command.KeyRange(1, 2, 1, command.RO|command.Access), Handler: handler(lcsCommand)},
	}
}

// lcsOptions are the options of LCS.
type lcsOptions struct {
	length, index, withLength bool
	shortest                  int64
}

// parse reads the options; if they are wrong the command has been answered.
func (o *lcsOptions) parse(r *run, args [][]byte) bool {
	for i := 0; i < len(args); i++ {
		switch {
		case command.IsWord(args[i], "IDX"):
			o.index = true
		case command.IsWord(args[i], "LEN"):
			o.length = true
		case command.IsWord(args[i], "WITHMATCHLEN"):
			o.withLength = true
		case command.IsWord(args[i], "MINMATCHLEN") && i+1 < len(args):
			i++
			n, ok := r.integer(args[i])
			if !ok {
				return false
			}
			o.shortest = max(0, n)
		default:
			r.out.Error(errSyntax)
			return false
		}
	}
	if o.index && o.length {
		r.out.Error("ERR If you want both the length and indexes, please just use IDX.")
		return false
	}
	return true
}

func lcsCommand(r *run) {
	a, okA := r.lcsText(r.args[1])
	b, okB := r.lcsText(r.args[2])
	if !okA || !okB {
		r.out.Error("ERR The specified keys must contain string values")
		return
	}
	var o lcsOptions
	if !o.parse(r, r.args[3:]) {
		return
	}
	if len(a) >= math.MaxUint32-1 || len(b) >= math.MaxUint32-1 {
		r.out.Error("ERR String too long for LCS")
		return
	}
	if int64(len(a)+1)*int64(len(b)+1) > r.state.parameters.protoMaxBulk/4 {
		r.out.Error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
		return
	}
	common, matches := lcs(a, b)
	switch {
	case o.length:
		r.out.Int(int64(len(common)))
	case !o.index:
		r.out.Bulk(common)
	default:
		o.answer(r, matches, len(common))
	}
}

// lcsText is a copy of the string under a key, empty without one; ok is false for another type.
func (r *run) lcsText(key []byte) (text []byte, ok bool) {
	e, found := r.lookup(key)
	if !found {
		return nil, true
	}
	if e.typ() != typeString {
		return nil, false
	}
	return slices.Clone(r.text(e)), true
}

// lcsMatch is a run of equal bytes: length of them from a and b on.
type lcsMatch struct{ a, b, length int }

// answer answers with the matches, the last one first, and the length of them all.
func (o *lcsOptions) answer(r *run, matches []lcsMatch, length int) {
	matches = slices.DeleteFunc(matches, func(m lcsMatch) bool { return int64(m.length) < o.shortest })
	r.out.Map(2)
	r.out.Text("matches")
	r.out.Array(len(matches))
	for _, m := range matches {
		if o.withLength {
			r.out.Array(3)
		} else {
			r.out.Array(2)
		}
		for _, at := range []int{m.a, m.b} {
			r.out.Array(2)
			r.out.Int(int64(at))
			r.out.Int(int64(at + m.length - 1))
		}
		if o.withLength {
			r.out.Int(int64(m.length))
		}
	}
	r.out.Text("len")
	r.out.Int(int64(length))
}

// lcs is the longest common subsequence of a and b and the runs it is made of, last to first. Where
// there are several it is the one that Redis finds.
func lcs(a, b []byte) (common []byte, matches []lcsMatch) {
	width := len(b) + 1
	best := make([]uint32, (len(a)+1)*width) // of the first i bytes of a and j of b, at i*width+j
	for i := 1; i <= len(a); i++ {
		row, above := best[i*width:(i+1)*width], best[(i-1)*width:i*width]
		for j := 1; j <= len(b); j++ {
			if a[i-1] == b[j-1] {
				row[j] = above[j-1] + 1
			} else {
				row[j] = max(above[j], row[j-1])
			}
		}
	}
	i, j := len(a), len(b)
	for i > 0 && j > 0 {
		if a[i-1] != b[j-1] {
			if best[(i-1)*width+j] > best[i*width+j-1] {
				i--
			} else {
				j--
			}
			continue
		}
		i, j = i-1, j-1
		common = append(common, a[i])
		if n := len(matches) - 1; n >= 0 && matches[n].a == i+1 && matches[n].b == j+1 {
			matches[n] = lcsMatch{i, j, matches[n].length + 1}
		} else {
			matches = append(matches, lcsMatch{i, j, 1})
		}
	}
	slices.Reverse(common)
	return common, matches
}
