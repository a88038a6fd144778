package hll

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// Values are the registers of a dense sketch.
func Values(b []byte) []byte {
	out := make([]byte, Registers)
	for i := range out {
		out[i] = register(b, i)
	}
	return out
}

// Decode writes the runs of a sparse sketch as PFDEBUG DECODE does: z:N and Z:N are N registers of 0 in one
// byte and in two, v:V,N are N of V.
func Decode(b []byte) string {
	var words []string
	for at := headerSize; at < len(b); {
		r := runAt(b, at)
		switch {
		case r.value > 0:
			words = append(words, fmt.Sprintf("v:%d,%d", r.value, r.length))
		case r.size == 1:
			words = append(words, fmt.Sprintf("z:%d", r.length))
		default:
			words = append(words, fmt.Sprintf("Z:%d", r.length))
		}
		at += r.size
	}
	return strings.Join(words, " ")
}

// SelfTest stores and reads registers, and counts up to ten million elements that depend on where: the count has
// to be near the truth, and the same in both forms. most is the length from which on a sketch is dense. The error
// is what PFSELFTEST answers.
func SelfTest(where uint64, most int) error {
	if err := testRegisters(where); err != nil {
		return err
	}
	both := [2][]byte{New(), New()}
	both[0], _ = Dense(both[0]) // a new one is never corrupt
	checkpoint := uint64(1)
	var element [8]byte
	for n := uint64(1); n <= 10_000_000; n++ {
		binary.LittleEndian.PutUint64(element[:], n^where)
		for i := range both {
			var err error
			if both[i], _, err = Add(both[i], element[:], most); err != nil {
				return fmt.Errorf("TESTFAILED %w", err)
			}
		}
		if n < checkpoint {
			continue
		}
		if err := testCount(both, n, most); err != nil {
			return err
		}
		checkpoint *= 10
	}
	return nil
}

// testRegisters fills a dense sketch with some numbers and reads them again.
func testRegisters(where uint64) error {
	for round := range uint64(1000) {
		d, _ := Dense(New())
		at := func(i int) byte { return byte((where+round+1)*uint64(i)*seed>>20) % (1 << registerBits) }
		for i := range Registers {
			raiseDense(d, i, at(i))
		}
		for i, got := range Values(d) {
			if got != at(i) {
				return fmt.Errorf("TESTFAILED Register %d should be %d but is %d", i, at(i), got)
			}
		}
	}
	return nil
}

// testCount looks at two sketches, the second of which began in the sparse form, of n elements.
func testCount(both [2][]byte, n uint64, most int) error {
	if IsDense(both[1]) && n < uint64(most)/2 {
		return fmt.Errorf("TESTFAILED sparse encoding not used")
	}
	a, _ := Count(both[0])
	b, err := Count(both[1])
	if a != b || err != nil {
		return fmt.Errorf("TESTFAILED dense/sparse disagree")
	}
	off := math.Abs(float64(n) - float64(a))
	limit := math.Ceil(1.04 / math.Sqrt(Registers) * 6 * float64(n)) // six standard errors
	if n == 10 {
		limit = 1
	}
	if off > limit {
		return fmt.Errorf("TESTFAILED Too big error. card:%d abserr:%.0f", n, off)
	}
	return nil
}
