package fsm

import (
	"bytes"

	"github.com/redraftdb/redraft/fsm/command"
)

// A leader without memory refuses what takes some, before the log. What may turn out to take some as it runs, such as a
// script, goes into the log with the leader's verdict (design: it holds for the whole of it): an item of this name around
// the item. No client, and no other node, may send one.
const nameStarved = "redraft-starved"

// starvedHead is how such an item begins.
var starvedHead = append([]byte{0, 2, byte(len(nameStarved))}, nameStarved...)

// unwrap takes the leader's verdict off an item, if it has one.
func unwrap(item []byte) (bare []byte, starved bool) {
	if !bytes.HasPrefix(item, starvedHead) {
		return item, false
	}
	size, rest, ok := cutUvarint(item[len(starvedHead):])
	if !ok || size != uint64(len(rest)) {
		return item, false // and nobody can run it
	}
	return rest, true
}

// Starve is an item, which CheckItem has approved, as it goes into the log while the leader has no memory left: nil if
// it is refused.
func (m *Machine) Starve(item []byte) []byte {
	if m.Asks(item, command.DenyOOM) {
		return nil
	}
	if spec, _, _, err := m.readItem(item, nil); err == nil && (spec.Name == nameTransaction || spec.Name == nameScript) {
		return AppendItem(nil, 0, [][]byte{[]byte(nameStarved), item})
	}
	return item
}

// Asks reports whether an item is a command with a flag, or such a command is inside of it. Of commands that nodes give
// themselves only what is inside counts; a script may turn out to write.
func (m *Machine) Asks(item []byte, flag command.Flags) bool {
	spec, args, _, err := m.readItem(item, nil)
	if err != nil {
		return false
	}
	inner := args[:0]
	switch spec.Name {
	case nameTransaction:
		inner = args[2:]
	case nameBlocking:
		inner = args[2:3]
	case nameScript:
		return flag == command.Write
	}
	for _, item := range inner {
		if m.Asks(item, flag) {
			return true
		}
	}
	return spec.Is(flag) && !spec.Is(command.Internal)
}
