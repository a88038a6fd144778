package arena

// Reader reads the cells that were live when Frozen returned it, for as long as each of them
// stays live and is not written to. Any goroutine may use it, without a lock, while the owner of
// the Arena goes on allocating, freeing and writing other cells. The zero Reader reads nothing.
type Reader struct {
	regions []*region
}

// Frozen returns a Reader of the cells that are live now. The caller sees to it that the call
// happens before the reading, and the end of the reading before the first change of a cell that
// may have been read. It costs nothing; the Reader keeps the memory of the slabs alive.
func (a *Arena) Frozen() Reader { return Reader{a.regions} }

// Bytes returns the whole cell r as Arena.Bytes does. The slice must not be written to.
func (r Reader) Bytes(cell Ref) []byte {
	id := uint32(cell) >> slabBits
	return r.regions[id>>regionBits][id%regionSlabs].cell(cell)
}
