package lua

import lua "github.com/yuin/gopher-lua"

// hold is what a function in Go has in the making: memory of the run's that no value of the script's leads to, until
// the function returns and end gives it up.
type hold struct {
	engine *Engine
	L      *lua.LState
	bytes  int64
}

// pay pays for n bytes that are about to be allocated.
func (h *hold) pay(n int) {
	h.engine.grow(h.L, n)
	h.bytes += int64(n)
	h.engine.held += int64(n)
}

// end gives up what was paid for. It is deferred, since errors unwind.
func (h *hold) end() { h.engine.held -= h.bytes }

// newTable is Engine.newTable for a table that the script does not have yet.
func (h *hold) newTable(array, hash int) *lua.LTable {
	h.pay(tableSize + valueSize*array + entrySize*hash)
	return h.L.CreateTable(array, hash)
}

// output is what a library writes, within what the run may still use.
type output struct {
	hold
	text []byte
}

func (o *output) add(b ...byte) {
	o.charge(len(b))
	o.text = append(o.text, b...)
}

func (o *output) addText(s string) {
	o.charge(len(s))
	o.text = append(o.text, s...)
}

// charge takes n bytes of memory, and the time to write them, from what the run may use.
func (o *output) charge(n int) {
	o.engine.work(o.L, 1+n/bytesAStep)
	o.pay(2 * n) // the buffer grows by more than what is written
}
