package cluster

import (
	"testing"
	"time"
)

func TestOfficeBase(t *testing.T) {
	for _, c := range []struct {
		machine, wall int64
		voters        []int64
		want          int64
	}{
		{100, 200, nil, 200},
		{300, 200, nil, 300},
		{0, 9000, []int64{9000, 100, 110}, 110}, // this node is an hour ahead
		{0, 100, []int64{100, 9000, 9100}, 100}, // this node is behind
		{0, 100, []int64{100, 90}, 90},
		{500, 100, []int64{100, 90}, 500},
	} {
		if got := officeBase(c.machine, c.wall, c.voters); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

func TestStampSlew(t *testing.T) {
	const epoch = 1_700_000_000_000
	for _, c := range []struct {
		name  string
		ahead time.Duration // of the wall clock, seen from the base
		want  int64         // ms after 1000 steps of 10 ms
	}{
		{"in step", 0, 10_000},
		{"far ahead", time.Hour, 11_000},
		{"far behind", -time.Hour, 9_000},
		{"a little ahead", 500 * time.Millisecond, 10_500},
		{"a little behind", -500 * time.Millisecond, 9_500},
	} {
		s := newStamps(epoch)
		var last int64
		for i := range 1000 {
			elapsed := time.Duration(i+1) * 10 * time.Millisecond
			stamp := s.next(elapsed, epoch*time.Millisecond+elapsed+c.ahead)
			if stamp < last {
				t.Fatalf("%s: %d after %d", c.name, stamp, last)
			}
			last = stamp
		}
		if got := last - epoch; got != c.want {
			t.Errorf("%s: %d ms passed, want %d", c.name, got, c.want)
		}
	}
}

func TestStampNeverBack(t *testing.T) {
	s := newStamps(1000)
	a := s.next(time.Second, 0)
	if b := s.next(time.Second/2, 0); b < a {
		t.Errorf("%d after %d", b, a)
	}
}

func TestTick(t *testing.T) {
	o := newOffice(time.Now)
	o.take(time.Now().UnixMilli()+1000, nil) // ahead of the wall clock: still this node's time
	if tick, _ := o.tick(0); tick {
		t.Error("a tick for nothing")
	}
	now := o.stamp()
	if tick, sleep := o.tick(now + 5000); tick || sleep <= 0 || sleep > 5*time.Second {
		t.Errorf("due in 5 s: %v, %v", tick, sleep)
	}
	if tick, _ := o.tick(now - 1); !tick {
		t.Error("no tick although something is due")
	}
	if tick, sleep := o.tick(now - 1); tick || sleep <= 0 {
		t.Error("the same tick again at once")
	}
	if tick, _ := o.tick(now); !tick {
		t.Error("no tick for what is due next")
	}
}

func TestHandOnWatch(t *testing.T) {
	var w handOnWatch
	start := time.Now()
	for i, c := range []struct {
		after time.Duration
		want  bool
	}{{0, false}, {400, false}, {800, false}, {2800, false}, {3200, false}, {3600, false}} {
		if got := w.refused(start.Add(c.after*time.Millisecond), time.Second); got != c.want {
			t.Errorf("%d: %v", i, got)
		}
	}
	for ms := time.Duration(3700); ; ms += 100 {
		if w.refused(start.Add(ms*time.Millisecond), time.Second) {
			if ms != 5900 {
				t.Errorf("stuck after %v", ms)
			}
			break
		}
	}
}
