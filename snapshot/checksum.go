package snapshot

import (
	"encoding/binary"
	"sync"
)

// jones is the polynomial of the CRC-64 that RDB uses, 0xad93d23594c935a9, with its bits in
// reverse order, since the CRC takes the low bit first.
const jones = 0x95ac9329ac4bc9b5

// jonesTables holds, for k from 0 to 7, the CRC of each byte followed by k zero bytes, so
// that eight bytes cost eight look-ups that do not wait for each other.
var jonesTables = sync.OnceValue(func() *[8][256]uint64 {
	var tables [8][256]uint64
	for i := range tables[0] {
		crc := uint64(i)
		for range 8 {
			low := crc & 1
			crc = crc>>1 ^ jones*low
		}
		tables[0][i] = crc
	}
	for i := range tables[0] {
		for k := 1; k < 8; k++ {
			before := tables[k-1][i]
			tables[k][i] = tables[0][before&0xff] ^ before>>8
		}
	}
	return &tables
})

// Checksum returns the CRC-64 of the bytes that crc is the checksum of, followed by p. The
// checksum of nothing is 0.
func Checksum(crc uint64, p []byte) uint64 {
	t := jonesTables()
	for len(p) >= 8 {
		crc ^= binary.LittleEndian.Uint64(p)
		crc = t[7][crc&0xff] ^ t[6][crc>>8&0xff] ^ t[5][crc>>16&0xff] ^ t[4][crc>>24&0xff] ^
			t[3][crc>>32&0xff] ^ t[2][crc>>40&0xff] ^ t[1][crc>>48&0xff] ^ t[0][crc>>56]
		p = p[8:]
	}
	for _, b := range p {
		crc = t[0][byte(crc)^b] ^ crc>>8
	}
	return crc
}
