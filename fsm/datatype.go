package fsm

import (
	"strconv"

	"github.com/redraftdb/redraft/fsm/value"
	"github.com/redraftdb/redraft/snapshot"
)

// A dataType is what the machine has to know of the values of a type, beside the commands on them.
type dataType struct {
	// name is the word of TYPE.
	name string
	// write writes a key with its value in the encoding that Redis 7.0 gives it. A view's goroutine
	// calls it, with the view's cells.
	write func(out *snapshot.Writer, key []byte, s stored, cells value.Cells)
	// read reads the value of a key of a snapshot, in any of the forms that the type has had, and
	// puts it into the database.
	read func(st *state, rd *snapshot.Reader, db *database, e snapshot.Entry, deadline int64) error
	// digest takes a value in as DEBUG DIGEST does.
	digest func(db *database, s stored, into *sum)
	// row is a value as SORT sees it; nil for a type that has no elements to sort.
	row func(db *database, s stored) row
}

// typeOf is the data type with a number.
func typeOf(typ int) dataType {
	switch typ {
	case typeList:
		return listType()
	case typeSet:
		return setType()
	case typeHash:
		return hashType()
	case typeZSet:
		return zsetType()
	case typeStream:
		return streamType()
	default:
		return stringType()
	}
}

// typeInFile is the number of the data type that a key of a snapshot has.
func typeInFile(t snapshot.Type) (typ int, ok bool) {
	switch t {
	case snapshot.TypeString:
		return typeString, true
	case snapshot.TypeList, snapshot.TypeListZiplist, snapshot.TypeListQuicklist, snapshot.TypeListQuicklist2:
		return typeList, true
	case snapshot.TypeSet, snapshot.TypeSetIntset:
		return typeSet, true
	case snapshot.TypeHash, snapshot.TypeHashListpack, snapshot.TypeHashZiplist, snapshot.TypeHashZipmap:
		return typeHash, true
	case snapshot.TypeZSet, snapshot.TypeZSet2, snapshot.TypeZSetListpack, snapshot.TypeZSetZiplist:
		return typeZSet, true
	case snapshot.TypeStreamListpacks, snapshot.TypeStreamListpacks2:
		return typeStream, true
	default:
		return 0, false
	}
}

// stored is a value out of its cell: the bytes of a string or of a small aggregate, or the structure
// of a large one.
type stored struct {
	kind  kind
	bytes []byte
	large value.Large
}

func loadValue(c cell, o *objects) stored {
	s := stored{kind: c.kind()}
	if !c.has(flagOutside) {
		s.bytes = c.inline()
		return s
	}
	switch v := o.items[c.object()].value.(type) {
	case []byte:
		s.bytes = v
	case value.Large:
		s.large = v
	}
	return s
}

// An aggregate is a value of elements after a command has changed it: Small or Large, whichever of the two
// is not nil, is what the key's value becomes.
type aggregate interface {
	Len() int
	Small() []byte
	Large() value.Large
}

// putAggregate makes an aggregate that was changed, or made, the value of key: of the kind small or large.
// One without elements is no value: the key goes.
func (db *database) putAggregate(key []byte, a aggregate, small, large kind, deadline int64) {
	e, found := db.find(key)
	l := a.Large()
	switch {
	case a.Len() == 0:
		if found {
			db.remove(e)
		}
	case l == nil:
		db.put(key, small, a.Small(), deadline)
	case !found || loadValue(e.cell, &db.objects).large != l:
		db.putOutside(e, found, key, large, object{value: l}, deadline)
	default:
		db.objects.weigh(e.object())
	}
}

// found reports whether an entry is one of a key that is there.
func (e entry) found() bool { return e.cell != nil }

// until is the entry's deadline, 0 if it has none or the key is not there.
func (e entry) until() int64 {
	if !e.found() {
		return 0
	}
	return e.deadline()
}

func stringType() dataType {
	return dataType{name: "string", write: writeString, read: (*state).readString, digest: digestString}
}

// embstrMax is the longest string that Redis calls embstr.
const embstrMax = 44

func writeString(out *snapshot.Writer, key []byte, s stored, _ value.Cells) {
	out.Key(snapshot.TypeString, key)
	switch {
	case s.kind == kindInt:
		out.Int(decodeInt(s.bytes))
	case s.kind == kindRaw && len(s.bytes) <= embstrMax:
		out.WideString(s.bytes)
	default:
		out.String(s.bytes)
	}
}

// readString reads a string, in the encoding that its form stands for in our own files. In those of
// others an encoding is what SET makes of the string.
func (st *state) readString(rd *snapshot.Reader, db *database, e snapshot.Entry, deadline int64) error {
	v, form, err := rd.String()
	switch {
	case err != nil:
		return err
	case st.format == 0 || form == snapshot.FormInt:
		db.putText(e.Key, v, deadline)
	case form == snapshot.FormShort && len(v) <= embstrMax:
		db.put(e.Key, kindEmbstr, v, deadline)
	default:
		db.put(e.Key, kindRaw, v, deadline)
	}
	return nil
}

func digestString(_ *database, s stored, into *sum) {
	if s.kind == kindInt {
		into.mix(strconv.AppendInt(nil, decodeInt(s.bytes), 10))
	} else {
		into.mix(s.bytes)
	}
}
