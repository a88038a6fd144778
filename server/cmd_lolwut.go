package server

import (
	"math"
	"math/rand/v2"
	"strings"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

func lolwutCommands() []*command.Spec {
	return []*command.Spec{
		{Name: "lolwut", Usage: "[VERSION version:integer]", Summary: "Look at a raft on the sea, and at the version", Since: "5.0.0", Group: "server",
			Flags: command.ReadOnly | command.Fast, Handler: handler(lolwutCommand),
			Differs: "The drawing is redraft's own, one for each version."},
	}
}

const (
	seaWidth, seaHeight = 64, 10
	seaLimit            = 512 // of either, if a client chooses
)

// lolwutCommand draws. Behind the version may stand the width and the height of the drawing. There are as many
// logs in the raft as nodes in the cluster.
func lolwutCommand(s *session, args [][]byte, out reply.Sink) {
	version, rest := int64(7), args[1:]
	if len(rest) >= 2 && command.IsWord(rest[0], "VERSION") {
		n, ok := fsm.ParseInt(rest[1])
		if !ok {
			out.Error(errNotInteger)
			return
		}
		version, rest = n, rest[2:]
	}
	size := [2]int64{seaWidth, seaHeight}
	for i := range min(2, len(rest)) {
		n, ok := fsm.ParseInt(rest[i])
		if !ok {
			out.Error(errNotInteger)
			return
		}
		size[i] = max(1, min(n, seaLimit))
	}
	logs := 1
	if c := s.srv.cluster(); c != nil {
		logs = max(1, len(c.Members(group)))
	}
	sea := drawSea(int(size[0]), int(size[1]), logs, version, rand.Float64())
	out.Verbatim("txt", sea+"\nredraft ver. "+s.srv.version+", Redis ver. "+RedisVersion+"\n")
}

// drawSea draws waves with a raft on them, somewhere between 0 and 1 of the way across. The version says how high
// the waves go.
func drawSea(width, height, logs int, version int64, at float64) string {
	rows := make([][]byte, height)
	for y := range rows {
		rows[y] = []byte(strings.Repeat(" ", width))
	}
	calm := 1 + float64(max(0, min(version, 20)))/4
	level := func(x int) int {
		swell := math.Sin(float64(x)/5+at*6) + math.Sin(float64(x)/11-at*9)/2
		return max(0, min(height-1, height/2+int(math.Round(swell*float64(height)/4/calm))))
	}
	for x := range width {
		for y := level(x); y < height; y++ {
			rows[y][x] = "~-. "[min(3, (y-level(x)+x%2)/2)]
		}
	}
	raft := strings.Repeat("(=)", min(logs, max(1, width/3)))
	left := int(at * float64(max(0, width-len(raft))))
	top := level(min(width-1, left+len(raft)/2))
	put := func(y, x int, text string) {
		for i := range len(text) {
			if y >= 0 && y < height && x+i < width {
				rows[y][x+i] = text[i]
			}
		}
	}
	put(top, left, raft)
	put(top-1, left+len(raft)/2, "|\\")
	put(top-2, left+len(raft)/2, "|>")
	var b strings.Builder
	for _, row := range rows {
		b.WriteString(strings.TrimRight(string(row), " ") + "\n")
	}
	return b.String()
}
