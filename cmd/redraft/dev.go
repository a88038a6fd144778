package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// devNodesMost bounds the size of a cluster on one machine.
const devNodesMost = 9

// devPause is how long the other nodes are given to take over when one of them stops.
const devPause = 100 * time.Millisecond

// child is a node that dev runs.
type child struct {
	name string
	cmd  *exec.Cmd
	gone chan struct{} // closed when it has ended
	err  error         // how, then
}

// dev runs a cluster as processes of this program, until it is interrupted. Started on the same
// directory again, the nodes go on with what they have.
func dev(args []string) error {
	flags := subFlags("dev")
	nodes := flags.Int("nodes", 3, "how many nodes")
	port := flags.Int("port", 7001, "the first one's port for clients; the others follow")
	tlsPort := flags.Int("tls-port", 0, "the first one's port for clients that speak TLS; the others follow; 0 for none")
	dir := flags.String("dir", "redraft-dev", "directory of the nodes' directories")
	if done, err := parseSub(flags, args, -1); done || err != nil {
		return err
	}
	if flags.NArg() > 0 && flags.ArgsLenAtDash() != 0 {
		return fmt.Errorf("dev: what is %q? Flags for every node come after --", flags.Arg(0))
	}
	if *nodes < 1 || *nodes > devNodesMost {
		return fmt.Errorf("dev: %d nodes: from 1 to %d are possible", *nodes, devNodesMost)
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	// The system ends a child with the thread that started it, so this one has to stay.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	out := &prefixed{to: os.Stdout}
	var children []*child
	for i := range *nodes {
		words := devFlags(i, *port, *tlsPort, *dir, flags.Args())
		c, err := startChild("node"+strconv.Itoa(i+1), program, words, out)
		if err != nil {
			stopChildren(children)
			return err
		}
		children = append(children, c)
		out.line("dev", "redraft "+strings.Join(words, " "))
	}
	return superviseChildren(ctx, children, out)
}

// devFlags are the flags of the node with a number, from 0.
func devFlags(i, port, tlsPort int, dir string, more []string) []string {
	words := []string{"--port", strconv.Itoa(port + i), "--dir", filepath.Join(dir, "node"+strconv.Itoa(i+1))}
	if tlsPort != 0 {
		words = append(words, "--tls-port", strconv.Itoa(tlsPort+i))
	}
	if i > 0 {
		words = append(words, "--join", "127.0.0.1:"+strconv.Itoa(port))
	}
	return append(words, more...)
}

// startChild starts a node whose lines go to out. It is in a process group of its own: Ctrl-C
// reaches dev alone, which then asks the nodes to end.
func startChild(name, program string, words []string, out *prefixed) (*child, error) {
	c := &child{name: name, cmd: exec.Command(program, words...), gone: make(chan struct{})}
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	r, w := io.Pipe()
	c.cmd.Stdout, c.cmd.Stderr = w, w
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		in := bufio.NewScanner(r)
		for in.Scan() {
			out.line(name, in.Text())
		}
		_, _ = io.Copy(io.Discard, r)
	}()
	go func() {
		c.err = c.cmd.Wait()
		_ = w.Close()
		<-copied
		close(c.gone)
	}()
	return c, nil
}

// superviseChildren waits until the nodes are to end, or have. A node that somebody killed is left
// alone, as the others should do without it; one that gives up stops them all.
func superviseChildren(ctx context.Context, children []*child, out *prefixed) error {
	failed := make(chan *child, len(children))
	var running sync.WaitGroup
	for _, c := range children {
		running.Go(func() {
			<-c.gone
			var exit *exec.ExitError
			if errors.As(c.err, &exit) && exit.Exited() {
				failed <- c
			} else if ctx.Err() == nil {
				out.line("dev", c.name+" has ended: "+c.cmd.ProcessState.String()+"; the command above starts it again")
			}
		})
	}
	all := make(chan struct{})
	go func() {
		running.Wait()
		close(all)
	}()
	select {
	case <-ctx.Done():
		stopChildren(children)
		return nil
	case c := <-failed:
		stopChildren(children)
		return fmt.Errorf("dev: %s could not go on (%s), so all were stopped", c.name, c.cmd.ProcessState)
	case <-all:
		return nil
	}
}

// stopChildren ends the nodes that run, the last first: the first is the one most likely to lead.
func stopChildren(children []*child) {
	for i := len(children) - 1; i >= 0; i-- {
		_ = children[i].cmd.Process.Signal(syscall.SIGTERM)
		if i > 0 {
			select {
			case <-children[i].gone:
			case <-time.After(devPause):
			}
		}
	}
	for _, c := range children {
		<-c.gone
	}
}

// prefixed writes lines with the name of their source in front, one at a time.
type prefixed struct {
	mu sync.Mutex
	to io.Writer
}

func (p *prefixed) line(name, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = fmt.Fprintf(p.to, "%-5s | %s\n", name, text)
}
