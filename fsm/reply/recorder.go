package reply

import (
	"math"
	"strconv"
	"strings"
)

// Recorder is a Sink that keeps answers as text, one line a part and two spaces of indent a
// level, the form in which transcripts show them:
//
//	+OK            a status
//	-ERR …         an error
//	:1             an integer
//	"a\x00b"       a string, quoted as Go does
//	,1.5 (1 #t =txt:"…"   a double, a big number, a boolean, a verbatim string
//	_ *_           null, null array
//	*2 %1 ~2 >2    an array, a map, a set, a push, their parts below them
//
// The zero Recorder records as for RESP2 and is ready to use; Protocol3 makes RESP3 true.
type Recorder struct {
	Protocol3 bool

	out  strings.Builder
	open []int // parts still to come, for each aggregate that is not complete
}

// String returns what was recorded, each answer's lines ended by a newline.
func (r *Recorder) String() string { return r.out.String() }

// Complete reports whether every announced part has been written.
func (r *Recorder) Complete() bool { return len(r.open) == 0 }

// Reset forgets what was recorded.
func (r *Recorder) Reset() {
	r.out.Reset()
	r.open = r.open[:0]
}

func (r *Recorder) part(text string, parts int) {
	r.out.WriteString(strings.Repeat("  ", len(r.open)))
	r.out.WriteString(text)
	r.out.WriteByte('\n')
	if n := len(r.open); n > 0 {
		r.open[n-1]--
	}
	if parts > 0 {
		r.open = append(r.open, parts)
	}
	for n := len(r.open); n > 0 && r.open[n-1] == 0; n-- {
		r.open = r.open[:n-1]
	}
}

func (r *Recorder) Status(s string)           { r.part("+"+s, 0) }
func (r *Recorder) Error(text string)         { r.part("-"+text, 0) }
func (r *Recorder) Int(n int64)               { r.part(":"+strconv.FormatInt(n, 10), 0) }
func (r *Recorder) Bulk(b []byte)             { r.Text(string(b)) }
func (r *Recorder) Text(s string)             { r.part(strconv.Quote(s), 0) }
func (r *Recorder) Double(f float64)          { r.part(","+formatDouble(f), 0) }
func (r *Recorder) BigNumber(digits string)   { r.part("("+digits, 0) }
func (r *Recorder) Verbatim(format, t string) { r.part("="+format+":"+strconv.Quote(t), 0) }
func (r *Recorder) Null()                     { r.part("_", 0) }
func (r *Recorder) Array(n int)               { r.part("*"+strconv.Itoa(n), n) }
func (r *Recorder) Map(n int)                 { r.part("%"+strconv.Itoa(n), 2*n) }
func (r *Recorder) Set(n int)                 { r.part("~"+strconv.Itoa(n), n) }
func (r *Recorder) Push(n int)                { r.part(">"+strconv.Itoa(n), n) }
func (r *Recorder) RESP3() bool               { return r.Protocol3 }

// NullArray records the absence of an array, which in RESP3 is that of any value.
func (r *Recorder) NullArray() {
	if r.Protocol3 {
		r.Null()
	} else {
		r.part("*_", 0)
	}
}

// Bool records a truth value.
func (r *Recorder) Bool(b bool) {
	if b {
		r.part("#t", 0)
	} else {
		r.part("#f", 0)
	}
}

// Decimal records a number as a double, whose digits need not be the same, or what RESP2 has for it, which is exact.
func (r *Recorder) Decimal(digits []byte) {
	f, err := strconv.ParseFloat(string(digits), 64)
	if err != nil || !r.Protocol3 {
		r.Bulk(digits)
		return
	}
	r.Double(f)
}

// formatDouble is a double as Redis writes it.
func formatDouble(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	return strconv.FormatFloat(f, 'g', 17, 64)
}
