package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"
)

// joinPatience is how long one node is asked for the way into its cluster.
const joinPatience = 3 * time.Second

// joinError is a refusal that asking again does not change.
type joinError struct {
	target string
	err    error
	why    string // what to do about it
}

func (e *joinError) Error() string {
	return "joining at " + e.target + ": " + strings.TrimRight(e.err.Error(), ".") + ": " + e.why
}

// joinQuestion is what a node that has yet to join asks.
type joinQuestion struct {
	targets  string             // client addresses of members, separated by commas
	password string             // of the cluster's default user
	secure   func() *tls.Config // how they are asked; nil, or what it returns: without TLS
}

// ask returns cluster.Options.Join, or nil if there is nobody to ask. The cluster package asks again
// and again while the node has yet to join; giveUp ends that when it is hopeless.
func (q *joinQuestion) ask(giveUp context.CancelCauseFunc) func(context.Context) (string, error) {
	if q.targets == "" {
		return nil
	}
	return func(ctx context.Context) (string, error) {
		var failures []error
		for _, target := range strings.Split(q.targets, ",") {
			addr, err := q.askLeader(ctx, target)
			if err == nil {
				return addr, nil
			}
			if why := hopeless(err); why != "" {
				giveUp(&joinError{target, err, why})
			}
			failures = append(failures, fmt.Errorf("%s: %w", target, err))
		}
		return "", errors.Join(failures...)
	}
}

// hopeless says what to do about a refusal that asking again does not change, or nothing.
func hopeless(err error) string {
	var refusal replyError
	if !errors.As(err, &refusal) {
		return ""
	}
	switch code, _, _ := strings.Cut(string(refusal), " "); code {
	case "NOAUTH":
		return "give the cluster's password with --masterauth"
	case "WRONGPASS":
		return "give the cluster's present password with --masterauth"
	case "DENIED":
		return "that node is in protected mode; give its cluster a password with CONFIG SET requirepass"
	case "ERR":
		if strings.Contains(string(refusal), "unknown command") {
			return "that is no redraft node; --join takes the address for clients of one"
		}
	}
	return ""
}

var errNoLeader = errors.New("it knows no leader at the moment")

// askLeader asks the node with a client address for the address of its leader's cluster port.
func (q *joinQuestion) askLeader(ctx context.Context, target string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, joinPatience)
	defer cancel()
	var secure *tls.Config
	if q.secure != nil {
		secure = q.secure()
	}
	c, err := dialSecure(ctx, target, secure)
	if err != nil {
		return "", err
	}
	defer c.close()
	if q.password != "" {
		// A cluster that needs no password says so with an error; then none is needed.
		var refusal replyError
		_, err := c.do("AUTH", q.password)
		if err != nil && (!errors.As(err, &refusal) || !strings.Contains(err.Error(), "without any password")) {
			return "", err
		}
	}
	answer, err := c.do("RAFT", "MEMBERS")
	if err != nil {
		return "", err
	}
	members, _ := answer.([]any)
	for _, m := range members {
		if field(m, "leader") == int64(1) {
			if addr, ok := field(m, "addr").(string); ok {
				return addr, nil
			}
		}
	}
	return "", errNoLeader
}

// field is the value of a name in a map as RESP2 has it, or nil.
func field(m any, name string) any {
	pairs, _ := m.([]any)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == name {
			return pairs[i+1]
		}
	}
	return nil
}
