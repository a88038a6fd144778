package lua

import (
	"math"
	"math/bits"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// The library struct: values in the layout of a C compiler for x86-64. A format is read from left to
// right; each of its letters takes an element, or changes how the next ones are laid out:
//
//	> < !N   big endian, little endian, alignment of at most N (a power of 2; without a number, 8)
//	b B h H l L T iN IN   integers of 1, 2, 8 and N bytes (4 without a number, 32 at the most);
//	                      small letters have a sign, except for T, which has none
//	f d      floating-point numbers of 4 and 8 bytes
//	cN       N bytes of a string; c0 all of it, or as many as the number just read
//	s        a string and the NUL behind it
//	x        a byte that nobody needs

// openStruct makes the library struct.
func openStruct(e *Engine) *lua.LTable {
	return e.table(map[string]function{"pack": structPack, "unpack": structUnpack, "size": structSize})
}

const (
	maxIntegerSize = 32
	integerLetters = "bBhHlLTiI"
)

// layout reads a format.
type layout struct {
	hold
	format    string // what is still to be read
	bigEndian bool
	align     uint64 // the most that an element is aligned to
}

func newLayout(e *Engine, L *lua.LState, format string) layout {
	return layout{hold: hold{engine: e, L: L}, format: untilNUL(format), align: 1}
}

// next reads a letter and the size of its element, which is 0 for those without a size of their own.
func (l *layout) next() (letter byte, size uint64) {
	l.engine.work(l.L, stepsAValue)
	letter, l.format = l.format[0], l.format[1:]
	switch letter {
	case 'b', 'B', 'x':
		return letter, 1
	case 'h', 'H':
		return letter, 2
	case 'f':
		return letter, 4
	case 'l', 'L', 'T', 'd':
		return letter, 8
	case 'c':
		return letter, l.number(1)
	case 'i', 'I':
		size = l.number(4)
		if size > maxIntegerSize {
			l.engine.fail(l.L, "integral size %d is larger than limit of %d", size, maxIntegerSize)
		}
	}
	return letter, size
}

// number reads a number, if one is next.
func (l *layout) number(otherwise uint64) uint64 {
	if l.format == "" || !isDigit(l.format[0]) {
		return otherwise
	}
	n := uint64(0)
	for l.format != "" && isDigit(l.format[0]) {
		n = 10*n + uint64(l.format[0]-'0')
		if n > math.MaxInt32 {
			l.engine.fail(l.L, "integral size overflow")
		}
		l.format = l.format[1:]
	}
	return n
}

// padding is how many bytes are between a position and the next one that suits an element. Sizes
// that are no power of 2 suit no better than the C library's arithmetic makes them.
func (l *layout) padding(at uint64, letter byte, size uint64) uint64 {
	if size == 0 || letter == 'c' {
		return 0
	}
	size = min(size, l.align)
	return (size - at&(size-1)) & (size - 1)
}

// control does what a letter without an element asks for.
func (l *layout) control(letter byte) {
	switch letter {
	case ' ':
	case '>':
		l.bigEndian = true
	case '<':
		l.bigEndian = false
	case '!':
		n := l.number(8)
		if bits.OnesCount64(n) != 1 {
			l.engine.fail(l.L, "alignment %d is not a power of 2", n)
		}
		l.align = n
	default:
		badArgument(l.L, 1, "invalid format option '"+string([]byte{letter})+"'")
	}
}

// put appends the lowest bytes of a word, zeros above its eighth.
func (l *layout) put(to []byte, word uint64, size uint64) []byte {
	from := len(to)
	for ; size > 0; size-- {
		to = append(to, byte(word))
		word >>= 8
	}
	if l.bigEndian {
		slices.Reverse(to[from:])
	}
	return to
}

// get reads a word, of which the lowest eight bytes count.
func (l *layout) get(from string) uint64 {
	word := uint64(0)
	for i := range len(from) {
		at := len(from) - 1 - i
		if l.bigEndian {
			at = i
		}
		word = word<<8 | uint64(from[at])
	}
	return word
}

// structPack lays values out.
func structPack(e *Engine, L *lua.LState) int {
	l := newLayout(e, L, checkString(L, 1))
	defer l.end()
	L.Push(lua.LNil) // so that an argument that is missing is called nil, as by the C library
	var out []byte
	argument := 2
	for l.format != "" {
		letter, size := l.next()
		padding := l.padding(uint64(len(out)), letter, size)
		out = append(out, make([]byte, padding)...)
		switch {
		case strings.IndexByte(integerLetters, letter) >= 0:
			out = l.put(out, integerWord(checkNumber(L, argument)), size)
		case letter == 'f':
			out = l.put(out, uint64(math.Float32bits(float32(checkNumber(L, argument)))), size)
		case letter == 'd':
			out = l.put(out, math.Float64bits(checkNumber(L, argument)), size)
		case letter == 'c' || letter == 's':
			s := checkString(L, argument)
			if size == 0 {
				size = uint64(len(s))
			}
			if uint64(len(s)) < size {
				badArgument(L, argument+1, "string too short")
			}
			l.pay(2 * len(s))
			out = append(out, s[:size]...)
			if letter == 's' {
				out = append(out, 0)
			}
		case letter == 'x':
			out = append(out, 0)
			continue
		default:
			l.control(letter)
			continue
		}
		argument++
	}
	return e.push(L, string(out))
}

// integerWord is a number as a word of 64 bits.
func integerWord(f float64) uint64 {
	if f < 0 {
		return uint64(integer(f))
	}
	return toUint64(f)
}

// structUnpack takes values apart, and returns them and the position behind them.
func structUnpack(e *Engine, L *lua.LState) int {
	l := newLayout(e, L, checkString(L, 1))
	u := unpacker{layout: l, data: checkString(L, 2), arguments: L.GetTop()}
	defer u.end()
	from := optInteger(L, 3, 1)
	if from == 0 {
		badArgument(L, 3, "offset must be 1 or greater")
	}
	u.at = uint64(from - 1)
	for u.format != "" {
		u.element()
	}
	for _, v := range u.values {
		L.Push(v)
	}
	L.Push(lua.LNumber(int64(u.at + 1)))
	return len(u.values) + 1
}

// unpacker takes a string apart.
type unpacker struct {
	layout
	data      string
	at        uint64 // how far it got; may be beyond the end, where nothing can be read
	arguments int    // of the call
	values    []lua.LValue
}

// need holds that size bytes can be read.
func (u *unpacker) need(size uint64) {
	if have := uint64(len(u.data)); size > have || u.at > have-size {
		badArgument(u.L, 2, "data string too short")
	}
}

// element reads a letter of the format and what it stands for.
func (u *unpacker) element() {
	letter, size := u.next()
	u.at += u.padding(u.at, letter, size)
	u.need(size)
	if u.arguments+len(u.values)+2 > maxSlots {
		u.engine.fail(u.L, "stack overflow (too many results)")
	}
	switch {
	case strings.IndexByte(integerLetters, letter) >= 0:
		u.push(lua.LNumber(u.integer(letter, size)))
	case letter == 'f':
		u.push(lua.LNumber(math.Float32frombits(uint32(u.get(u.data[u.at : u.at+size])))))
	case letter == 'd':
		u.push(lua.LNumber(math.Float64frombits(u.get(u.data[u.at : u.at+size]))))
	case letter == 'c':
		if size == 0 {
			size = u.previous()
			u.need(size)
		}
		u.push(lua.LString(u.data[u.at : u.at+size]))
	case letter == 's':
		length := strings.IndexByte(u.data[u.at:], 0)
		if length < 0 {
			u.engine.fail(u.L, "unfinished string in data")
		}
		u.push(lua.LString(u.data[u.at : u.at+uint64(length)]))
		size = uint64(length) + 1
	case letter != 'x':
		u.control(letter)
	}
	u.at += size
}

func (u *unpacker) push(v lua.LValue) {
	u.pay(valueSize + stringSize)
	u.values = append(u.values, v)
}

// previous takes back the number just read, which is the size of a string.
func (u *unpacker) previous() uint64 {
	if n := len(u.values); n > 0 {
		if size, ok := numberOf(u.values[n-1]); ok {
			u.values = u.values[:n-1]
			return toUint64(size)
		}
	}
	u.engine.fail(u.L, "format 'c0' needs a previous size")
	return 0
}

// integer reads an integer. Where its size is no multiple of 8, the processor that the C library
// runs on takes the place of the sign modulo 64.
func (u *unpacker) integer(letter byte, size uint64) float64 {
	word := u.get(u.data[u.at : u.at+size])
	if letter < 'a' {
		return float64(word)
	}
	if sign := ^uint64(0) << ((8*size - 1) % 64); word&sign != 0 {
		word |= sign
	}
	return float64(int64(word))
}

// structSize is how long what a format says comes out.
func structSize(e *Engine, L *lua.LState) int {
	l := newLayout(e, L, checkString(L, 1))
	at := uint64(0)
	for l.format != "" {
		letter, size := l.next()
		at += l.padding(at, letter, size)
		switch {
		case letter == 's':
			badArgument(L, 1, "option 's' has no fixed size")
		case letter == 'c' && size == 0:
			badArgument(L, 1, "option 'c0' has no fixed size")
		case !isAlnum(letter):
			l.control(letter)
		}
		at += size
	}
	L.Push(lua.LNumber(int64(at)))
	return 1
}
