package snapshot

import (
	"fmt"
	"strconv"
)

// Element is one element of a listpack or ziplist, which keep integers in binary. As a value
// it is a string either way.
type Element struct {
	// Text is a string element, a view of the bytes it was found in.
	Text []byte
	// Int is an integer element.
	Int int64
	// IsInt says which of the two it is.
	IsInt bool
}

// AppendTo appends the element as the string that it stands for.
func (e Element) AppendTo(dst []byte) []byte {
	if e.IsInt {
		return strconv.AppendInt(dst, e.Int, 10)
	}
	return append(dst, e.Text...)
}

// compactError is the error of a compact form, such as a listpack, with the offset in it.
func compactError(form string, at int, what string) error {
	return fmt.Errorf("%w: byte %d of a %s: %s", ErrFormat, at, form, what)
}

// text returns the element whose bytes stand at the head of b behind a head of so many bytes.
// The size is 0 if b is too short for it.
func text(b []byte, head int, length uint64) (e Element, size int) {
	if head > len(b) || length > uint64(len(b)-head) {
		return Element{}, 0
	}
	size = head + int(length)
	return Element{Text: b[head:size:size]}, size
}

// integer returns the element whose little-endian number of width bytes stands at the head of
// b behind one byte. The size is 0 if b is too short for it.
func integer(b []byte, width int) (e Element, size int) {
	if len(b) < 1+width {
		return Element{}, 0
	}
	return Element{Int: littleInt(b[1 : 1+width]), IsInt: true}, 1 + width
}

// pairing makes pairs of a row of elements: field, value, field, value.
type pairing struct {
	visit  func(field, value []byte) error
	first  Element
	half   bool // first waits for its second
	digits [2][maxDigits]byte
}

func (p *pairing) add(e Element) error {
	p.half = !p.half
	if p.half {
		p.first = e
		return nil
	}
	return p.visit(p.first.view(&p.digits[0]), e.view(&p.digits[1]))
}

// view is AppendTo without a copy of what is text already.
func (e Element) view(digits *[maxDigits]byte) []byte {
	if e.IsInt {
		return strconv.AppendInt(digits[:0], e.Int, 10)
	}
	return e.Text
}
