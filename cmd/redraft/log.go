package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/redraftdb/redraft/server"
)

// openLog makes the log of a node: lines of slog's text form, on the standard output or in
// logfile. The level follows CONFIG SET loglevel.
func openLog(c *server.Config) (*slog.Logger, *slog.LevelVar, error) {
	var out io.Writer = os.Stdout
	if path := c.Get("logfile"); path != "" {
		file := &logFile{path: path}
		if _, err := file.Write(nil); err != nil {
			return nil, nil, fmt.Errorf("logfile: %w%s", err, advice(err, "--logfile"))
		}
		out = file
	}
	level := new(slog.LevelVar)
	handler := slog.NewTextHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: redisLevel})
	return slog.New(handler), level, nil
}

// redisLevel calls a line's level what loglevel calls it.
func redisLevel(groups []string, a slog.Attr) slog.Attr {
	level, ok := a.Value.Any().(slog.Level)
	if len(groups) > 0 || a.Key != slog.LevelKey || !ok {
		return a
	}
	name := "error"
	switch {
	case level < slog.LevelInfo-1:
		name = "debug"
	case level < slog.LevelInfo:
		name = "verbose"
	case level < slog.LevelWarn:
		name = "notice"
	case level < slog.LevelError:
		name = "warning"
	}
	return slog.String(a.Key, name)
}

// logFile appends to a file that it opens for each line, so that the file can be moved away at any
// time.
type logFile struct {
	path string
	mu   sync.Mutex
}

// Write appends a line.
func (l *logFile) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		return 0, err
	}
	n, err := f.Write(line)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return n, err
}
