// Command redraft runs a node of a redraft cluster, and the few tools around one.
//
//	redraft [file] [flags]    a node; file has the syntax of redis.conf, and flags win over it
//	redraft dev               a whole cluster on this machine, to try things out
//	redraft ping              ask a node whether it runs
//	redraft check             see whether a snapshot file is whole
//
// The node is wired in run, as a straight line: the server listens, and answers -LOADING, before
// the cluster is opened; then stale reads are served, and everything when the node has caught up.
// It ends in
// the opposite order: first the clients, then the leadership, then the stores.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/redraftdb/redraft/cluster"
	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/server"
	"github.com/redraftdb/redraft/server/socket"
)

// version is what --version and INFO say. The linker replaces it in builds of a version.
var version = "0.1.0-dev"

// How long the steps of an orderly end may take.
const (
	clientsPatience  = 5 * time.Second
	snapshotPatience = 5 * time.Second // for one that SHUTDOWN asked for
	storesPatience   = 5 * time.Second // after the hand-over
)

func main() { os.Exit(dispatch(os.Args[1:])) }

// dispatch runs a subcommand, or a node if the first word is none, and returns the exit status.
// Whatever goes wrong is one line on the standard error.
func dispatch(args []string) int {
	err := func() error {
		if len(args) > 0 {
			for _, sub := range subcommands() {
				if sub.name == args[0] {
					return sub.run(args[1:])
				}
			}
		}
		return serve(args)
	}()
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "redraft: "+oneLine(err.Error()))
	return 1
}

// oneLine puts a text that may have come from anywhere on one line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// serve does what a command line without a subcommand asks for.
func serve(args []string) error {
	o, err := parseArgs(args, os.Getenv)
	switch {
	case err != nil:
		return err
	case o.help:
		fmt.Print(helpText())
		return nil
	case o.version:
		fmt.Printf("redraft %s (speaks Redis %s)\n", version, server.RedisVersion)
		return nil
	}
	if o.places, err = findPlaces(o); err != nil {
		return err
	}
	if err := server.CheckTLS(o.config); err != nil {
		return err
	}
	switch {
	case o.check:
		fmt.Println("the configuration is OK")
		return nil
	case o.config.Bool("daemonize") && !detached():
		return detach()
	}
	started := time.Now()
	return again(run(o), time.Since(started), syscall.Exec)
}

// run is the life of a node.
func run(o *options) (err error) {
	log, level, err := openLog(o.config)
	if err != nil {
		return err
	}
	defer func() { logEnd(log, o.config, err) }()
	ctx, end := context.WithCancelCause(context.Background())
	defer end(nil)
	go watchSignals(end)
	go tuneCollector(ctx)

	machine := fsm.New()
	srv, err := server.New(server.Options{
		Machine:    machine,
		Config:     o.config,
		Log:        log,
		LogLevel:   level,
		Version:    version,
		RunID:      randomHex(20),
		ConfigFile: o.file,
		Shutdown:   func(save, now bool) error { end(&wantedEnd{"a client sent SHUTDOWN", save, now}); return nil },
	})
	if err != nil {
		return err
	}
	var node *cluster.Node
	defer func() { closeNode(log, node, context.Cause(ctx), o.config.Int("shutdown-timeout")) }() // after the clients have gone
	defer func() { closeServer(log, srv) }()
	if err := srv.Listen(); err != nil {
		return listenError(err)
	}
	if err := startPprof(o.pprof, log); err != nil {
		return fmt.Errorf("pprof: %w%s", err, advice(err, "--pprof"))
	}
	remove, err := writePidfile(o.config.Get("pidfile"))
	if err != nil {
		return fmt.Errorf("%w%s", err, advice(err, "--pidfile"))
	}
	defer remove()

	log.Info("redraft is starting", "version", version, "pid", os.Getpid(), "clients", o.places.client,
		"nodes", o.places.listen, "dir", o.config.Get("dir"))
	joining, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	c := clusterOptions(o, machine, srv, log)
	question := joinQuestion{o.config.Get("join"), o.config.Get("masterauth"), srv.JoinTLS}
	c.Join = question.ask(giveUp)
	c.Fatal = func(err error) { end(err) }
	c.Wall = wallClock(os.Getenv(clockVariable), time.Now)
	node, err = cluster.Open(joining, c)
	if err != nil {
		return openError(ctx, joining, err)
	}
	member := newMember(node)
	srv.Attach(member)
	if err := member.catchUp(ctx, log); err != nil {
		return endError(ctx)
	}
	if err := compareParameters(o.config, machine, log); err != nil {
		return err
	}
	compareUsers(srv, log)
	srv.Ready()
	log.Info("ready for clients", "node", node.ID(), "cluster", node.ClusterID())
	<-ctx.Done()
	return endError(ctx)
}

// clusterOptions is what the cluster package is told of a configuration.
func clusterOptions(o *options, machine *fsm.Machine, srv *server.Server, log *slog.Logger) cluster.Options {
	c := o.config
	ms := func(name string) time.Duration { return time.Duration(c.Int(name)) * time.Millisecond }
	store := "" // what the directory holds already, if nobody asked for another
	if c.Given("log-store") {
		store = c.Get("log-store")
	}
	return cluster.Options{
		Dir:              c.Get("dir"),
		NodeID:           c.Get("node-id"),
		Listen:           o.places.listen,
		Advertise:        o.places.advertise,
		ClientAddr:       o.places.client,
		Secret:           o.secret,
		TLS:              srv.ClusterTLS,
		Socket:           socket.Of,
		LogStore:         store,
		MaxItemBytes:     int(c.Int("max-item-bytes")),
		QueueBytes:       int(c.Int("queue-bytes")),
		SnapshotEntries:  uint64(c.Int("snapshot-entries")),
		SnapshotBytes:    c.Int("snapshot-bytes"),
		HeartbeatTimeout: ms("heartbeat-timeout"),
		ElectionTimeout:  ms("election-timeout"),
		LeaseTimeout:     ms("lease-timeout"),
		CommitTimeout:    ms("commit-timeout"),
		Replica:          c.Bool("replica"),
		Machine:          machine,
		Handle:           srv.HandleForward,
		Stored:           func(took time.Duration) { srv.Took(server.EventLogSync, took) },
		NodeItem:         fsm.SetNode,
		ForgetItem:       fsm.ForgetNode,
		First:            func() [][]byte { return firstItems(c, srv) },
		Log:              log,
	}
}

// closeServer disconnects the clients.
func closeServer(log *slog.Logger, srv *server.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), clientsPatience)
	defer cancel()
	if err := srv.Close(ctx); err != nil {
		log.Warn("some clients' commands did not end in time", "error", err)
	}
}

// closeNode hands leadership on, which may take so many seconds unless the end is wanted now, and closes the stores. A
// node that cannot be trusted any more is left as it is: its process ends, and the others elect a leader.
func closeNode(log *slog.Logger, node *cluster.Node, cause error, seconds int64) {
	var wanted *wantedEnd
	if node == nil || cause != nil && !errors.As(cause, &wanted) {
		return
	}
	if wanted != nil && wanted.save {
		ctx, cancel := context.WithTimeout(context.Background(), snapshotPatience)
		if err := node.Snapshot(ctx, 0); err != nil {
			log.Warn("no snapshot could be taken before the end; the log has every write", "error", err)
		}
		cancel()
	}
	patience := time.Duration(seconds) * time.Second
	if wanted != nil && wanted.now {
		patience = 0
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	closed := make(chan error, 1)
	go func() { closed <- node.Close(ctx) }()
	select {
	case err := <-closed:
		if err != nil {
			log.Warn("the node did not end cleanly", "error", err)
		}
	case <-time.After(patience + storesPatience):
		log.Warn("the node did not end in time")
	}
}
