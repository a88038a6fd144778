package cluster

import (
	"encoding/binary"
	"hash/crc32"
	"hash/fnv"
	"math/bits"
)

// The bytes of an entry; docs/formats/entry.md has the layout and its reasons.
const (
	entryVersion  = 1
	entryHeadSize = 1 + 1 + 5*8
	entrySumSize  = crc32.Size
)

// entryHead is what an entry says about itself.
type entryHead struct {
	// origin, incarnation and sequence identify the entry: the proposing node's hash, a number it
	// drew at its start, and a count from there.
	origin, incarnation, sequence uint64
	// stamp is the leader's clock in ms since the epoch.
	stamp int64
	// seed is what random commands of the entry draw from.
	seed uint64
}

// originOf is the hash by which entries name a node.
func originOf(nodeID string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(nodeID))
	return h.Sum64()
}

// entryChecksum is CRC32C, which processors have an instruction for.
func entryChecksum(b []byte) uint32 {
	return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
}

// uvarintSize is the number of bytes that n takes.
func uvarintSize(n uint64) int { return (bits.Len64(n|1) + 6) / 7 }

// entrySize is the number of bytes that appendEntry adds.
func entrySize(items [][]byte) int {
	size := entryHeadSize + uvarintSize(uint64(len(items))) + entrySumSize
	for _, item := range items {
		size += uvarintSize(uint64(len(item))) + len(item)
	}
	return size
}

// appendEntry appends an entry to dst. It allocates only to grow dst.
func appendEntry(dst []byte, head entryHead, items [][]byte) []byte {
	start := len(dst)
	dst = append(dst, entryVersion, 0)
	dst = binary.LittleEndian.AppendUint64(dst, head.origin)
	dst = binary.LittleEndian.AppendUint64(dst, head.incarnation)
	dst = binary.LittleEndian.AppendUint64(dst, head.sequence)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(head.stamp))
	dst = binary.LittleEndian.AppendUint64(dst, head.seed)
	dst = binary.AppendUvarint(dst, uint64(len(items)))
	for _, item := range items {
		dst = binary.AppendUvarint(dst, uint64(len(item)))
		dst = append(dst, item...)
	}
	return binary.LittleEndian.AppendUint32(dst, entryChecksum(dst[start:]))
}

// decodeEntry checks data and takes it apart. The items are appended to room and are views of
// data. It allocates no more than the items that are really there need.
func decodeEntry(data []byte, room [][]byte) (entryHead, [][]byte, error) {
	var head entryHead
	if len(data) < entryHeadSize+1+entrySumSize {
		return head, room, errEntryShort
	}
	if data[0] != entryVersion {
		return head, room, errEntryVersion
	}
	body, sum := data[:len(data)-entrySumSize], data[len(data)-entrySumSize:]
	if entryChecksum(body) != binary.LittleEndian.Uint32(sum) {
		return head, room, errEntrySum
	}
	if body[1] != 0 {
		return head, room, errEntryFlags
	}
	head = entryHead{
		origin:      binary.LittleEndian.Uint64(body[2:]),
		incarnation: binary.LittleEndian.Uint64(body[10:]),
		sequence:    binary.LittleEndian.Uint64(body[18:]),
		stamp:       int64(binary.LittleEndian.Uint64(body[26:])),
		seed:        binary.LittleEndian.Uint64(body[34:]),
	}
	items, err := decodeItems(body[entryHeadSize:], room)
	return head, items, err
}

// decodeItems takes apart the count and the items that follow the head.
func decodeItems(b []byte, room [][]byte) ([][]byte, error) {
	count, n := binary.Uvarint(b)
	if n <= 0 {
		return room, errEntryShort
	}
	b = b[n:]
	for ; count > 0; count-- {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return room, errEntryShort
		}
		end := n + int(size)
		room = append(room, b[n:end:end])
		b = b[end:]
	}
	if len(b) != 0 {
		return room, errEntryLong
	}
	return room, nil
}
