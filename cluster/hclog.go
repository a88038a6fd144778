package cluster

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// raftLogQuiet is how long the library may not repeat a message above debug level: with a node
// down it says the same several times a second.
const raftLogQuiet = 10 * time.Second

// raftLog is the logger that hashicorp's libraries are given: it passes their lines on to slog.
type raftLog struct {
	to      *slog.Logger
	name    string
	implied []any
	said    *raftLogSaid
}

// raftLogSaid remembers when a message was last said.
type raftLogSaid struct {
	mu   sync.Mutex
	last map[string]time.Time
}

var _ hclog.Logger = (*raftLog)(nil)

func newRaftLog(to *slog.Logger, name string) *raftLog {
	return &raftLog{to: to, name: name, said: &raftLogSaid{last: map[string]time.Time{}}}
}

// again reports whether msg was said within raftLogQuiet, and notes it otherwise.
func (s *raftLogSaid) again(msg string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Sub(s.last[msg]) < raftLogQuiet {
		return true
	}
	s.last[msg] = now
	return false
}

// Log passes a line on.
func (l *raftLog) Log(level hclog.Level, msg string, args ...any) {
	to := slogLevel(level)
	if !l.to.Enabled(context.Background(), to) {
		return
	}
	if to > slog.LevelDebug && l.said.again(msg) {
		to = slog.LevelDebug
		if !l.to.Enabled(context.Background(), to) {
			return
		}
	}
	l.to.Log(context.Background(), to, l.name+": "+msg, l.attributes(args)...)
}

// attributes makes the library's own value types readable.
func (l *raftLog) attributes(args []any) []any {
	out := append(make([]any, 0, len(l.implied)+len(args)), l.implied...)
	for _, a := range args {
		switch a := a.(type) {
		case hclog.Format:
			if len(a) > 0 {
				out = append(out, fmt.Sprintf(fmt.Sprint(a[0]), a[1:]...))
			}
		case error:
			out = append(out, a.Error())
		default:
			out = append(out, a)
		}
	}
	return out
}

func slogLevel(level hclog.Level) slog.Level {
	switch level {
	case hclog.Error:
		return slog.LevelError
	case hclog.Warn:
		return slog.LevelWarn
	case hclog.Info:
		return slog.LevelInfo
	case hclog.Trace:
		return slog.LevelDebug - 4
	default:
		return slog.LevelDebug
	}
}

func (l *raftLog) enabled(level hclog.Level) bool {
	return l.to.Enabled(context.Background(), slogLevel(level))
}

// Trace passes a line on at this level.
func (l *raftLog) Trace(msg string, args ...any) { l.Log(hclog.Trace, msg, args...) }

// Debug passes a line on at this level.
func (l *raftLog) Debug(msg string, args ...any) { l.Log(hclog.Debug, msg, args...) }

// Info passes a line on at this level.
func (l *raftLog) Info(msg string, args ...any) { l.Log(hclog.Info, msg, args...) }

// Warn passes a line on at this level.
func (l *raftLog) Warn(msg string, args ...any) { l.Log(hclog.Warn, msg, args...) }

// Error passes a line on at this level.
func (l *raftLog) Error(msg string, args ...any) { l.Log(hclog.Error, msg, args...) }

// IsTrace reports whether such lines are wanted.
func (l *raftLog) IsTrace() bool { return l.enabled(hclog.Trace) }

// IsDebug reports whether such lines are wanted.
func (l *raftLog) IsDebug() bool { return l.enabled(hclog.Debug) }

// IsInfo reports whether such lines are wanted.
func (l *raftLog) IsInfo() bool { return l.enabled(hclog.Info) }

// IsWarn reports whether such lines are wanted.
func (l *raftLog) IsWarn() bool { return l.enabled(hclog.Warn) }

// IsError reports whether such lines are wanted.
func (l *raftLog) IsError() bool { return l.enabled(hclog.Error) }

// ImpliedArgs are the attributes of every line.
func (l *raftLog) ImpliedArgs() []any { return l.implied }

// Name is the prefix of every line.
func (l *raftLog) Name() string { return l.name }

// With adds attributes to every line.
func (l *raftLog) With(args ...any) hclog.Logger {
	with := *l
	with.implied = l.attributes(args)
	return &with
}

// Named adds to the prefix of every line.
func (l *raftLog) Named(name string) hclog.Logger { return l.ResetNamed(l.name + "." + name) }

// ResetNamed replaces the prefix of every line.
func (l *raftLog) ResetNamed(name string) hclog.Logger {
	named := *l
	named.name = name
	return &named
}

// SetLevel does nothing: slog's handler decides.
func (l *raftLog) SetLevel(hclog.Level) {}

// GetLevel is none in particular.
func (l *raftLog) GetLevel() hclog.Level { return hclog.NoLevel }

// StandardLogger serves code that knows no levels.
func (l *raftLog) StandardLogger(*hclog.StandardLoggerOptions) *log.Logger {
	return slog.NewLogLogger(l.to.Handler(), slog.LevelInfo)
}

// StandardWriter does so too.
func (l *raftLog) StandardWriter(o *hclog.StandardLoggerOptions) io.Writer {
	return l.StandardLogger(o).Writer()
}
