package server

import (
	"time"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

func pubsubCommands() []*command.Spec {
	const (
		flags  = command.PubSub | command.Loading | command.Stale
		own    = flags | command.NoScript
		joins  = "O(N) where N is the number of channels to subscribe to."
		leaves = "O(N) where N is the number of channels to unsubscribe."
		here   = "It knows the subscribers of this node."
		late   = "On a follower it first waits, for a second at the most, until the node has what was published before. It is refused while the node loads."
	)
	channels := func(f command.ChannelFlags) command.ChannelSpec {
		return command.ChannelSpec{Flags: f, First: 1, Last: -1}
	}
	return []*command.Spec{
		{Name: "subscribe", Usage: "channel [channel ...]", Summary: "Receive the messages of channels", Since: "2.0.0", Group: "pubsub",
			Complexity: joins, Flags: own, Channels: channels(command.ChannelSubscribe), Handler: subscribeTo(channelTopic), Differs: late},
		{Name: "psubscribe", Usage: "pattern [pattern ...]", Summary: "Receive the messages of channels that match patterns", Since: "2.0.0", Group: "pubsub",
			Complexity: "O(N) where N is the number of patterns to subscribe to.", Flags: own,
			Channels: channels(command.ChannelSubscribe | command.ChannelPattern), Handler: subscribeTo(patternTopic), Differs: late},
		{Name: "ssubscribe", Usage: "shardchannel [shardchannel ...]", Summary: "Receive the messages of shard channels", Since: "7.0.0", Group: "pubsub",
			Complexity: joins, Flags: own, Keys: command.AllKeys(command.NotKey), Channels: channels(command.ChannelSubscribe),
			Handler: subscribeTo(shardTopic), Differs: late},
		{Name: "unsubscribe", Usage: "[channel [channel ...]]", Summary: "Receive the messages of some channels, or of any, no longer", Since: "2.0.0", Group: "pubsub",
			Complexity: leaves, Flags: own, Channels: channels(command.ChannelUnsubscribe), Handler: unsubscribeFrom(channelTopic)},
		{Name: "punsubscribe", Usage: "[pattern [pattern ...]]", Summary: "Receive what matches some patterns, or any, no longer", Since: "2.0.0", Group: "pubsub",
			Complexity: "O(N) where N is the number of patterns to unsubscribe.", Flags: own,
			Channels: channels(command.ChannelUnsubscribe | command.ChannelPattern), Handler: unsubscribeFrom(patternTopic)},
		{Name: "sunsubscribe", Usage: "[shardchannel [shardchannel ...]]", Summary: "Receive the messages of some shard channels, or of any, no longer", Since: "7.0.0", Group: "pubsub",
			Complexity: leaves, Flags: own, Keys: command.AllKeys(command.NotKey), Channels: channels(command.ChannelUnsubscribe),
			Handler: unsubscribeFrom(shardTopic)},
		{Name: "pubsub", Summary: "A container for commands about subscriptions", Since: "2.8.0", Group: "pubsub",
			Complexity: "Depends on subcommand.", Sub: []*command.Spec{
				{Name: "channels", Usage: "[pattern]", Summary: "List the channels that have subscribers", Since: "2.8.0",
					Complexity: "O(N) where N is the number of channels with subscribers.", Flags: flags, Handler: listTopics(channelTopic), Differs: here},
				{Name: "numpat", Summary: "Count the patterns that have subscribers", Since: "2.8.0", Complexity: "O(1)", Flags: flags,
					Handler: handler(pubsubNumpat), Differs: here},
				{Name: "numsub", Usage: "[channel [channel ...]]", Summary: "Count the subscribers of channels", Since: "2.8.0",
					Complexity: "O(N) for the N channels that are named.", Flags: flags, Handler: countMembers(channelTopic), Differs: here},
				{Name: "shardchannels", Usage: "[pattern]", Summary: "List the shard channels that have subscribers", Since: "7.0.0",
					Complexity: "O(N) where N is the number of shard channels with subscribers.", Flags: flags, Handler: listTopics(shardTopic), Differs: here},
				{Name: "shardnumsub", Usage: "[shardchannel [shardchannel ...]]", Summary: "Count the subscribers of shard channels", Since: "7.0.0",
					Complexity: "O(N) for the N shard channels that are named.", Flags: flags, Handler: countMembers(shardTopic), Differs: here},
				command.HelpSub("6.2.0", handler(helpCommand)),
			}},
	}
}

// joined and left are the words of confirmations.
var (
	joined = [topicKinds]string{"subscribe", "psubscribe", "ssubscribe"}
	left   = [topicKinds]string{"unsubscribe", "punsubscribe", "sunsubscribe"}
)

// subscribeTo is the handler of a command that subscribes. A confirmation is a push: it is sent even to a client that
// wants no replies.
func subscribeTo(kind topicKind) handler {
	return func(s *session, args [][]byte, out reply.Sink) {
		switch {
		case kind == shardTopic && s.inMulti:
			out.Error(errDenyBlocking("SSUBSCRIBE"))
			return
		case s.srv.cluster() == nil:
			out.Error(errLoading)
			return
		}
		s.awaitPublished()
		s.listen()
		for _, name := range args[1:] {
			s.srv.hub.subscribe(s, kind, string(name), func() { s.confirm(joined[kind], name, kind) })
		}
		s.subscriptions.mode.Store(true)
		s.reviewSubscriptions()
	}
}

// unsubscribeFrom is the handler of a command that unsubscribes, from everything if it names nothing.
func unsubscribeFrom(kind topicKind) handler {
	return func(s *session, args [][]byte, _ reply.Sink) {
		s.listen()
		names := args[1:]
		if len(names) == 0 {
			for _, name := range s.srv.hub.subscribed(s, kind) {
				names = append(names, []byte(name))
			}
		}
		for _, name := range names {
			s.srv.hub.unsubscribe(s, kind, string(name), func() { s.confirm(left[kind], name, kind) })
		}
		if len(names) == 0 {
			s.confirm(left[kind], nil, kind)
		}
		if l := &s.subscriptions; l.counted(channelTopic)+l.counted(shardTopic) == 0 {
			l.mode.Store(false)
		}
	}
}

// confirm tells the client of a subscription or its end; a nil name is that of none. It goes the way of messages, so
// as not to overtake one or be overtaken; in EXEC it is a reply among the others.
func (s *session) confirm(word string, name []byte, kind topicKind) {
	w := &s.out.respWriter
	if !s.inMulti || s.silent {
		w = &respWriter{resp3: s.out.resp3}
		defer func() { s.push(w.buf) }()
	}
	w.Push(3)
	w.Text(word)
	if name == nil {
		w.Null()
	} else {
		w.Bulk(name)
	}
	w.Int(s.subscriptions.counted(kind))
}

// SUBSCRIBE waits so long for a leader, and asks for one so often. Without one there is nothing to know, and a client
// that asks for messages to come is not refused them.
const (
	publishedPatience = time.Second
	publishedPause    = 20 * time.Millisecond
)

// awaitPublished waits until this node has applied what was acknowledged before the batch arrived, or the session's
// own writes of it, so that the subscriber gets no message from before. One wait is enough for a batch.
func (s *session) awaitPublished() {
	if s.published && s.behind == 0 {
		return
	}
	s.published = true
	ctx := s.patience.begin(min(publishedPatience, time.Duration(s.srv.requestTimeout.Load())*time.Millisecond))
	defer s.patience.end()
	for s.srv.cluster().ReadIndex(ctx, group, false) != nil {
		select {
		case <-ctx.Done():
			return
		case <-time.After(publishedPause):
		}
	}
	s.behind = 0
}

// listTopics is the handler of a command that lists what has subscribers.
func listTopics(kind topicKind) handler {
	return func(s *session, args [][]byte, out reply.Sink) {
		var pattern []byte
		switch len(args) {
		case 2:
		case 3:
			pattern = args[2]
		default:
			out.Error(errSubcommandArgs("PUBSUB", args[1]))
			return
		}
		names := s.srv.hub.names(kind, pattern)
		out.Array(len(names))
		for _, name := range names {
			out.Text(name)
		}
	}
}

// countMembers is the handler of a command that counts subscribers.
func countMembers(kind topicKind) handler {
	return func(s *session, args [][]byte, out reply.Sink) {
		out.Array(2 * len(args[2:]))
		for _, name := range args[2:] {
			out.Bulk(name)
			out.Int(int64(s.srv.hub.members(kind, name)))
		}
	}
}

func pubsubNumpat(s *session, _ [][]byte, out reply.Sink) {
	out.Int(int64(s.srv.hub.count(patternTopic)))
}
