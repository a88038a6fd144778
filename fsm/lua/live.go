package lua

import (
	"strings"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// What a run has allocated counts against its limit until it is known to be garbage. When the limit is reached,
// measure finds out how much the run can still reach: only that goes on counting. Go's own collector would know as
// well, but not the same at the same instruction on every node.

// survey goes through everything that a run can reach, each thing once.
type survey struct {
	seen  map[unsafe.Pointer]struct{}
	queue []any // tables, functions and threads that are to be looked into
	bytes int64
	steps int64
}

// largeString is from how many bytes on a string that is held in several places counts once. Shorter ones are not
// worth remembering, and count as often as they are held.
const largeString = 64

// measure is how many bytes can be reached from the globals and the threads that run.
func (e *Engine) measure(L *lua.LState) (bytes, steps int64) {
	s := survey{seen: map[unsafe.Pointer]struct{}{unsafe.Pointer(e.readOnly): {}}}
	for _, name := range []string{"KEYS", "ARGV"} {
		s.add(e.globals.RawGetString(name))
	}
	for _, r := range e.registered {
		s.add(r.callback)
	}
	for th := L; th != nil; th = th.Parent {
		s.add(th)
	}
	s.add(e.main)
	for _, t := range e.fresh {
		s.add(t)
	}
	for len(s.queue) > 0 {
		last := s.queue[len(s.queue)-1]
		s.queue = s.queue[:len(s.queue)-1]
		s.look(e, last)
	}
	return s.bytes + e.held + e.drafted, s.steps
}

// add takes in a value.
func (s *survey) add(v lua.LValue) {
	s.steps++
	switch v := v.(type) {
	case lua.LString:
		if len(v) < largeString || s.first(unsafe.Pointer(unsafe.StringData(string(v)))) {
			s.bytes += int64(stringSize + len(v))
		}
	case *lua.LTable:
		if s.first(unsafe.Pointer(v)) {
			s.queue = append(s.queue, v)
		}
	case *lua.LFunction:
		if s.first(unsafe.Pointer(v)) {
			s.queue = append(s.queue, v)
		}
	case *lua.LState:
		if s.first(unsafe.Pointer(v)) {
			s.queue = append(s.queue, v)
		}
	}
}

func (s *survey) first(p unsafe.Pointer) bool {
	_, known := s.seen[p]
	s.seen[p] = struct{}{}
	return !known
}

// look counts a thing and takes in what it holds.
func (s *survey) look(e *Engine, thing any) {
	switch v := thing.(type) {
	case *lua.LTable:
		if e.isReadOnly(v) {
			return // a library, which is nobody's
		}
		in := insideTable(v)
		s.bytes += int64(tableSize + valueSize*cap(in.array) + entrySize*len(in.keys))
		s.add(v.Metatable)
		for _, x := range in.array {
			s.add(x)
		}
		for _, k := range in.keys {
			s.add(k)
			s.add(v.RawGetH(k))
		}
	case *lua.LFunction:
		s.bytes += closureSize
		for _, u := range v.Upvalues {
			if u != nil {
				s.add(u.Value())
			}
		}
	case *lua.LState:
		in := insideState(v)
		s.bytes += int64(threadSize + valueSize*cap(in.registry.array))
		for _, x := range in.registry.array[:in.registry.top] {
			s.add(x)
		}
		for f := in.currentFrame; f != nil; f = f.parent {
			s.add(f.function)
		}
	}
}

// reclaim makes room for n bytes that the run has no room for, if it can no longer reach enough of what it has
// allocated; else the run is over. It leaves a good part free, or it would be called again and again.
func (e *Engine) reclaim(L *lua.LState, n int64) {
	bytes, steps := e.measure(L)
	e.memory = e.limits.Memory - bytes - n
	if e.memory < e.limits.Memory/4 {
		e.halted = tooLarge
		e.stop(L)
	}
	e.work(L, int(steps/valuesAStep))
}

// builder is a string in the making, for as long as functions of the script's may be called meanwhile: what it has
// is the run's.
type builder struct {
	strings.Builder
	e *Engine
	n int64
}

func (e *Engine) newBuilder() *builder { return &builder{e: e} }

// write appends a text and pays for it.
func (b *builder) write(L *lua.LState, text string) {
	b.e.grow(L, 2*len(text))
	b.e.work(L, 1+len(text)/bytesAStep)
	b.n += int64(2 * len(text))
	b.e.held += int64(2 * len(text))
	b.WriteString(text)
}

// end gives up what the builder held.
func (b *builder) end() { b.e.held -= b.n }
