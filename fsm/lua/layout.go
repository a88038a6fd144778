package lua

import (
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// What gopher-lua keeps to itself and a run has to see: which instruction comes next, and the variables that
// closures share. The types below have the fields of gopher-lua's types of v1.1.2, in their order; TestLayout
// holds them against the real ones, so that another version cannot be taken without looking at this file.

// stateLayout is lua.LState.
type stateLayout struct {
	global       *lua.Global
	parent       *lua.LState
	env          *lua.LTable
	panicking    func(*lua.LState)
	dead         bool
	options      lua.Options
	stop         int32
	registry     *registryLayout
	stack        [2]unsafe.Pointer // an interface
	alloc        unsafe.Pointer
	currentFrame *frameLayout
	wrapped      bool
	upvalues     *upvalueLayout
	hasErrorFunc bool
	mainLoop     func(*lua.LState, *frameLayout)
	context      [2]unsafe.Pointer // an interface
	cancel       func()
}

// registryLayout is the stack of values.
type registryLayout struct {
	array []lua.LValue
	top   int
	_     int               // growBy
	_     int               // maxSize
	_     unsafe.Pointer    // alloc
	_     [2]unsafe.Pointer // an interface
}

// frameLayout is one call.
type frameLayout struct {
	index     int // from the bottom of the thread's stack
	function  *lua.LFunction
	parent    *frameLayout
	pc        int // of the next instruction
	_         int // base
	localBase int // where R(0) lies in the registry
	_         int // returnBase
	nargs     int
	_         int // nret
	_         int // tailCalls
}

// upvalueLayout is a variable that closures share; while it is open it lies in the registry.
type upvalueLayout struct {
	next     *upvalueLayout // the next higher one that is open
	registry *registryLayout
	index    int
	value    lua.LValue
	closed   bool
}

// tableLayout is lua.LTable.
type tableLayout struct {
	metatable lua.LValue
	array     []lua.LValue
	dict      map[lua.LValue]lua.LValue
	strdict   map[string]lua.LValue
	keys      []lua.LValue
	k2i       map[lua.LValue]int
}

func insideState(L *lua.LState) *stateLayout { return (*stateLayout)(unsafe.Pointer(L)) }

func insideTable(t *lua.LTable) *tableLayout { return (*tableLayout)(unsafe.Pointer(t)) }

// closeUpvalues takes the variables that closures share and that lie in the registry from a place on out of it.
func (s *stateLayout) closeUpvalues(from int) {
	link := &s.upvalues
	for *link != nil && (*link).index < from {
		link = &(*link).next
	}
	open := *link
	*link = nil
	for ; open != nil; open = open.next {
		(*lua.Upvalue)(unsafe.Pointer(open)).Close()
	}
}
