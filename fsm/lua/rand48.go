package lua

// rand48 is the generator behind math.random: the 48-bit linear congruential one of drand48, as Redis has it.
type rand48 uint64

// begin begins a sequence at a place of its period.
func (r *rand48) begin(at uint64) { *r = rand48(at & (1<<48 - 1)) }

// seed begins the sequence of a seed.
func (r *rand48) seed(n int32) { *r = rand48(uint64(uint32(n))<<16 | 0x330e) }

// next is the next number, 31 bits of it.
func (r *rand48) next() int32 {
	*r = (*r*0x5deece66d + 0xb) & (1<<48 - 1)
	return int32(*r >> 17)
}
