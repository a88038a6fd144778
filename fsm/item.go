package fsm

import (
	"encoding/binary"
	"errors"
)

// An item is one command as an entry carries it:
//
//	uvarint      database, plus what is marked
//	             1<<32: the author follows
//	             1<<33: what the command reads is remembered for the author
//	origin       of the author, if so marked
//	uvarint      number of arguments, the command's name included, at least 1
//	n × uvarint length, bytes
//
// Nothing follows the last argument. The entry around it has the checksum.

const (
	itemAuthored = 1 << 32
	itemRead     = 1 << 33
	itemMarks    = itemAuthored | itemRead
)

var errItem = errors.New("an item is not in the form that this version writes")

// AppendItem appends the item of a command to dst.
func AppendItem(dst []byte, db int, args [][]byte) []byte {
	return AppendItemOf(dst, nil, false, db, args)
}

// AppendItemOf is AppendItem of a command whose author, nil for nobody, is to be known when it is applied: keys
// that it changes are told to a Tracker as changed by its author, and if read is set what it reads as read by it.
// The author of a transaction is that of its commands.
func AppendItemOf(dst []byte, author *Origin, read bool, db int, args [][]byte) []byte {
	head := uint64(db)
	if read {
		head |= itemRead
	}
	if author != nil {
		dst = author.append(binary.AppendUvarint(dst, head|itemAuthored))
	} else {
		dst = binary.AppendUvarint(dst, head)
	}
	dst = binary.AppendUvarint(dst, uint64(len(args)))
	for _, a := range args {
		dst = binary.AppendUvarint(dst, uint64(len(a)))
		dst = append(dst, a...)
	}
	return dst
}

// ItemSize is the length of the item that AppendItem would append, or a little more.
func ItemSize(args [][]byte) int {
	n := 2 * binary.MaxVarintLen32
	for _, a := range args {
		n += len(a) + binary.MaxVarintLen32
	}
	return n
}

// decodeItem appends an item's arguments, which are parts of the item, to args.
func decodeItem(item []byte, args [][]byte) ([][]byte, int, error) {
	db, _, _, item, ok := cutItemHead(item)
	n, item, ok2 := cutUvarint(item)
	if !ok || !ok2 || n == 0 || n > uint64(len(item)) || db > 1<<31 {
		return nil, 0, errItem
	}
	for range n {
		var size uint64
		if size, item, ok = cutUvarint(item); !ok || size > uint64(len(item)) {
			return nil, 0, errItem
		}
		args = append(args, item[:size:size])
		item = item[size:]
	}
	if len(item) != 0 {
		return nil, 0, errItem
	}
	return args, int(db), nil
}

// cutItemHead takes off an item what stands before the arguments.
func cutItemHead(item []byte) (db uint64, author *Origin, read bool, rest []byte, ok bool) {
	head, rest, ok := cutUvarint(item)
	if ok && head&itemAuthored != 0 {
		var o Origin
		if o, rest, ok = cutOrigin(rest); ok {
			author = &o
		}
	}
	return head &^ itemMarks, author, head&itemRead != 0, rest, ok
}

// marks are the author of an item that can be decoded, nil for nobody, and whether what it reads is remembered.
func marks(item []byte) (author *Origin, read bool) {
	if item[0] < 0x80 || item[1] < 0x80 { // a database below 16384 and no mark, as nearly always
		return nil, false
	}
	_, author, read, _, _ = cutItemHead(item)
	return author, read
}

// cutUvarint takes a number off the front of b. With ok false rest is empty.
func cutUvarint(b []byte) (n uint64, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 {
		return 0, nil, false
	}
	return n, b[size:], true
}

// item builds an item of words, in database 0.
func item(words ...string) []byte {
	args := make([][]byte, len(words))
	for i, w := range words {
		args[i] = []byte(w)
	}
	return AppendItem(nil, 0, args)
}
