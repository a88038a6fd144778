package server

import (
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

// clusterCommands are Redis Cluster's. One group of nodes holds all keys, which to clients is a server without
// cluster mode: it answers all of them as Redis does then (cluster-enabled no).
func clusterCommands() []*command.Spec {
	const (
		ask    = command.Stale
		admin  = command.Admin | command.Stale
		change = admin | command.NoAsyncLoading
		nodes  = "O(N) where N is the number of nodes"
		slots  = "O(N) where N is the number of slots that are named"
	)
	open := []string{"nondeterministic_output"}
	sub := func(name, usage, since, complexity string, flags command.Flags, tips []string, summary string) *command.Spec {
		return &command.Spec{Name: name, Usage: usage, Since: since, Complexity: complexity, Flags: flags, Tips: tips,
			Summary: summary, Handler: handler(withoutCluster)}
	}
	slaves := sub("slaves", "node-id:string", "3.0.0", "O(1)", admin, open, "List the replicas of a master")
	slaves.Deprecated, slaves.ReplacedBy = "5.0.0", "`CLUSTER REPLICAS`"
	table := sub("slots", "", "3.0.0", nodes, ask, open, "Tell which nodes serve which slots")
	table.Deprecated, table.ReplacedBy = "7.0.0", "`CLUSTER SHARDS`"
	return []*command.Spec{{Name: "cluster", Group: "cluster", Since: "3.0.0", Complexity: "Depends on subcommand.",
		Summary: "A container for commands about Redis Cluster",
		Differs: "All of them answer as a Redis server without cluster mode does. RAFT is the command for redraft's own cluster.",
		Sub: []*command.Spec{
			sub("addslots", "slot:integer [slot:integer ...]", "3.0.0", slots, change, nil, "Have a node serve slots"),
			sub("addslotsrange", "start-slot:integer end-slot:integer [start-slot:integer end-slot:integer ...]", "7.0.0", slots, change, nil, "Have a node serve ranges of slots"),
			sub("bumpepoch", "", "3.0.0", "O(1)", change, open, "Move on to the next configuration epoch"),
			sub("count-failure-reports", "node-id:string", "3.0.0", "O(N) where N is the number of reports", admin, open, "Count the reports of a node's failure"),
			sub("countkeysinslot", "slot:integer", "3.0.0", "O(1)", ask, nil, "Count the keys of a slot"),
			sub("delslots", "slot:integer [slot:integer ...]", "3.0.0", slots, change, nil, "Have a node serve slots no longer"),
			sub("delslotsrange", "start-slot:integer end-slot:integer [start-slot:integer end-slot:integer ...]", "7.0.0", slots, change, nil, "Have a node serve ranges of slots no longer"),
			sub("failover", "options=[FORCE | TAKEOVER]", "3.0.0", "O(1)", change, nil, "Have a replica take its master's place"),
			sub("flushslots", "", "3.0.0", "O(1)", change, nil, "Have a node serve no slot any more"),
			sub("forget", "node-id:string", "3.0.0", "O(1)", change, nil, "Take a node off the list of nodes"),
			sub("getkeysinslot", "slot:integer count", "3.0.0", "O(N) where N is the number of keys that are asked for", ask, open, "List keys of a slot"),
			sub("info", "", "3.0.0", "O(1)", ask, open, "Tell how the cluster is"),
			sub("keyslot", "key:string", "3.0.0", "O(N) where N is the length of the key", ask, nil, "Tell a key's slot"),
			sub("links", "", "7.0.0", nodes, ask, open, "List the connections between nodes"),
			sub("meet", "ip:string port:integer [cluster_bus_port:integer]", "3.0.0", "O(1)", change, nil, "Make another node's acquaintance"),
			sub("myid", "", "3.0.0", "O(1)", ask, nil, "Tell the node's id"),
			sub("nodes", "", "3.0.0", nodes, ask, open, "List the nodes as a node's file keeps them"),
			sub("replicas", "node-id:string", "5.0.0", "O(1)", admin, open, "List the replicas of a master"),
			sub("replicate", "node-id:string", "3.0.0", "O(1)", change, nil, "Make a node the replica of a master"),
			sub("reset", "hard_soft=[HARD | SOFT]", "3.0.0", nodes, admin|command.NoScript, nil, "Make a node a new one"),
			sub("saveconfig", "", "3.0.0", "O(1)", change, nil, "Write a node's file"),
			sub("set-config-epoch", "config-epoch:integer", "3.0.0", "O(1)", change, nil, "Give a new node its configuration epoch"),
			sub("setslot", "slot:integer subcommand=<IMPORTING node-id:string | MIGRATING node-id:string | NODE node-id:string | STABLE>", "3.0.0", "O(1)", change, nil, "Give a slot to a node, or say that it is on its way"),
			sub("shards", "", "7.0.0", nodes, ask, open, "Tell which nodes serve which slots, shard by shard"),
			slaves,
			table,
			command.HelpSub("5.0.0", handler(withoutCluster)),
		}}}
}

func withoutCluster(_ *session, _ [][]byte, out reply.Sink) { out.Error(errNoCluster) }
