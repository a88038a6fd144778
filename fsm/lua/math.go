package lua

import (
	"math"

	lua "github.com/yuin/gopher-lua"
)

// openMath makes the table math.
func openMath(e *Engine) *lua.LTable {
	functions := map[string]function{
		"atan2": binary(math.Atan2), "fmod": binary(math.Mod), "mod": binary(math.Mod), "pow": binary(math.Pow),
		"max": extreme(func(a, b float64) bool { return a > b }), "min": extreme(func(a, b float64) bool { return a < b }),
		"frexp": mathFrexp, "ldexp": mathLdexp, "modf": mathModf, "random": mathRandom, "randomseed": mathRandomSeed,
	}
	for name, f := range map[string]func(float64) float64{
		"abs": math.Abs, "acos": math.Acos, "asin": math.Asin, "atan": math.Atan, "ceil": math.Ceil, "cos": math.Cos,
		"cosh": math.Cosh, "exp": math.Exp, "floor": math.Floor, "log": math.Log, "log10": math.Log10, "sin": math.Sin,
		"sinh": math.Sinh, "sqrt": math.Sqrt, "tan": math.Tan, "tanh": math.Tanh,
		"deg": func(f float64) float64 { return f / (math.Pi / 180) },
		"rad": func(f float64) float64 { return f * (math.Pi / 180) },
	} {
		functions[name] = unary(f)
	}
	t := e.table(functions)
	t.RawSetString("pi", lua.LNumber(math.Pi))
	t.RawSetString("huge", lua.LNumber(math.Inf(1)))
	return t
}

// number is an argument that must be one.
func number(L *lua.LState, n int) float64 {
	f, ok := numberOf(L.Get(n))
	if !ok {
		badType(L, n, "number")
	}
	return f
}

func unary(f func(float64) float64) function {
	return func(_ *Engine, L *lua.LState) int {
		L.Push(lua.LNumber(f(number(L, 1))))
		return 1
	}
}

func binary(f func(a, b float64) float64) function {
	return func(_ *Engine, L *lua.LState) int {
		L.Push(lua.LNumber(f(number(L, 1), number(L, 2))))
		return 1
	}
}

// extreme is that of the arguments which no other beats.
func extreme(beats func(a, b float64) bool) function {
	return func(_ *Engine, L *lua.LState) int {
		best := number(L, 1)
		for i := 2; i <= L.GetTop(); i++ {
			if f := number(L, i); beats(f, best) {
				best = f
			}
		}
		L.Push(lua.LNumber(best))
		return 1
	}
}

func mathFrexp(_ *Engine, L *lua.LState) int {
	fraction, exponent := math.Frexp(number(L, 1))
	L.Push(lua.LNumber(fraction))
	L.Push(lua.LNumber(exponent))
	return 2
}

func mathLdexp(_ *Engine, L *lua.LState) int {
	const far = 1 << 16
	L.Push(lua.LNumber(math.Ldexp(number(L, 1), int(max(-far, min(far, number(L, 2)))))))
	return 1
}

func mathModf(_ *Engine, L *lua.LState) int {
	f := number(L, 1)
	whole, fraction := math.Modf(f)
	if math.IsInf(f, 0) {
		fraction = 0
	}
	L.Push(lua.LNumber(whole))
	L.Push(lua.LNumber(fraction))
	return 2
}

// mathRandom is that of Redis: after math.randomseed it draws the numbers that Redis draws.
func mathRandom(e *Engine, L *lua.LState) int {
	const most = 1<<31 - 1
	r := float64(e.random.next()%most) / most
	switch L.GetTop() {
	case 0:
		L.Push(lua.LNumber(r))
	case 1:
		upper := int32(integer(number(L, 1)))
		if upper < 1 {
			badArgument(L, 1, "interval is empty")
		}
		L.Push(lua.LNumber(math.Floor(r*float64(upper)) + 1))
	case 2:
		lower, upper := int32(integer(number(L, 1))), int32(integer(number(L, 2)))
		if lower > upper {
			badArgument(L, 2, "interval is empty")
		}
		product := r * float64(upper-lower+1)
		L.Push(lua.LNumber(math.Floor(product) + float64(lower)))
	default:
		e.fail(L, "wrong number of arguments")
	}
	return 1
}

func mathRandomSeed(e *Engine, L *lua.LState) int {
	e.random.seed(int32(integer(number(L, 1))))
	return 0
}
