package fsm

import (
	"strings"
	"testing"

	"github.com/redraftdb/redraft/fsm/reply"
)

// waitingClient is a client of a testLog that may wait.
type waitingClient struct {
	l       *testLog
	origin  Origin
	current *Waiter
	out     *reply.Recorder
	woken   int
}

func (l *testLog) client(n uint64) *waitingClient {
	return &waitingClient{l: l, origin: Origin{Node: "n1", Incarnation: 7, Session: n}}
}

// start registers for an answer, and returns the item that asks for it.
func (c *waitingClient) start(words ...string) []byte {
	c.origin.Request++
	c.out, c.woken = new(reply.Recorder), 0
	c.current = &Waiter{Origin: c.origin, Out: c.out, Wake: func() { c.woken++ }}
	c.l.m.Await(c.current)
	return Blocking(c.origin, c.l.db, bytesOf(words))
}

// ask has a command applied, which may park the client.
func (c *waitingClient) ask(words ...string) {
	c.l.t.Helper()
	item := c.start(words...)
	if err := c.l.m.CheckItem(item); err != nil {
		c.l.t.Fatal(err)
	}
	c.l.apply(nil, item)
	c.l.m.Sent(c.current, c.l.index)
}

// want checks what the client has been answered: nothing at all for "".
func (c *waitingClient) want(answer string) {
	c.l.t.Helper()
	if got := c.out.String(); got != answer || !c.out.Complete() {
		c.l.t.Fatalf("client %d was answered %q, want %q", c.origin.Session, got, answer)
	}
	if answered := answer != ""; answered != (c.woken == 1) || c.woken > 1 {
		c.l.t.Fatalf("client %d was woken %d times", c.origin.Session, c.woken)
	}
}

func bytesOf(words []string) [][]byte {
	args := make([][]byte, len(words))
	for i, w := range words {
		args[i] = []byte(w)
	}
	return args
}

// itemOf is the item of a command.
func (l *testLog) itemOf(words ...string) []byte { return AppendItem(nil, l.db, bytesOf(words)) }

func TestBlockingIsServedInOrder(t *testing.T) {
	l := newLog(t)
	a, b, c := l.client(1), l.client(2), l.client(3)
	a.ask("BLPOP", "other", "list", "0")
	b.ask("BRPOP", "list", "0")
	c.ask("BLPOP", "list", "0")
	l.ask("RPUSH", "list", "1", "2")
	a.want("*2\n  \"list\"\n  \"1\"\n")
	b.want("*2\n  \"list\"\n  \"2\"\n")
	c.want("")
	if got := l.ask("EXISTS", "list"); got != ":0\n" {
		t.Fatalf("the list: %s", got)
	}
	l.ask("RPUSH", "other", "x")
	c.want("")
	l.ask("RPUSH", "list", "3")
	c.want("*2\n  \"list\"\n  \"3\"\n")
	l.check()
}

// Nobody sees the element in between, and what one client is served may serve the next.
func TestBlockingChain(t *testing.T) {
	l := newLog(t)
	a, b, c := l.client(1), l.client(2), l.client(3)
	a.ask("BLMOVE", "one", "two", "LEFT", "RIGHT", "0")
	b.ask("BLMOVE", "two", "three", "LEFT", "RIGHT", "0")
	c.ask("BLPOP", "three", "0")
	out := new(reply.Recorder)
	l.apply([]reply.Sink{nil, out}, l.itemOf("RPUSH", "one", "x"), l.itemOf("EXISTS", "one", "two", "three"))
	if out.String() != ":0\n" {
		t.Fatalf("the next item sees %s", out)
	}
	a.want("\"x\"\n")
	b.want("\"x\"\n")
	c.want("*2\n  \"three\"\n  \"x\"\n")
}

func TestBlockingInTransaction(t *testing.T) {
	l := newLog(t)
	a := l.client(1)
	a.ask("BLPOP", "list", "0")
	out := new(reply.Recorder)
	l.apply([]reply.Sink{out}, Transaction(nil, [][]byte{
		l.itemOf("RPUSH", "list", "x"), l.itemOf("LPOP", "list"), l.itemOf("BLPOP", "list", "0"),
		l.itemOf("BLMOVE", "list", "b", "LEFT", "LEFT", "0")}))
	if want := "*4\n  :1\n  \"x\"\n  *_\n  _\n"; out.String() != want {
		t.Fatalf("got %s, want %s", out, want)
	}
	a.want("")
	l.apply(nil, Transaction(nil, [][]byte{l.itemOf("RPUSH", "list", "x"), l.itemOf("RPUSH", "list", "y"), l.itemOf("LPUSH", "list", "z")}))
	a.want("*2\n  \"list\"\n  \"z\"\n")
}

func TestBlockingOfTheWrongType(t *testing.T) {
	l := newLog(t)
	a, b := l.client(1), l.client(2)
	l.ask("SET", "s", "1")
	a.ask("BLPOP", "s", "0")
	a.want("-" + errWrongType + "\n")
	a.ask("BLPOP", "k", "0")
	l.ask("SET", "k", "1")
	a.want("")
	b.ask("BLMOVE", "from", "k", "LEFT", "LEFT", "0")
	l.ask("RPUSH", "from", "x")
	b.want("-" + errWrongType + "\n")
	if got := l.ask("LRANGE", "from", "0", "-1"); got != "*1\n  \"x\"\n" {
		t.Fatalf("the element: %s", got)
	}
	l.ask("DEL", "k")
	l.ask("RENAME", "from", "k")
	a.want("*2\n  \"k\"\n  \"x\"\n")
}

// A time-out comes before what the same entry brings, since the clock moves first.
func TestBlockingTimeout(t *testing.T) {
	l := newLog(t)
	a, b := l.client(1), l.client(2)
	a.ask("BLPOP", "list", "1.5")
	b.ask("BLPOP", "list", "1.501")
	if due := l.m.Due(); due != l.stamp+1500 {
		t.Fatalf("due at %d, want %d", due, l.stamp+1500)
	}
	l.stamp += 1500
	l.ask("RPUSH", "list", "x")
	a.want("*_\n")
	b.want("*2\n  \"list\"\n  \"x\"\n")
	if due := l.m.Due(); due != 0 {
		t.Fatalf("due at %d, want never", due)
	}
}

func TestBlockingEnds(t *testing.T) {
	l := newLog(t)
	var c [5]*waitingClient
	for i := range c {
		c[i] = l.client(uint64(i))
	}
	c[3].origin.Incarnation = 6
	c[4].origin.Node = "n2"
	for i := range c {
		c[i].ask("BLPOP", "list", "0")
	}
	if !l.m.Waits("n1", 7) || !l.m.Waits("n2", 0) || l.m.Waits("n2", 7) || l.m.Waits("n3", 0) {
		t.Fatal("who waits")
	}
	l.apply(nil, Unblock(c[0].origin, UnblockTimeout), l.itemOf("RPUSH", "list", "x")) // as a client that has gone
	c[0].want("*_\n")
	c[1].want("*2\n  \"list\"\n  \"x\"\n")
	var out [2]reply.Recorder
	l.apply([]reply.Sink{&out[0], &out[1]}, Unblock(c[2].origin, UnblockError), Unblock(c[1].origin, UnblockError))
	if got := out[0].String() + out[1].String(); got != ":1\n:0\n" {
		t.Fatalf("got %s", got)
	}
	c[2].want("-" + errUnblocked + "\n")
	l.apply(nil, DropWaiting("n1", 7))
	c[3].want("-" + errForced + "\n")
	c[4].want("")
	l.apply(nil, ForgetNode("n2"))
	c[4].want("-" + errForced + "\n")
	l.ask("RPUSH", "list", "y")
	if got := l.ask("LLEN", "list"); got != ":1\n" {
		t.Fatalf("somebody took it: %s", got)
	}
}

// A new term ends all waiting, whether an entry or a configuration is the first that shows it.
func TestBlockingEndsWithTheTerm(t *testing.T) {
	for _, skip := range []bool{false, true} {
		l := newLog(t)
		a := l.client(1)
		a.ask("BLPOP", "list", "0")
		l.m.Skip(l.index+1, 1)
		l.index++
		a.want("")
		if skip {
			l.m.Skip(l.index+1, 2)
		} else {
			l.m.Apply(l.index+1, 2, l.stamp, 1, [][]byte{l.itemOf("RPUSH", "list", "x")}, nil)
		}
		a.want("-" + errForced + "\n")
	}
}

// What waits is in the snapshot, in order; a node that loads it knows whom it still owes an answer.
func TestBlockingAcrossASnapshot(t *testing.T) {
	l := newLog(t)
	a, b, c, d, e := l.client(1), l.client(2), l.client(3), l.client(4), l.client(5)
	a.ask("BLPOP", "list", "0")
	early := l.image()
	b.ask("BLMOVE", "list", "other", "LEFT", "LEFT", "9")
	c.ask("BLPOP", "list", "100")
	l.ask("RPUSH", "list", "x") // a's
	image := l.image()
	behind := newLog(t) // a node that is sent the snapshot instead of what came last
	behind.t = t
	if err := behind.m.Restore(strings.NewReader(string(early))); err != nil {
		t.Fatal(err)
	}
	var others [5]*waitingClient
	for i, of := range []*waitingClient{a, b, c, d, e} {
		others[i] = behind.client(of.origin.Session)
		others[i].start("any")
	}
	behind.m.Sent(others[3].current, 4) // answered in an entry that the node will not see
	if err := behind.m.Restore(strings.NewReader(string(image))); err != nil {
		t.Fatal(err)
	}
	behind.index, behind.stamp = l.index, l.stamp
	others[0].want("") // not known to have been applied, until that is said
	behind.m.Sent(others[0].current, 1)
	others[0].want("-" + errMissed + "\n")
	others[3].want("-" + errMissed + "\n")
	others[4].want("")
	for _, l := range []*testLog{l, behind} {
		l.ask("RPUSH", "list", "1", "2")
	}
	for _, c := range []*waitingClient{b, others[1]} {
		c.want("\"1\"\n")
	}
	for _, c := range []*waitingClient{c, others[2]} {
		c.want("*2\n  \"list\"\n  \"2\"\n")
	}
	compare(t, l, behind)
}

// A node that joins has as many databases as the snapshot says only once it has loaded it.
func TestBlockingInManyDatabases(t *testing.T) {
	l := newLog(t)
	l.apply(nil, SetParameters(Setting{ParamDatabases, "100"}))
	l.db = 99
	a := l.client(1)
	a.ask("BLPOP", "list", "0")
	l.restart()
	if !l.m.Waits("n1", 0) {
		t.Fatal("nobody waits")
	}
}

// A waiter that was parked when its node was sent a snapshot in which it waits no more cannot know.
func TestBlockingServedInASnapshot(t *testing.T) {
	l := newLog(t)
	a := l.client(1)
	a.ask("BLPOP", "list", "0")
	other := newLog(t)
	for range 3 {
		other.ask("SET", "k", "v")
	}
	if err := l.m.Restore(strings.NewReader(string(other.image()))); err != nil {
		t.Fatal(err)
	}
	a.want("-" + errMissed + "\n")
	b := l.client(2)
	item := b.start("BLPOP", "list", "0")
	if l.m.Leave(b.current) {
		t.Fatal("answered")
	}
	l.m.Apply(10, 1, l.stamp, 1, [][]byte{item, l.itemOf("RPUSH", "list", "x")}, nil)
	if b.out.String() != "" || b.woken > 0 {
		t.Fatal("one that has left is written to")
	}
}

func TestCheckItemLooksInside(t *testing.T) {
	l := newLog(t)
	get, pop := l.itemOf("GET", "k"), l.itemOf("BLPOP", "k", "0")
	wrap := func(words ...string) []byte { return l.itemOf(words...) }
	for i, bad := range [][]byte{
		wrap(nameTransaction, "", "x"),
		wrap(nameTransaction, "\xff", string(get)),
		wrap(nameTransaction, "", string(l.itemOf("NOSUCH"))),
		wrap(nameTransaction, "", string(l.itemOf("GET"))),
		wrap(nameTransaction, "", string(AppendItem(nil, 99, bytesOf([]string{"GET", "k"})))),
		wrap(nameTransaction, "", string(SetNode("a", "b"))),
		wrap(nameTransaction, "", string(Transaction(nil, [][]byte{get}))),
		wrap(nameTransaction, "\x01\xff\x7f\x01k", string(get)),
		wrap(nameBlocking, "", string(pop)),
		wrap(nameBlocking, "\x01a\x01\x02\x03x", string(pop)),
		wrap(nameBlocking, "\x01a\x01\x02\x03", string(get)),
		wrap(nameBlocking, "\x01a\x01\x02\x03", string(l.itemOf("BLPOP", "k"))),
		wrap(nameUnblock, "x", "timeout"),
	} {
		if l.m.CheckItem(bad) == nil {
			t.Errorf("bad item %d passes", i)
		}
	}
	for i, good := range [][]byte{
		Transaction(nil, [][]byte{get, pop}),
		wrap(nameBlocking, "\x01a\x01\x02\x03", string(pop)),
		Unblock(Origin{Node: "n"}, UnblockError),
		DropWaiting("n", 1),
	} {
		if err := l.m.CheckItem(good); err != nil {
			t.Errorf("good item %d: %v", i, err)
		}
	}
}
