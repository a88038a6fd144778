package fsm

import (
	"errors"
	"fmt"

	"github.com/redraftdb/redraft/fsm/command"
)

// A transaction is one item: its commands are applied one after the other, and nothing comes between them.
// Its arguments are the watched keys as Vouch returned them, then an item for each command.
const nameTransaction = "redraft-transaction"

func transactionCommands() []*command.Spec {
	return []*command.Spec{
		{Name: nameTransaction, Usage: "watched item [item ...]", Group: "transactions", Since: "1.0.0",
			Summary: "Apply commands together if no watched key has changed", Flags: command.Write | command.Internal,
			Handler: handler(transactionCommand)},
	}
}

// Transaction is the item of an EXEC: it applies the items if the watched keys, as Vouch returned them, are
// still as they were. It answers with an array of the items' answers, or with NullArray.
func Transaction(watched []byte, items [][]byte) []byte { return TransactionOf(nil, watched, items) }

// TransactionOf is Transaction with an author, nil for nobody; see AppendItemOf.
func TransactionOf(author *Origin, watched []byte, items [][]byte) []byte {
	args := make([][]byte, 0, 2+len(items))
	args = append(args, []byte(nameTransaction), watched)
	return AppendItemOf(nil, author, false, 0, append(args, items...))
}

func transactionCommand(r *run) {
	watched, _ := r.state.readWatches(r.args[1])
	if !r.state.kept(&watched) {
		r.out.NullArray()
		return
	}
	items := r.args[2:]
	r.out.Array(len(items))
	for i, item := range items {
		r.machine.applyInner(item, itemSeed(uint64(r.random), i), r.out, nil)
		r.machine.timing.lap(r.out)
	}
}

var errNested = errors.New("an item inside of another is none that may stand there")

// checkTransaction is CheckItem for the arguments of a transaction. A command that is not sound answers with its
// error when it is applied, as each command of a transaction does.
func (m *Machine) checkTransaction(args [][]byte) error {
	if _, ok := m.readPromise(args[1]); !ok {
		return fmt.Errorf("the watched keys of a transaction: %w", errItem)
	}
	for _, item := range args[2:] {
		spec, args, _, err := m.readItem(item, nil)
		if err == nil && spec.Name == nameScript {
			err = m.checkScript(args)
		}
		if err != nil {
			return err
		}
		if spec.Is(command.Internal) && spec.Name != nameScript {
			return errNested
		}
	}
	return nil
}

func (m *Machine) readPromise(b []byte) (promise, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.state.readWatches(b)
}

// Consistent runs reading commands as Read does, all of them under one lock, unless a key that w watches
// has changed; then it runs none and returns false.
func (m *Machine) Consistent(w *Watcher, elapsed int64, seed uint64, calls []Call) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if !m.holds(w) {
		return false
	}
	m.read(elapsed, seed, calls)
	return true
}
