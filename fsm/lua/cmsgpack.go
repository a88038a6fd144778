package lua

import (
	encoding "encoding/binary"
	"math"

	lua "github.com/yuin/gopher-lua"
)

// openMsgpack makes the library cmsgpack: values as MessagePack, https://msgpack.org.
func openMsgpack(e *Engine) *lua.LTable {
	t := e.table(map[string]function{
		"pack": msgpackPack, "unpack": msgpackUnpack, "unpack_one": msgpackUnpackOne, "unpack_limit": msgpackUnpackLimit,
	})
	t.RawSetString("_NAME", lua.LString("cmsgpack"))
	t.RawSetString("_VERSION", lua.LString("lua-cmsgpack 0.4.0")) // whose answers these are
	return t
}

// msgpackDepth is how many tables may be nested; what is deeper is packed as nil.
const msgpackDepth = 16

// The first bytes of MessagePack's values. Those of small numbers, strings, arrays and maps hold
// the number or length as well.
const (
	msgpackFixMap     = 0x80
	msgpackFixArray   = 0x90
	msgpackFixString  = 0xa0
	msgpackNil        = 0xc0
	msgpackFalse      = 0xc2
	msgpackTrue       = 0xc3
	msgpackFloat32    = 0xca
	msgpackFloat64    = 0xcb
	msgpackUint8      = 0xcc
	msgpackUint16     = 0xcd
	msgpackUint32     = 0xce
	msgpackUint64     = 0xcf
	msgpackInt8       = 0xd0
	msgpackInt16      = 0xd1
	msgpackInt32      = 0xd2
	msgpackInt64      = 0xd3
	msgpackString8    = 0xd9
	msgpackString16   = 0xda
	msgpackString32   = 0xdb
	msgpackArray16    = 0xdc
	msgpackArray32    = 0xdd
	msgpackMap16      = 0xde
	msgpackMap32      = 0xdf
	msgpackFixNegated = 0xe0
)

// msgpackPack packs its arguments one behind the other.
func msgpackPack(e *Engine, L *lua.LState) int {
	arguments := L.GetTop()
	switch {
	case arguments == 0:
		badArgument(L, 0, "MessagePack pack needs input.")
	case 2*arguments > maxSlots:
		badArgument(L, 0, "Too many arguments for MessagePack pack.")
	}
	p := packer{output{hold: hold{engine: e, L: L}}}
	defer p.end()
	for i := 1; i <= arguments; i++ {
		p.value(L.Get(i), 0)
	}
	return e.push(L, string(p.text))
}

// packer writes MessagePack.
type packer struct{ output }

// value packs a value that is inside of so many tables. What MessagePack has no word for is nil.
func (p *packer) value(v lua.LValue, depth int) {
	p.engine.work(p.L, stepsAValue)
	switch v := v.(type) {
	case lua.LString:
		p.head(len(v), msgpackFixString, 32, msgpackString8, msgpackString16, msgpackString32)
		p.addText(string(v))
		return
	case lua.LBool:
		if v {
			p.add(msgpackTrue)
		} else {
			p.add(msgpackFalse)
		}
		return
	case lua.LNumber:
		p.number(float64(v))
		return
	case *lua.LTable:
		if depth < msgpackDepth {
			p.table(v, depth+1)
			return
		}
	}
	p.add(msgpackNil)
}

// table packs a table as an array if it has the keys 1 to their count, else as a map.
func (p *packer) table(t *lua.LTable, depth int) {
	count, array := 0, true
	last := int32(0)
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		_ = v
		count++
		n, isNumber := k.(lua.LNumber)
		if index := toInt32(float64(n)); !isNumber || index <= 0 || lua.LNumber(index) != n {
			array = false
		} else {
			last = max(last, index)
		}
	}
	if array && int(last) == count {
		p.head(count, msgpackFixArray, 16, 0, msgpackArray16, msgpackArray32)
		for i := 1; i <= count; i++ {
			p.value(t.RawGetInt(i), depth)
		}
		return
	}
	p.head(count, msgpackFixMap, 16, 0, msgpackMap16, msgpackMap32)
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		p.value(k, depth)
		p.value(v, depth)
	}
}

// head writes a length in the first of its forms that holds it: in the low bits of fix if it is less
// than small, or behind b8 (0: there is no such form), b16 or b32.
func (p *packer) head(length int, fix byte, small int, b8, b16, b32 byte) {
	switch {
	case length < small:
		p.add(fix | byte(length))
	case length <= math.MaxUint8 && b8 != 0:
		p.add(b8, byte(length))
	case length <= math.MaxUint16:
		p.word16(b16, uint16(length))
	default:
		p.word32(b32, uint32(length))
	}
}

// number packs a number as an integer if it is one of 64 bits, else as a float of 4 bytes if that
// holds it, else of 8.
func (p *packer) number(f float64) {
	n := integer(f)
	switch {
	case float64(n) == f:
		p.integer(n)
	case float64(float32(f)) == f:
		p.word32(msgpackFloat32, math.Float32bits(float32(f)))
	default:
		p.word64(msgpackFloat64, math.Float64bits(f))
	}
}

// integer packs an integer in the shortest form that holds it.
func (p *packer) integer(n int64) {
	switch {
	case n >= -32 && n <= math.MaxInt8:
		p.add(byte(n))
	case n >= 0 && n <= math.MaxUint8:
		p.add(msgpackUint8, byte(n))
	case n >= 0 && n <= math.MaxUint16:
		p.word16(msgpackUint16, uint16(n))
	case n >= 0 && n <= math.MaxUint32:
		p.word32(msgpackUint32, uint32(n))
	case n >= 0:
		p.word64(msgpackUint64, uint64(n))
	case n >= math.MinInt8:
		p.add(msgpackInt8, byte(n))
	case n >= math.MinInt16:
		p.word16(msgpackInt16, uint16(n))
	case n >= math.MinInt32:
		p.word32(msgpackInt32, uint32(n))
	default:
		p.word64(msgpackInt64, uint64(n))
	}
}

func (p *packer) word16(head byte, w uint16) {
	p.add(encoding.BigEndian.AppendUint16([]byte{head}, w)...)
}

func (p *packer) word32(head byte, w uint32) {
	p.add(encoding.BigEndian.AppendUint32([]byte{head}, w)...)
}

func (p *packer) word64(head byte, w uint64) {
	p.add(encoding.BigEndian.AppendUint64([]byte{head}, w)...)
}
