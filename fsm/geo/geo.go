// Package geo holds the arithmetic of places on the earth as Redis has it: a place as a number of 52 bits,
// the cells that such numbers lie in, the cells to look through for what is near a place, and distances.
//
// Everything is a function of its arguments, to the last bit and on every processor: results become scores
// of sorted sets, which have to be the same on all nodes. Hence the sines of this package (trig.go), and
// products that are converted before they are added to something, which keeps a compiler from fusing the two.
package geo

// The bounds of places, in degrees. Those of the latitude are where a Mercator map is a square.
const (
	MaxLongitude = 180.0
	MaxLatitude  = 85.05112878
)

// steps is how often a place's number halves the earth in each direction.
const steps = 26

// Place is a place on the earth, in degrees.
type Place struct{ Longitude, Latitude float64 }

// Valid reports whether the place is within the bounds.
func (p Place) Valid() bool {
	return p.Longitude >= -MaxLongitude && p.Longitude <= MaxLongitude && p.Latitude >= -MaxLatitude && p.Latitude <= MaxLatitude
}

// Encode returns the number of a valid place: the bits of its longitude and of its latitude in turn, those
// that halve the earth first being the highest.
func Encode(p Place) uint64 { return cellAt(p, MaxLatitude, steps).bits }

// Decode returns the middle of the cell that is what a number tells of a place. Any number has one.
func Decode(bits uint64) Place {
	a := cell{bits, steps}.area()
	return Place{
		Longitude: clamp((a.west+a.east)/2, MaxLongitude),
		Latitude:  clamp((a.south+a.north)/2, MaxLatitude),
	}
}

func clamp(x, most float64) float64 { return max(-most, min(most, x)) }

// BitsOf returns the number that a score stands for. A score that is no number of 52 bits gives what the
// processors that Redis runs on make of it.
func BitsOf(score float64) uint64 {
	const half, whole = 1 << 63, 1 << 64
	switch {
	case score >= whole:
		return 0
	case score >= half:
		return uint64(int64(score-half)) ^ half
	case score < -half:
		return half
	}
	return uint64(int64(score))
}

// Hash returns the place's geohash in the usual letters, eleven of them. The usual latitudes go from -90 to
// 90; the last letter is always the first of the alphabet, since 52 bits do not reach it.
func Hash(p Place) string {
	const alphabet, letters = "0123456789bcdefghjkmnpqrstuvwxyz", 11
	bits := cellAt(p, 90, steps).bits
	var hash [letters]byte
	for i := range hash {
		hash[i] = alphabet[bits<<12>>(59-5*min(i, letters-2))&31]
	}
	hash[letters-1] = alphabet[0]
	return string(hash[:])
}

// A cell is a part of the earth: one of the 2^step by 2^step that halving it so often makes.
type cell struct {
	bits uint64
	step int
}

// area is what a cell covers, in degrees.
type area struct{ west, east, south, north float64 }

// cellAt returns the cell of a place, where latitudes reach up to a bound.
func cellAt(p Place, maxLatitude float64, step int) cell {
	part := func(x, most float64) uint64 {
		return uint64(uint32((x + most) / (2 * most) * float64(uint64(1)<<step)))
	}
	return cell{spread(part(p.Latitude, maxLatitude)) | spread(part(p.Longitude, MaxLongitude))<<1, step}
}

func (c cell) area() (a area) {
	edges := func(n uint64, most float64) (low, high float64) {
		parts := float64(uint64(1) << c.step)
		return -most + float64(float64(n)/parts*(2*most)), -most + float64(float64(n+1)/parts*(2*most))
	}
	a.south, a.north = edges(gather(c.bits), MaxLatitude)
	a.west, a.east = edges(gather(c.bits>>1), MaxLongitude)
	return a
}

// beside returns the cell that is so many to the east and to the north, around the earth. In a direction in
// which one does not move, the cell of a place at the upper bound stays the one beyond the last that it is.
func (c cell) beside(east, north int) cell {
	mask := uint64(1)<<c.step - 1
	latitude, longitude := gather(c.bits), gather(c.bits>>1)
	if north != 0 {
		latitude = (latitude + uint64(int64(north))) & mask
	}
	if east != 0 {
		longitude = (longitude + uint64(int64(east))) & mask
	}
	return cell{spread(latitude) | spread(longitude)<<1, c.step}
}

// scores returns the scores of the places in the cell: from low up to, and without, high.
func (c cell) scores() (low, high uint64) {
	shift := 2 * (steps - c.step)
	return c.bits << shift, (c.bits + 1) << shift
}

// spread puts the 32 low bits of n at the even places of the result.
func spread(n uint64) uint64 {
	n &= 0xFFFFFFFF
	n = (n | n<<16) & 0x0000FFFF0000FFFF
	n = (n | n<<8) & 0x00FF00FF00FF00FF
	n = (n | n<<4) & 0x0F0F0F0F0F0F0F0F
	n = (n | n<<2) & 0x3333333333333333
	return (n | n<<1) & 0x5555555555555555
}

// gather undoes spread.
func gather(n uint64) uint64 {
	n &= 0x5555555555555555
	n = (n | n>>1) & 0x3333333333333333
	n = (n | n>>2) & 0x0F0F0F0F0F0F0F0F
	n = (n | n>>4) & 0x00FF00FF00FF00FF
	n = (n | n>>8) & 0x0000FFFF0000FFFF
	return (n | n>>16) & 0xFFFFFFFF
}
