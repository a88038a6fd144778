package server

import (
	"math"

	"github.com/redraftdb/redraft/fsm"
)

// Parameters lists every parameter of a server, its own and the cluster's, group by group, in the
// order of help and of docs/configuration.md.
func Parameters() []*Parameter {
	var all []*Parameter
	for _, g := range []struct {
		name       string
		parameters []*Parameter
	}{
		{"Network", networkParameters(&joint{(*Server).relisten})},
		{"TLS", tlsParameters(&joint{(*Server).secure})},
		{"Clients", clientParameters()},
		{"General", generalParameters()},
		{"Users", userParameters()},
		{"Cluster", clusterParameters()},
		{"Consistency", consistencyParameters()},
		{"What an operator is told", reportParameters()},
		{"Persistence", persistenceParameters()},
		{"Parameters of the cluster: flags and file give a new cluster its values; change them with CONFIG SET", replicatedParameters()},
		{"Parameters of Redis that have one value here, accepted so that existing files work", append(settledParameters(), settledTLS()...)},
	} {
		for _, p := range g.parameters {
			p.Group = g.name
		}
		all = append(all, g.parameters...)
	}
	return all
}

const anyInt = math.MaxInt64

func networkParameters(listen *joint) []*Parameter {
	return []*Parameter{
		{Name: "port", Kind: Int, Default: "6379", Max: 65535, Usage: "port", joint: listen,
			Help: "TCP port for clients; 0 for none"},
		{Name: "tls-port", Kind: Int, Default: "0", Max: 65535, Usage: "port", joint: listen,
			Help: "TCP port for clients that speak TLS; 0 for none"},
		{Name: "bind", Default: "127.0.0.1 -::1", Immutable: true, Lines: true, Usage: "address…",
			Help: "addresses to listen on for clients; one with a leading - may be missing on this machine"},
		{Name: "unixsocket", Immutable: true, Usage: "path",
			Help: "Unix socket for clients; empty for none"},
		{Name: "unixsocketperm", Kind: Octal, Default: "0", Immutable: true, Usage: "mode",
			Help: "permissions of the Unix socket, octal; 0 leaves what the umask makes of it"},
		{Name: "protected-mode", Kind: Bool, Default: "yes",
			Help: "refuse clients from other machines as long as the default user has no password"},
		{Name: "tcp-keepalive", Kind: Int, Default: "300", Max: math.MaxInt32, Usage: "seconds",
			Help: "idle seconds before a client's connection is probed; 0 for never; counts for new connections"},
	}
}

func clientParameters() []*Parameter {
	return []*Parameter{
		{Name: "maxclients", Kind: Int, Default: "10000", Min: 1, Max: math.MaxUint32, Usage: "number",
			apply: (*Server).applyMaxclients, Help: "connected clients above which a new one is refused"},
		{Name: "tracking-table-max-keys", Kind: Int, Default: "1000000", Max: anyInt, Usage: "number", apply: (*Server).applyTrackingLimit,
			Help: "keys that are remembered for clients which cache; beyond, some are told as changed; 0 for any number"},
		{Name: "timeout", Kind: Int, Default: "0", Max: math.MaxInt32, Usage: "seconds",
			Help: "idle seconds after which a client is disconnected; 0 for never"},
		{Name: "client-output-buffer-limit", Default: defaultOutputLimits, Parts: true, check: checkOutputLimits,
			Usage: "class hard soft seconds", apply: (*Server).applyOutputLimits,
			Help: "bytes that may wait for a client of a class (normal, replica, pubsub) before it is disconnected: so many at any time, so many for some seconds; 0 for no limit"},
		{Name: "maxmemory-clients", Default: "0", check: checkClientMemory, Usage: "bytes or percent",
			Help: "bytes that all clients of this node may take together, or so many percent of maxmemory, above which those that take most are disconnected; 0 for no limit"},
		{Name: "notify-keyspace-events", check: checkEvents, apply: (*Server).applyEvents, Usage: "letters",
			Help: "which keyspace events this node publishes to its subscribers, by Redis' letters: K and E for the channels, and classes such as A for nearly all; empty for none"},
		{Name: "client-query-buffer-limit", Kind: Memory, Default: "1073741824", Min: 1 << 20, Max: anyInt, Usage: "bytes",
			Help: "bytes that an unfinished request of one client may occupy"},
		{Name: "request-timeout", Kind: Int, Default: "10000", Min: 1, Max: math.MaxInt32, Usage: "ms",
			apply: (*Server).applyRequestTimeout,
			Help:  "how long a command waits for the cluster; a write that takes longer is answered -UNCERTAIN, a read -CLUSTERDOWN"},
		{Name: "busy-reply-threshold", Aliases: []string{"lua-time-limit"}, Kind: Int, Default: "5000", Max: anyInt, Usage: "ms",
			apply: (*Server).applyBusyAfter,
			Help:  "how long a script runs before other clients are told that the node is busy; 0 for ever"},
		{Name: "max-item-bytes", Kind: Memory, Default: "16777216", Min: 1 << 20, Max: 48 << 20, Immutable: true, Usage: "bytes",
			Help: "longest writing command, all its arguments together; the same on all nodes"},
	}
}

func generalParameters() []*Parameter {
	return []*Parameter{
		{Name: "dir", Default: ".", Immutable: true, Usage: "path",
			Help: "directory of the node's data"},
		{Name: "logfile", Immutable: true, Usage: "path",
			Help: "file the log goes to; empty for standard output"},
		{Name: "loglevel", Kind: Enum, Default: "notice", Values: []string{"debug", "verbose", "notice", "warning"},
			apply: (*Server).applyLogLevel, Help: "least important kind of message that is logged"},
		{Name: "shutdown-timeout", Kind: Int, Default: "10", Max: math.MaxInt32, Usage: "seconds",
			Help: "how long a leader that ends waits for another node to take over; SHUTDOWN NOW does not"},
		{Name: "daemonize", Kind: Bool, Default: "no", Immutable: true, Help: "run in the background"},
		{Name: "pidfile", Immutable: true, Usage: "path", Help: "file the process id is written to"},
		{Name: "enable-debug-command", Kind: Enum, Default: "no", Values: []string{"no", "local", "yes"}, Immutable: true,
			Help: "who may use DEBUG: nobody, clients on this machine, everybody"},
		{Name: "masterauth", Sensitive: true, Usage: "password",
			Help: "password for asking another node where to join; empty for none"},
	}
}

func userParameters() []*Parameter {
	return []*Parameter{
		{Name: "aclfile", Immutable: true, Usage: "path",
			Help: "file of users: a new cluster begins with them, ACL LOAD replaces all users by them and ACL SAVE writes it; empty for none"},
		{Name: "user", Immutable: true, Secret: true, line: userLine, Usage: "name rule…",
			Help: "a user whom a new cluster begins with; may be given several times, and not together with aclfile"},
		{Name: "acllog-max-len", Kind: Int, Default: "128", Max: anyInt, Usage: "number",
			Help: "entries of ACL LOG that are kept"},
	}
}

func clusterParameters() []*Parameter {
	return append([]*Parameter{
		{Name: "node-id", Immutable: true, Usage: "id",
			Help: "this node's name in the cluster; empty for the one in the data directory, or a new one"},
		{Name: "raft-port", Kind: Int, Default: "0", Max: 65535, Immutable: true, Usage: "port",
			Help: "port for the other nodes; 0 for the client port plus 10000"},
		{Name: "announce-host", Immutable: true, Usage: "host",
			Help: "host under which clients and nodes reach this one; empty for the first address it listens on"},
		{Name: "join", Aliases: []string{"replicaof", "slaveof"}, Phrase: true, Immutable: true, check: checkJoin, Usage: "host:port[,host:port…]",
			Help: "client address of a member of the cluster to join; empty to start or resume one"},
		{Name: "replica", Kind: Bool, Default: "no", Immutable: true,
			Help: "join without a vote: a node that follows and never leads"},
		{Name: "cluster-secret", Immutable: true, Secret: true, Usage: "secret",
			Help: "what the nodes of a cluster know each other by; the same on all; empty for none"},
		{Name: "log-store", Kind: Enum, Default: "wal", Values: []string{"wal", "boltdb"}, Immutable: true,
			Help: "store of the log"},
		{Name: "queue-bytes", Kind: Memory, Default: "67108864", Min: 1 << 20, Max: anyInt, Immutable: true, Usage: "bytes",
			Help: "bytes of commands that may wait for their entry before -TRYAGAIN"},
	}, timeoutParameters()...)
}

func consistencyParameters() []*Parameter {
	return []*Parameter{
		{Name: "read-consistency", Default: "session", check: checkLevel, Usage: "level", apply: (*Server).applyReadLevel,
			Help: "what reads on a follower promise: stale, bounded:MS, session, linearizable, linearizable-strict"},
		{Name: "replica-writes", Kind: Enum, Default: "forward", Values: []string{"forward", "moved", "readonly"},
			apply: (*Server).applyReplicaWrites,
			Help:  "what a follower does with a write: send it to the leader, answer -MOVED, or answer -READONLY"},
	}
}

func reportParameters() []*Parameter {
	return []*Parameter{
		{Name: "slowlog-log-slower-than", Kind: Int, Default: "10000", Min: -1, Max: anyInt, Usage: "µs", apply: (*Server).applySlowlogSlower,
			Help: "execution time from which on a command is entered in the slow log; 0 for every command, -1 for none"},
		{Name: "slowlog-max-len", Kind: Int, Default: "128", Max: anyInt, Usage: "entries", apply: (*Server).applySlowlogMost,
			Help: "commands that the slow log keeps"},
		{Name: "latency-monitor-threshold", Kind: Int, Default: "0", Max: anyInt, Usage: "ms", apply: (*Server).applyLatencyThreshold,
			Help: "time from which on an event is kept for LATENCY; 0 for none"},
		{Name: "latency-tracking", Kind: Bool, Default: "yes", apply: (*Server).applyLatencyTracking,
			Help: "whether the durations of commands are counted for LATENCY HISTOGRAM and INFO latencystats"},
		{Name: "latency-tracking-info-percentiles", Default: "50 99 99.9", check: checkPercentiles, apply: (*Server).applyPercentiles, Usage: "percentile…",
			Help: "percentiles of durations that INFO latencystats shows; empty for none"},
	}
}

func persistenceParameters() []*Parameter {
	return []*Parameter{
		{Name: "save", Lines: true, check: checkSave, apply: (*Server).applySavePoints, Usage: "seconds changes…",
			Help: "take a snapshot after so many seconds if so much has changed, on top of snapshot-entries and snapshot-bytes; empty for none"},
		{Name: "snapshot-entries", Kind: Int, Default: "500000", Min: 1, Max: anyInt, Immutable: true, Usage: "number",
			Help: "entries after which a snapshot is taken and the log cut"},
		{Name: "snapshot-bytes", Kind: Memory, Default: "268435456", Min: 1 << 20, Max: anyInt, Immutable: true, Usage: "bytes",
			Help: "bytes of log after which a snapshot is taken and the log cut"},
		{Name: "repl-backlog-size", Kind: Memory, Default: "67108864", Min: 1, Max: anyInt, Usage: "bytes", apply: (*Server).applyBacklog,
			Help: "about how much of the log stays behind a snapshot, for followers that come back; at least twice the snapshot's size"},
		{Name: "appendonly", Kind: Bool, Default: "yes", Only: []string{"yes"},
			Because: "every write is an entry of the log", Help: "whether writes are logged: always"},
		{Name: "appendfsync", Kind: Enum, Default: "always", Values: []string{"always", "everysec", "no"}, Only: []string{"always"},
			Because: "a reply means that a majority has the write on disk", Help: "when the log is synced: before the reply"},
		{Name: "aof-use-rdb-preamble", Kind: Bool, Default: "yes",
			Help: "form of Redis' append-only file, which is not here: with either value the log begins where a snapshot ends"},
	}
}

// replicatedParameters are the machine's, as the server's table shows them.
func replicatedParameters() []*Parameter {
	kinds := map[fsm.ParameterKind]Kind{fsm.Number: Int, fsm.Memory: Memory, fsm.Word: String, fsm.Choice: Enum}
	var list []*Parameter
	for _, d := range fsm.Parameters() {
		if d.Hidden {
			continue
		}
		list = append(list, &Parameter{Name: d.Name, Aliases: d.Aliases, Kind: kinds[d.Kind], Default: d.Default,
			Min: d.Min, Max: d.Max, Values: d.Values, Immutable: d.Fixed, Replicated: true, Sensitive: d.Name == fsm.ParamRequirePass, Help: d.Summary, check: d.Normalize})
	}
	return list
}
