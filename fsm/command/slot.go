package command

import "bytes"

// Slots is the number of hash slots.
const Slots = 1 << 14

// Slot is the hash slot of a key, below Slots: CRC16 of the key or, when the key has a
// non-empty part between its first { and the next }, of that part alone. Keys that share such
// a part share a slot.
func Slot(key []byte) uint16 {
	if open := bytes.IndexByte(key, '{'); open >= 0 {
		tag := key[open+1:]
		if n := bytes.IndexByte(tag, '}'); n > 0 {
			key = tag[:n]
		}
	}
	return crc16(key) % Slots
}

// crc16 is CRC-16/XMODEM: polynomial 0x1021, start 0, neither side reflected.
func crc16(b []byte) uint16 {
	var crc uint16
	for _, c := range b {
		crc = crc<<8 ^ crcTable[byte(crc>>8)^c]
	}
	return crc
}

// crcTable holds the CRC of each single byte. Nothing writes to it after it is made.
var crcTable = func() (t [256]uint16) {
	for i := range t {
		crc := uint16(i) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
		t[i] = crc
	}
	return t
}()
