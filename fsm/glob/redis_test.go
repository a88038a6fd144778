package glob

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// startRedis runs a redis-server on a Unix socket for the length of the test and skips the
// test where there is none.
func startRedis(t *testing.T) *redis.Client {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("REDRAFT_CI") != "" {
			t.Fatal("CI has to have redis-server, and it is not installed")
		}
		t.Skip("redis-server is not installed: nothing to compare with")
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	server := exec.Command(path, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", dir)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: socket, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() {
		err := errors.Join(client.Close(), server.Process.Kill())
		if err != nil {
			t.Error(err)
		}
		_ = server.Wait() // killed, so it says so
	})
	deadline := time.Now().Add(30 * time.Second)
	for client.Ping(t.Context()).Err() != nil {
		if time.Now().After(deadline) {
			t.Fatal("redis-server does not answer")
		}
	}
	return client
}

// draw returns a string of up to most bytes of the alphabet.
func draw(r *rand.Rand, alphabet string, most int) []byte {
	s := make([]byte, r.IntN(most+1))
	for i := range s {
		s[i] = alphabet[r.IntN(len(alphabet))]
	}
	return s
}

func newRand(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func matching(s []string, match func(pattern, s []byte) bool, pattern []byte) []string {
	var found []string
	for _, s := range s {
		if match(pattern, []byte(s)) {
			found = append(found, s)
		}
	}
	slices.Sort(found)
	return found
}

func TestAgainstKeys(t *testing.T) {
	client := startRedis(t)
	r := newRand(t)
	const letters = "abcd-^]\\*?[\x00\x01\x7f\x80\xff"
	names := map[string]bool{"": true}
	for len(names) < 400 {
		names[string(draw(r, letters, 6))] = true
	}
	var keys []string
	var sets []any
	for name := range names {
		keys = append(keys, name)
		sets = append(sets, name, "")
	}
	slices.Sort(keys)
	if err := client.MSet(t.Context(), sets...).Err(); err != nil {
		t.Fatal(err)
	}
	for range 40 {
		patterns, replies := askKeys(t, client, r)
		for i, pattern := range patterns {
			theirs := replies[i].Val()
			slices.Sort(theirs)
			if ours := matching(keys, Match, pattern); !slices.Equal(ours, theirs) {
				t.Fatalf("KEYS %q\nours   %q\ntheirs %q", pattern, ours, theirs)
			}
		}
	}
}

// askKeys sends a pipeline of KEYS with patterns rich in what patterns are made of.
func askKeys(t *testing.T, client *redis.Client, r *rand.Rand) ([][]byte, []*redis.StringSliceCmd) {
	t.Helper()
	patterns := make([][]byte, 250)
	replies := make([]*redis.StringSliceCmd, len(patterns))
	_, err := client.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for i := range patterns {
			patterns[i] = draw(r, "abcd--^^]]\\\\****??[[[[\x00\x01\x7f\x80\xff", 1+r.IntN(12))
			replies[i] = p.Keys(context.Background(), string(patterns[i]))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return patterns, replies
}

// TestFoldAgainstCommandList uses the names of Redis' commands as subjects, since COMMAND LIST
// matches without regard to case.
func TestFoldAgainstCommandList(t *testing.T) {
	client := startRedis(t)
	r := newRand(t)
	names, err := client.Do(t.Context(), "command", "list").StringSlice()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	hits := 0
	for range 2000 {
		// Part of a name, with some bytes replaced, hits more often than chance.
		pattern := []byte(names[r.IntN(len(names))])
		for range 1 + r.IntN(4) {
			at := r.IntN(len(pattern))
			pattern = slices.Replace(pattern, at, min(len(pattern), at+r.IntN(3)), draw(r, "SETGadehz-^]\\***?[[", 5)...)
			if len(pattern) == 0 {
				pattern = []byte("*")
			}
		}
		theirs, err := client.Do(t.Context(), "command", "list", "filterby", "pattern", pattern).StringSlice()
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(theirs)
		ours := matching(names, MatchFold, pattern)
		if !slices.Equal(ours, theirs) {
			t.Fatalf("COMMAND LIST FILTERBY PATTERN %q\nours   %q\ntheirs %q", pattern, ours, theirs)
		}
		hits += len(ours)
	}
	t.Logf("%d hits", hits)
}
