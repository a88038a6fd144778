package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/redraftdb/redraft/snapshot"
)

// ping exits with 0 if a node runs: it answers, and belongs to a cluster, whether or not that has a
// leader. A node that wants a password is one that runs.
func ping(args []string) error {
	flags := subFlags("ping")
	host := flags.String("host", "127.0.0.1", "where the node is")
	port := flags.Int("port", 6379, "its port for clients")
	timeout := flags.Duration("timeout", 2*time.Second, "how long it may take")
	security := securityFlags(flags)
	if done, err := parseSub(flags, args, 0); done || err != nil {
		return err
	}
	secure, err := security.config(*host)
	if err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	c, err := dialSecure(ctx, net.JoinHostPort(*host, strconv.Itoa(*port)), secure)
	if err != nil {
		return err
	}
	defer c.close()
	answer, err := c.do("PING")
	var refusal replyError
	switch {
	case errors.As(err, &refusal) && strings.HasPrefix(err.Error(), "NOAUTH"):
	case errors.Is(err, io.EOF):
		return errors.New("the node closes the connection")
	case err != nil:
		return err
	case answer != "PONG":
		return errAnswer
	}
	fmt.Println("PONG")
	return nil
}

// check reads snapshot files and says whether they are whole.
func check(args []string) error {
	flags := subFlags("check")
	if done, err := parseSub(flags, args, -1); done || err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("check: which file? Snapshots are group-0/snapshots/*/state.bin of a data directory")
	}
	for _, path := range flags.Args() {
		f, err := os.Open(path)
		if err == nil {
			err = snapshot.Verify(f)
			_ = f.Close()
		}
		if err != nil {
			return fmt.Errorf("check: %s: %w", path, err)
		}
		fmt.Println(path + ": OK")
	}
	return nil
}

// subFlags are the flags of a subcommand.
func subFlags(name string) *pflag.FlagSet {
	flags := pflag.NewFlagSet(name, pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	return flags
}

// parseSub parses a subcommand's flags, which may be followed by so many words; -1 for any number.
// It reports whether help was asked for, and given.
func parseSub(flags *pflag.FlagSet, args []string, words int) (done bool, err error) {
	err = flags.Parse(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		fmt.Printf("redraft %s:\n%s", flags.Name(), flags.FlagUsages())
		return true, nil
	case err != nil:
		return false, fmt.Errorf("%s: %w; `redraft %s --help` lists the flags", flags.Name(), err, flags.Name())
	case words >= 0 && flags.NArg() > words:
		return false, fmt.Errorf("%s: what is %q? `redraft %s --help` lists the flags", flags.Name(), flags.Arg(words), flags.Name())
	}
	return false, nil
}
