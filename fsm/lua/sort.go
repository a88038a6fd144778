package lua

import (
	lua "github.com/yuin/gopher-lua"
)

// sorter is a run of table.sort: quicksort as Lua does it, median of three, the smaller part first. So elements
// that compare as equal end up where they do in Redis, and on all nodes alike.
type sorter struct {
	e    *Engine
	L    *lua.LState
	t    *lua.LTable
	less lua.LValue // the script's function, nil for <
}

func tableSort(e *Engine, L *lua.LState) int {
	t := checkTable(L, 1)
	s := sorter{e: e, L: L, t: t}
	if L.Get(2) != lua.LNil {
		s.less = checkFunction(L, 2)
	}
	n := t.Len()
	if e.isReadOnly(t) && n > 1 {
		e.refuse(L)
	}
	s.sort(1, n)
	return 0
}

func (s *sorter) at(i int) lua.LValue { return s.t.RawGet(lua.LNumber(i)) }

func (s *sorter) swap(i, j int) {
	a, b := s.at(i), s.at(j)
	s.t.RawSet(lua.LNumber(i), b)
	s.t.RawSet(lua.LNumber(j), a)
}

// before reports whether a comes before b.
func (s *sorter) before(a, b lua.LValue) bool {
	if s.less == nil {
		s.e.work(s.L, 1)
		return s.L.LessThan(a, b)
	}
	s.e.call(s.L, s.less, 1, a, b)
	yes := lua.LVAsBool(s.L.Get(-1))
	s.L.Pop(1)
	return yes
}

func (s *sorter) sort(low, high int) {
	for low < high {
		if s.before(s.at(high), s.at(low)) {
			s.swap(low, high)
		}
		if high-low == 1 {
			return
		}
		middle := (low + high) / 2
		if s.before(s.at(middle), s.at(low)) {
			s.swap(middle, low)
		} else if s.before(s.at(high), s.at(middle)) {
			s.swap(middle, high)
		}
		if high-low == 2 {
			return
		}
		cut := s.partition(low, high, middle)
		if cut-low < high-cut {
			s.sort(low, cut-1)
			low = cut + 1
		} else {
			s.sort(cut+1, high)
			high = cut - 1
		}
	}
}

// partition puts the pivot, the element in the middle, between those before it and the others, and returns its
// place. The first and the last element are on their sides already.
func (s *sorter) partition(low, high, middle int) int {
	pivot := s.at(middle)
	s.swap(middle, high-1)
	i, j := low, high-1
	for {
		for i++; s.before(s.at(i), pivot); i++ {
			if i >= high {
				s.e.fail(s.L, "invalid order function for sorting")
			}
		}
		for j--; s.before(pivot, s.at(j)); j-- {
			if j <= low {
				s.e.fail(s.L, "invalid order function for sorting")
			}
		}
		if j < i {
			break
		}
		s.swap(i, j)
	}
	s.swap(high-1, i)
	return i
}
