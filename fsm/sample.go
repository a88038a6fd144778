package fsm

import (
	"math"

	"github.com/redraftdb/redraft/fsm/command"
)

// mostDrawn bounds how many elements one command may draw with repetition, so that no count makes an
// answer of any size.
const mostDrawn = 1 << 24

// sample is count of the n elements of a value, not more than n, each choice of them as likely as the
// others. nth is an element by its number in canonical order, each visits them all in that order.
func sample[T any](x *random, n, count int, nth func(i int) T, each func(visit func(T) bool)) []T {
	const (
		dense = 16   // from one in so many on, going through all costs less than looking each up
		few   = 4096 // and so it does from so many on: what looking one up takes grows with n
	)
	list := make([]T, 0, count)
	if count <= min(n/dense, few) {
		seen := make(map[int]bool, count)
		for len(list) < count {
			if i := x.below(n); !seen[i] {
				seen[i] = true
				list = append(list, nth(i))
			}
		}
		return list
	}
	each(func(v T) bool {
		if x.below(n) < count-len(list) {
			list = append(list, v)
		}
		n--
		return len(list) < count
	})
	return list
}

// parseDraw reads a count and whether the word behind it is given that asks for more than names. If they
// are wrong the command has been answered.
func (r *run) parseDraw(word string) (count int64, with, ok bool) {
	if count, ok = r.integer(r.args[2]); !ok {
		return 0, false, false
	}
	with = len(r.args) == 4 && command.IsWord(r.args[3], word)
	switch {
	case count == math.MinInt64:
		r.out.Error(errBetween(-math.MaxInt64, math.MaxInt64))
	case len(r.args) > 4 || len(r.args) == 4 && !with:
		r.out.Error(errSyntax)
	case count < -mostDrawn || with && count > math.MaxInt64/2:
		r.out.Error(errOutOfRange)
	default:
		return count, with, true
	}
	return 0, false, false
}
