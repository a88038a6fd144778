package fsm

import (
	"math"
	"strconv"
	"testing"

	"github.com/redraftdb/redraft/fsm/reply"
)

// TestHrandfieldIsUniform draws fields from a small hash and from a large one, few of them and most
// of them, and finds none twice and all equally often. The draws depend on the seed alone.
func TestHrandfieldIsUniform(t *testing.T) {
	testUniform(t, "HRANDFIELD", func(l *testLog, i int) { l.ask("HSET", "key", strconv.Itoa(i), "v") })
}

// TestSrandmemberIsUniform is TestHrandfieldIsUniform of sets.
func TestSrandmemberIsUniform(t *testing.T) {
	testUniform(t, "SRANDMEMBER", func(l *testLog, i int) { l.ask("SADD", "key", strconv.Itoa(i)) })
}

func testUniform(t *testing.T, command string, add func(l *testLog, i int)) {
	for _, fields := range []int{40, 600} {
		l := newLog(t)
		for i := range fields {
			add(l, i)
		}
		spec := l.m.table.Named(command)
		for _, count := range []int{1, fields / 20, fields / 2, fields - 1, -fields} {
			counts, draws := map[string]int{}, 200_000/max(count, -count)
			for seed := range draws {
				var out reply.Recorder
				args := [][]byte{[]byte(command), []byte("key"), strconv.AppendInt(nil, int64(count), 10)}
				l.m.Read(0, uint64(seed), []Call{{Spec: spec, Args: args, Out: &out}})
				drawn := elements(out.String(), 1)
				if len(drawn) != max(count, -count) {
					t.Fatalf("%d fields for a count of %d", len(drawn), count)
				}
				for i, f := range drawn {
					if i > 0 && f == drawn[i-1] && count > 0 {
						t.Fatalf("field %s is drawn twice", f)
					}
					counts[f]++
				}
			}
			mean, chi := float64(draws*max(count, -count))/float64(fields), 0.0
			for _, n := range counts {
				d := float64(n) - mean
				chi += d * d / mean
			}
			// Five standard deviations above the mean; draws without repetition stay further below.
			if most := float64(fields) + 5*math.Sqrt(2*float64(fields)); len(counts) != fields || chi > most {
				t.Errorf("%d of %d fields by %d: %d were drawn, chi-square %.0f", count, fields, draws, len(counts), chi)
			}
		}
	}
}
