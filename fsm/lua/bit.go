package lua

import (
	"math"
	"math/bits"

	lua "github.com/yuin/gopher-lua"
)

// bitFunctions are those of the library bit: arithmetic on 32-bit words, whose results are signed.
func bitFunctions() map[string]function {
	return map[string]function{
		"tobit":   bitUnary(func(b uint32) uint32 { return b }),
		"bnot":    bitUnary(func(b uint32) uint32 { return ^b }),
		"bswap":   bitUnary(bits.ReverseBytes32),
		"band":    bitFold(func(a, b uint32) uint32 { return a & b }),
		"bor":     bitFold(func(a, b uint32) uint32 { return a | b }),
		"bxor":    bitFold(func(a, b uint32) uint32 { return a ^ b }),
		"lshift":  bitShift(func(b uint32, n int) uint32 { return b << n }),
		"rshift":  bitShift(func(b uint32, n int) uint32 { return b >> n }),
		"arshift": bitShift(func(b uint32, n int) uint32 { return uint32(int32(b) >> n) }),
		"rol":     bitShift(bits.RotateLeft32),
		"ror":     bitShift(func(b uint32, n int) uint32 { return bits.RotateLeft32(b, -n) }),
		"tohex":   bitToHex,
	}
}

// openBit makes the library bit.
func openBit(e *Engine) *lua.LTable { return e.table(bitFunctions()) }

// bitWord is argument n as a word: the nearest integer, even of two that are as near, modulo 2^32.
// The sum brings the integer's lowest bit to the mantissa's; numbers of 2^51 and beyond lose bits.
func bitWord(e *Engine, L *lua.LState, n int) uint32 {
	const shift = 1<<52 + 1<<51
	return uint32(math.Float64bits(checkNumber(L, n) + shift))
}

func pushWord(L *lua.LState, b uint32) int {
	L.Push(lua.LNumber(int32(b)))
	return 1
}

func bitUnary(f func(uint32) uint32) function {
	return func(e *Engine, L *lua.LState) int { return pushWord(L, f(bitWord(e, L, 1))) }
}

func bitShift(f func(b uint32, n int) uint32) function {
	return func(e *Engine, L *lua.LState) int {
		b := bitWord(e, L, 1)
		return pushWord(L, f(b, int(bitWord(e, L, 2)&31)))
	}
}

// bitFold works on any number of arguments; what it complains of is the first, or else the last.
func bitFold(f func(a, b uint32) uint32) function {
	return func(e *Engine, L *lua.LState) int {
		b := bitWord(e, L, 1)
		for i := L.GetTop(); i > 1; i-- {
			b = f(b, bitWord(e, L, i))
		}
		return pushWord(L, b)
	}
}

// bitToHex writes the lowest digits of a word, eight of them or as many as the second argument says,
// in capitals if that is negative.
func bitToHex(e *Engine, L *lua.LState) int {
	b := bitWord(e, L, 1)
	count := int64(8)
	if L.GetTop() >= 2 {
		count = int64(int32(bitWord(e, L, 2)))
	}
	digits := "0123456789abcdef"
	if count < 0 {
		count, digits = -count, "0123456789ABCDEF"
	}
	text := make([]byte, min(count, 8))
	for i := len(text) - 1; i >= 0; i-- {
		text[i] = digits[b&15]
		b >>= 4
	}
	L.Push(lua.LString(text))
	return 1
}
