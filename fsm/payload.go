package fsm

import "github.com/redraftdb/redraft/snapshot"

// trayMost is the most memory that a tray keeps between two payloads.
const trayMost = 1 << 20

// appendPayload appends the payload of DUMP for a key's value.
func (db *database) appendPayload(dst []byte, c cell) []byte {
	return snapshot.AppendPayload(dst, func(out *snapshot.Writer) {
		typeOf(c.typ()).write(out, nil, loadValue(c, &db.objects), db.mem.Arena)
	})
}

// readPayload takes a payload apart on the run's tray, a database of its own, and hands the value to use, which may
// copy it from there: what is not sound has touched nothing else. The value is what Redis makes of it, its
// encoding included: payloads are like another server's file.
func (r *run) readPayload(payload []byte, use func(tray *database, c cell)) (problem string) {
	in, t, ok := snapshot.OpenPayload(payload)
	if !ok {
		return errPayload
	}
	typ, ok := typeInFile(t)
	if !ok {
		return errBadData
	}
	if r.tray == nil || r.tray.mem.Seed != r.state.seed {
		r.tray = newDatabase(r.state.seed)
	}
	tray := r.tray
	r.tray = nil // one with half a value is not used again
	foreign := state{parameters: r.state.parameters}
	e := snapshot.Entry{Op: snapshot.OpKey, Type: t}
	if typeOf(typ).read(&foreign, in, tray, e, 0) != nil {
		return errBadData
	}
	found, ok := tray.find(e.Key)
	if !ok {
		return errBadData
	}
	if use != nil {
		use(tray, found.cell)
	}
	tray.remove(found)
	for len(tray.doomed) > 0 {
		tray.reclaim(tray.doomedCells + 1)
	}
	if tray.mem.Arena.Stats().Mapped <= trayMost {
		r.tray = tray
	}
	return ""
}
