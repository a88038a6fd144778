//go:build poison

package arena

import "testing"

func TestPoison(t *testing.T) {
	a := New()
	keep, r := a.Alloc(64), a.Alloc(64)
	cell := a.Bytes(r)
	if cell[0] != unwritten || cell[63] != unwritten {
		t.Error("a new cell is not filled")
	}
	mustPanic(t, func() { a.Free(r + 1) })
	mustPanic(t, func() { a.Bytes(r + 1) })
	mustPanic(t, func() { a.Free(0) })
	mustPanic(t, func() { a.Free(Ref(5) << slabBits) })
	a.Free(r)
	if cell[linkBytes] != freed || cell[63] != freed {
		t.Error("a freed cell is not filled")
	}
	mustPanic(t, func() { a.Bytes(r) })
	mustPanic(t, func() { a.Free(r) })
	check(t, a)
	cell[20] = 1
	mustPanic(t, func() { a.Alloc(64) })
	_ = keep
}
