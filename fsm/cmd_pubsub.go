package fsm

import "github.com/redraftdb/redraft/fsm/command"

// pubsubCommands are those of publish/subscribe that go through the log. They change no key: the log carries a
// message to the subscribers of every node, so that each has what was written before it in the data already.
// Who has subscribed is an affair of the node, and the server's.
func pubsubCommands() []*command.Spec {
	const (
		flags   = command.PubSub | command.Loading | command.Stale | command.Fast | command.MayReplicate
		differs = "Subscribers of all nodes get the message, and the answer counts those of the leader's node; in a script it is 0. It goes the way of a write: it needs a leader, and replica-writes says what a follower does with it."
	)
	channel := command.ChannelSpec{Flags: command.ChannelPublish, First: 1, Last: 1}
	return []*command.Spec{
		{Name: "publish", Usage: "channel message", Summary: "Send a message to the subscribers of a channel", Since: "2.0.0",
			Group:      "pubsub",
			Complexity: "O(N+M) where N is the number of clients subscribed to the channel and M is the number of patterns that any client has subscribed to.",
			Flags:      flags, Channels: channel, Handler: handler(publishCommand), Differs: differs},
		{Name: "spublish", Usage: "shardchannel message", Summary: "Send a message to the subscribers of a shard channel", Since: "7.0.0",
			Group: "pubsub", Complexity: "O(N) where N is the number of clients subscribed to the shard channel.",
			Flags: flags, Keys: command.OneKey(command.NotKey), Channels: channel,
			Handler: handler(spublishCommand), Differs: differs},
	}
}

func publishCommand(r *run) { r.publish(false) }

func spublishCommand(r *run) { r.publish(true) }

// publish answers with how many receive the message on this node, which a script cannot be told: it runs on all.
func (r *run) publish(shard bool) {
	n := r.machine.announce(Publication{Channel: r.args[1], Message: r.args[2], Shard: shard})
	if r.scripted {
		n = 0
	}
	r.out.Int(int64(n))
}
