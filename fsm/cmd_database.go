package fsm

import (
	"math"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func databaseCommands() []*command.Spec {
	all := []string{"request_policy:all_shards", "response_policy:all_succeeded"}
	return []*command.Spec{
		{Name: "dbsize", Group: "server", Since: "1.0.0", Complexity: "O(1)",
			Summary: "Return the number of keys in the database", Flags: command.ReadOnly | command.Fast,
			Categories: command.CatKeyspace, Tips: []string{"request_policy:all_shards", "response_policy:agg_sum"},
			Handler: handler(dbsizeCommand)},
		{Name: "flushdb", Usage: "[ASYNC | SYNC]", Group: "server", Since: "1.0.0", Complexity: "O(1)",
			Summary: "Delete all keys of the database", Flags: command.Write,
			Categories: command.CatKeyspace | command.CatDangerous, Tips: all, Handler: handler(flushdbCommand)},
		{Name: "flushall", Usage: "[ASYNC | SYNC]", Group: "server", Since: "1.0.0", Complexity: "O(1)",
			Summary: "Delete all keys of all databases", Flags: command.Write,
			Categories: command.CatKeyspace | command.CatDangerous, Tips: all, Handler: handler(flushallCommand)},
		{Name: "swapdb", Usage: "index1 index2", Group: "server", Since: "4.0.0", Complexity: "O(1)",
			Summary: "Exchange the keys of two databases", Flags: command.Write | command.Fast,
			Categories: command.CatKeyspace | command.CatDangerous, Handler: handler(swapdbCommand)},
	}
}

func dbsizeCommand(r *run) { r.out.Int(int64(r.db.keys)) }

func flushdbCommand(r *run) { r.flush(r.number, r.number+1) }

func flushallCommand(r *run) { r.flush(0, len(r.state.databases)) }

// flush empties the databases from one up to another. The keys go at once, their memory when the
// collector finds it.
func (r *run) flush(from, to int) {
	if len(r.args) > 2 || len(r.args) == 2 && !command.IsWord(r.args[1], "ASYNC") && !command.IsWord(r.args[1], "SYNC") {
		r.out.Error(errSyntax)
		return
	}
	for i := from; i < to; i++ {
		r.flushOne(i)
	}
	r.flushed()
	r.out.Status("OK")
}

// flushed tells that any key may be another now.
func (r *run) flushed() {
	if r.machine.tracker != nil {
		r.machine.tracker.Flushed(r.machine.author)
	}
}

func (r *run) flushOne(number int) {
	st := r.state
	keys := st.databases[number].keys
	if keys == 0 {
		return
	}
	r.changes += uint64(keys)
	r.machine.watchers.replaced(st, number, nil)
	st.noteDatabase(flushedDatabase, number)
	r.machine.lazyFreed += uint64(keys)
	st.databases[number] = st.newDatabase()
	r.machine.watchAdded()
	st.signalAll(number)
}

func swapdbCommand(r *run) {
	a, okA := value.ParseInt(r.args[1])
	if !okA || a < math.MinInt32 || a > math.MaxInt32 {
		r.out.Error("ERR invalid first DB index")
		return
	}
	b, okB := value.ParseInt(r.args[2])
	if !okB || b < math.MinInt32 || b > math.MaxInt32 {
		r.out.Error("ERR invalid second DB index")
		return
	}
	dbs := r.state.databases
	if n := int64(len(dbs)); a < 0 || a >= n || b < 0 || b >= n {
		r.out.Error(errDBIndex)
		return
	}
	r.machine.watchers.replaced(r.state, int(a), dbs[b])
	r.machine.watchers.replaced(r.state, int(b), dbs[a])
	dbs[a], dbs[b] = dbs[b], dbs[a]
	r.machine.watchAdded()
	for _, number := range []int{int(a), int(b)} {
		r.state.noteDatabase(swappedDatabase, number)
		r.state.signalAll(number)
		r.machine.tails.touchedAll()
	}
	if a != b {
		r.flushed()
	}
	r.changes++
	r.out.Status("OK")
}
