package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/redraftdb/redraft/server"
)

// wantedEnd is the cause of an end that somebody asked for.
type wantedEnd struct {
	why  string
	save bool // a snapshot was asked for as well
	now  bool // without waiting for another node to lead
}

func (e *wantedEnd) Error() string { return e.why }

// watchSignals ends the node at SIGTERM or SIGINT, and the process at once at a second one.
func watchSignals(end context.CancelCauseFunc) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	s := <-signals
	end(&wantedEnd{why: "received " + s.String()})
	<-signals
	fmt.Fprintln(os.Stderr, "redraft: a second signal: ended at once")
	os.Exit(1)
}

// endError is the reason for an end that nobody wanted, or nil.
func endError(ctx context.Context) error {
	cause := context.Cause(ctx)
	var wanted *wantedEnd
	if errors.As(cause, &wanted) {
		return nil
	}
	return cause
}

// againAfter is how long a node has to have run to be started again by itself. A fault that comes
// back sooner is for somebody to look at.
const againAfter = time.Minute

// again starts the program anew, in this process, if that is all that is needed after err, the end
// of a node that has run for a time. It returns the error that is left.
func again(err error, ran time.Duration, exec func(program string, args, environment []string) error) error {
	var start interface{ StartAgain() bool }
	if !errors.As(err, &start) || ran < againAfter {
		return err
	}
	program, failed := os.Executable()
	if failed == nil {
		fmt.Fprintln(os.Stderr, "redraft: "+oneLine(err.Error())+"; starting again")
		failed = exec(program, os.Args, os.Environ())
	}
	return errors.Join(err, failed)
}

// openError is why a node could not be opened: what ended it from outside, or what made joining
// hopeless, or err. joining is the context that the node was opened with.
func openError(ctx, joining context.Context, err error) error {
	var hopeless *joinError
	switch {
	case ctx.Err() != nil:
		return endError(ctx)
	case errors.As(context.Cause(joining), &hopeless):
		return hopeless
	}
	var network *net.OpError
	if errors.As(err, &network) {
		return fmt.Errorf("cluster port: %w%s", err, advice(err, "--raft-port or --bind"))
	}
	return fmt.Errorf("%w%s", err, advice(err, "--dir"))
}

// listenError is why the server cannot listen for clients.
func listenError(err error) error {
	flags := "--port or --bind"
	var network *net.OpError
	if errors.As(err, &network) && network.Net == "unix" {
		flags = "--unixsocket"
	}
	return fmt.Errorf("%w%s", err, advice(err, flags))
}

// advice is what to do about an error of the operating system, to be put behind it; flags are
// those that would choose something else.
func advice(err error, flags string) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return ": another process uses it; stop that one, or choose another with " + flags
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return ": this machine does not have that address; choose another with " + flags
	case errors.Is(err, fs.ErrPermission):
		return ": give this user the right to use it, or choose another with " + flags
	case errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrNotExist):
		return ": choose another with " + flags
	}
	return ""
}

// logEnd puts the end of a node into its log. An error is on the standard error as well, which
// nobody may be looking at.
func logEnd(log *slog.Logger, c *server.Config, err error) {
	if err == nil {
		log.Info("ended")
	} else if c.Get("logfile") != "" {
		log.Error("ended", "error", oneLine(err.Error()))
	}
}
