package arena

import "math/bits"

// MaxCell is the size in bytes of the largest cell.
const MaxCell = 16 << 10

// Cells come in steps of 16 bytes up to fineCells, then in eight steps to every doubling.
const (
	fineCells   = 1 << fineBits
	fineBits    = 10
	fineClasses = fineCells / granule
	doublings   = 4 // from fineCells to MaxCell
	classCount  = fineClasses + 8*doublings
)

// ClassSize returns the bytes of the cell that Alloc(size) gives, for a size of 1 to MaxCell.
func ClassSize(size int) int {
	_, granules := classOf(size)
	return int(granules) * granule
}

// classOf returns the class of the smallest cells that hold size bytes, and their granules.
func classOf(size int) (index int, granules uint16) {
	if uint(size-1) < fineCells {
		g := (size + granule - 1) / granule
		return g - 1, uint16(g)
	}
	if uint(size-1) >= MaxCell {
		panic("arena: no cell has this size")
	}
	doubling := bits.Len(uint(size-1)) - 1 - fineBits
	step := fineCells / 8 << doubling
	steps := (size - 1) / step // 8 to 15 full steps lie below the cell's size
	return fineClasses + 8*doubling + steps - 8, uint16((steps + 1) * step / granule)
}

// classOfGranules is the class of cells of exactly so many granules.
func classOfGranules(granules uint16) int {
	index, _ := classOf(int(granules) * granule)
	return index
}
