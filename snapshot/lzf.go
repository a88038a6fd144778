package snapshot

// LZF is a row of items, told apart by the first byte's three top bits. 000 begins a run of
// as many literal bytes as the low five bits say, plus one. Anything else copies bytes from
// what has been expanded already: the three bits are the count less two, 111 meaning that the
// next byte adds to it; the low five bits and one more byte are the distance less one. The
// copy may run into the bytes that it makes.

// lzfItem reads the item at the head of src, which is not empty: the bytes it takes, of which
// the last are the literals if distance is 0, and how many it expands to. A taken that exceeds
// src says that the item is cut off.
func lzfItem(src []byte) (taken, count, distance int) {
	low := int(src[0] & 0x1f)
	count = int(src[0] >> 5)
	if count == 0 {
		return 1 + low + 1, low + 1, 0
	}
	taken = 2
	if count == 7 {
		taken = 3
		if len(src) > 1 {
			count += int(src[1])
		}
	}
	if len(src) >= taken {
		distance = low<<8 | int(src[taken-1])
	}
	return taken, count + 2, distance + 1
}

// lzfSize returns how many bytes src expands to. It is false if src cannot be expanded.
func lzfSize(src []byte) (size int, ok bool) {
	for len(src) > 0 {
		taken, count, distance := lzfItem(src)
		if taken > len(src) || distance > size {
			return 0, false
		}
		size += count
		src = src[taken:]
	}
	return size, true
}

// lzfExpand appends what src expands to. lzfSize must have found src sound.
func lzfExpand(dst, src []byte) []byte {
	for len(src) > 0 {
		taken, count, distance := lzfItem(src)
		if distance == 0 {
			dst = append(dst, src[taken-count:taken]...)
			count = 0
		}
		// What lies between from and the end repeats itself, so each round may copy all of it.
		for from := len(dst) - distance; count > 0; {
			step := min(count, len(dst)-from)
			dst = append(dst, dst[from:from+step]...)
			count -= step
		}
		src = src[taken:]
	}
	return dst
}
