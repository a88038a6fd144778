package fsm

import "testing"

// TestReadShapes reads streams in both protocols: RESP3 has a map of keys, RESP2 an array of pairs.
func TestReadShapes(t *testing.T) {
	d := &differential{T: t, log: newLog(t)}
	d.log.ask("XADD", "s", "1-1", "f", "v")
	d.log.ask("XGROUP", "CREATE", "s", "g", "0")
	for _, words := range [][]string{
		{"XREAD", "STREAMS", "s", "none", "0", "0"},
		{"XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">"},
		{"XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", "0"},
	} {
		d.log.ask("XGROUP", "SETID", "s", "g", "0")
		want := "*1\n  *2\n    \"s\"\n    *1\n      *2\n        \"1-1\"\n        *2\n          \"f\"\n          \"v\"\n"
		if got := d.run(words, false); got != want {
			t.Errorf("%q in RESP2: %s, want %s", words, got, want)
		}
		d.log.ask("XGROUP", "SETID", "s", "g", "0")
		want = "%1\n  \"s\"\n  *1\n    *2\n      \"1-1\"\n      *2\n        \"f\"\n        \"v\"\n"
		if got := d.run(words, true); got != want {
			t.Errorf("%q in RESP3: %s, want %s", words, got, want)
		}
	}
}
