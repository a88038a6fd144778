package server

// settledParameters are those of Redis whose value follows from what redraft is. Files that set them to it, which is
// Redis' default wherever that is true, work as they are.
func settledParameters() []*Parameter {
	list := []*Parameter{
		settled("replica-ignore-maxmemory", Bool, "yes", "the leader evicts for all, by its own memory", "slave-ignore-maxmemory"),
		settled("lazyfree-lazy-eviction", Bool, "yes", "memory is given back with later entries"),
		settled("lazyfree-lazy-expire", Bool, "yes", "memory is given back with later entries"),
		settled("lazyfree-lazy-server-del", Bool, "yes", "memory is given back with later entries"),
		settled("lazyfree-lazy-user-del", Bool, "yes", "memory is given back with later entries"),
		settled("lazyfree-lazy-user-flush", Bool, "yes", "memory is given back with later entries"),
		settled("activedefrag", Bool, "no", "there is nothing to switch on"),
		settled("hz", Int, "10", "what is done now and then is done ten times a second"),
		settled("io-threads", Int, "1", "each client has a goroutine of its own"),
		settled("io-threads-do-reads", Bool, "no", "each client has a goroutine of its own"),
		settled("cluster-enabled", Bool, "no", "one group of nodes holds all keys"),
		settled("bind-source-addr", String, "", "connections to other nodes leave from where the system has them leave"),
		settled("supervised", String, "no", "the node tells no supervisor of its state"),
		settled("syslog-enabled", Bool, "no", "the log goes to logfile, or to the standard output"),
		settled("enable-protected-configs", String, "no", "parameters that are protected cannot be set while the server runs"),
		settled("enable-module-command", String, "no", "there are no modules"),
		settled("always-show-logo", Bool, "no", "there is no logo"),
		settled("oom-score-adj", String, "no", "the kernel's choice is left to the system"),
		settled("crash-memcheck-enabled", Bool, "no", "a crash does not test the machine's memory"),
		hiddenParameter(settled("key-load-delay", Int, "0", "loading is never slowed down")),
	}
	return append(append(list, settledPersistence()...), settledReplication()...)
}

// settled is a parameter that has one value here.
func settled(name string, kind Kind, value, because string, aliases ...string) *Parameter {
	return &Parameter{Name: name, Aliases: aliases, Kind: kind, Default: value, Only: []string{value}, Because: because,
		Max: anyInt, Min: -1, Help: "always " + quoteEmpty(value) + ": " + because}
}

// hiddenParameter makes a parameter one that only its full name finds.
func hiddenParameter(p *Parameter) *Parameter {
	p.Hidden = true
	return p
}

func settledPersistence() []*Parameter {
	const cut = "snapshot-entries and snapshot-bytes say when the log is cut"
	return []*Parameter{
		settled("stop-writes-on-bgsave-error", Bool, "no", "the log has every write, whether a snapshot succeeds or not"),
		settled("rdbcompression", Bool, "no", "snapshots are not compressed"),
		settled("rdbchecksum", Bool, "yes", "snapshots carry a checksum"),
		settled("rdb-del-sync-files", Bool, "no", "a snapshot stays until there is a newer one"),
		settled("sanitize-dump-payload", Bool, "yes", "what is loaded is checked"),
		settled("no-appendfsync-on-rewrite", Bool, "no", "every write is synced, whatever else goes on"),
		settled("auto-aof-rewrite-percentage", Int, "100", cut),
		settled("auto-aof-rewrite-min-size", Memory, "67108864", cut),
		settled("aof-load-truncated", Bool, "yes", "an entry whose writing was cut short was never acknowledged"),
		settled("aof-timestamp-enabled", Bool, "no", "each entry has its time, in a form of its own"),
	}
}

func settledReplication() []*Parameter {
	const log, answered = "followers take entries of the log", "a write that is answered is on a majority of the voters"
	return []*Parameter{
		settled("replica-serve-stale-data", Bool, "yes", "read-consistency says what a follower's reads promise", "slave-serve-stale-data"),
		settled("replica-priority", Int, "100", "voters are equals; a node that joins with replica yes never leads", "slave-priority"),
		settled("replica-announced", Bool, "yes", "all members of the cluster are known"),
		settled("repl-diskless-sync", Bool, "yes", "a snapshot is sent as it lies on the leader's disk"),
		settled("repl-diskless-load", String, "disabled", "a follower writes a snapshot to its disk before it loads it"),
		settled("repl-disable-tcp-nodelay", Bool, "no", log+" at once"),
		settled("repl-backlog-ttl", Int, "0", log+", which are kept whether anybody asks for them or not"),
	}
}

func quoteEmpty(s string) string {
	if s == "" {
		return "empty"
	}
	return s
}
