package server

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redraftdb/redraft/fsm"
)

const defaultOutputLimits = "normal 1073741824 268435456 60 slave 268435456 67108864 60 pubsub 33554432 8388608 60"

var (
	errLimitClass  = errors.New("Invalid client class specified in buffer limit configuration.")
	errLimitWords  = errors.New("Wrong number of arguments in buffer limit configuration.")
	errLimitNumber = errors.New("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
	errLimitOther  = errors.New("replicas are nodes of the cluster here, and their limit is always 268435456 67108864 60")
)

// clientClass is a class of clients with a limit of its own.
type clientClass byte

const (
	normalClass clientClass = iota
	replicaClass
	pubsubClass
	clientClasses
)

// classNames are the names of the classes in CONFIG GET, in its order.
var classNames = [clientClasses]string{"normal", "slave", "pubsub"}

// outputLimit is what may wait for a client of a class: hard bytes at no time, soft bytes for so many seconds. 0
// bytes are no limit.
type outputLimit struct{ hard, soft, seconds int64 }

type outputLimits [clientClasses]outputLimit

// parseOutputLimits reads client-output-buffer-limit: classes with their limits, the last of which counts where one
// comes twice.
func parseOutputLimits(value string) (l outputLimits, err error) {
	words := strings.Fields(value)
	if len(words)%4 != 0 {
		return l, errLimitWords
	}
	for ; len(words) > 0; words = words[4:] {
		class, ok := classNamed(words[0])
		if !ok {
			return l, errLimitClass
		}
		hard, ok1 := fsm.ParseMemory(words[1])
		soft, ok2 := fsm.ParseMemory(words[2])
		seconds, err := strconv.ParseInt(words[3], 10, 32)
		if !ok1 || !ok2 || err != nil || seconds < 0 {
			return l, errLimitNumber
		}
		l[class] = outputLimit{hard, soft, seconds}
	}
	return l, nil
}

func classNamed(word string) (clientClass, bool) {
	word = strings.ToLower(word)
	for class, name := range classNames {
		if word == name || word == "replica" && clientClass(class) == replicaClass {
			return clientClass(class), true
		}
	}
	return 0, false
}

// checkOutputLimits puts the limits of all classes into the form of CONFIG GET.
func checkOutputLimits(value string) (string, error) {
	l, err := parseOutputLimits(value)
	if err != nil {
		return "", err
	}
	if standard, _ := parseOutputLimits(defaultOutputLimits); l[replicaClass] != standard[replicaClass] {
		return "", errLimitOther
	}
	return l.String(), nil
}

// String is the limits as CONFIG GET shows them.
func (l outputLimits) String() string {
	var words []string
	for class, name := range classNames {
		words = append(words, fmt.Sprintf("%s %d %d %d", name, l[class].hard, l[class].soft, l[class].seconds))
	}
	return strings.Join(words, " ")
}

func (s *Server) applyOutputLimits(value string) error {
	l, err := parseOutputLimits(value)
	s.outputLimits.Store(&l)
	return err
}

// class is the class of a session's client. Any goroutine may ask.
func (s *session) class() clientClass {
	if s.subscriptions.mode.Load() {
		return pubsubClass
	}
	return normalClass
}

// overLimit reports whether n bytes are more than the session's client may have waiting.
func (s *session) overLimit(n int64) bool {
	hard := s.srv.outputLimits.Load()[s.class()].hard
	return hard > 0 && n >= hard
}

// waiting is how many bytes wait for the client, but for replies that a batch is still collecting.
func (s *session) waiting() int64 { return s.conn.waiting.Load() + s.outbox.size.Load() }

// overdue reports whether too many bytes wait for the client, or many for too long. Only the server's clock calls it.
func (s *session) overdue(now time.Time) bool {
	waiting, limit := s.waiting(), s.srv.outputLimits.Load()[s.class()]
	switch {
	case limit.soft == 0 || waiting < limit.soft:
		s.full = time.Time{}
	case s.full.IsZero():
		s.full = now
	}
	return s.overLimit(waiting) || !s.full.IsZero() && now.Sub(s.full) >= time.Duration(limit.seconds)*time.Second
}

// cutOff ends a session whose client lets too much wait. It may be called under the machine's lock.
func (s *session) cutOff() {
	s.srv.log.Warn("client disconnected: more waits for it than client-output-buffer-limit allows", "client", s.id, "addr", s.conn.remote)
	s.kill()
}
