package command

import "fmt"

// ChannelFlags say what a command does with the channels of publish/subscribe that it names.
type ChannelFlags uint8

// The uses of channels, one of which a command with channels has, and how they are named.
const (
	// ChannelPublish: sends to the channels.
	ChannelPublish ChannelFlags = 1 << iota
	// ChannelSubscribe: listens to the channels.
	ChannelSubscribe
	// ChannelUnsubscribe: listens no longer. Nobody needs leave for that.
	ChannelUnsubscribe
	// ChannelPattern: the arguments are patterns of channels.
	ChannelPattern
)

// ChannelSpec says which arguments are channels: those from First to Last, where a negative Last counts from the
// end as in KeyRange. The zero ChannelSpec means that there are none.
type ChannelSpec struct {
	Flags       ChannelFlags
	First, Last int
}

// Of is the channels of an invocation, which are part of its arguments: a view of args.
func (c ChannelSpec) Of(args [][]byte) [][]byte {
	end := c.Last + 1
	if c.Last < 0 {
		end += len(args)
	}
	if c.Flags == 0 || c.First >= min(end, len(args)) {
		return nil
	}
	return args[c.First:min(end, len(args))]
}

// check refuses a ChannelSpec that points where the usage line has no argument, or says nothing of the use.
func (c ChannelSpec) check(d *derived) error {
	if c == (ChannelSpec{}) {
		return nil
	}
	if use := c.Flags &^ ChannelPattern; use == 0 || use&(use-1) != 0 {
		return fmt.Errorf("channels have exactly one use")
	}
	_, most := sequenceWords(d.args)
	if c.First < 1 || most != unbounded && (c.First > most || c.Last > most) {
		return fmt.Errorf("no argument of index %d to %d is a channel", c.First, c.Last)
	}
	return nil
}
