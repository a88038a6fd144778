// Package fsm is the replicated machine: the keyspace, the commands on it, and nothing that could
// differ between two nodes.
//
// A Machine is a function of the entries it is given. Apply runs an entry's items in order with
// the clock and the seed that the leader put into it, so every node that applies the same entries
// holds the same keys, down to their encodings and the order in which a scan meets them, and gives
// the same answers. There is no other clock and no other chance, no goroutine, no file and no
// socket in this package or below it.
//
// The layers, from the top: a Machine has the lock and the joints (machine.go); its state is what
// a snapshot holds (state.go); a database is a table of cells for each hash slot over an arena,
// with the objects that do not fit into cells and an index of deadlines (database.go, cell.go,
// objects.go, expiry.go); a view is the state as it was, read beside Apply (view.go, restore.go).
// Commands stand in cmd_FAMILY.go, each declared beside its handler, which works with a run
// (run.go): the arguments, the database, the entry's time, and the sink for the answer.
package fsm
