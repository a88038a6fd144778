package fsm

import (
	"slices"
	"strings"

	"github.com/redraftdb/redraft/fsm/acl"
	"github.com/redraftdb/redraft/fsm/command"
)

// Commands that nodes give themselves: entries like any other, under names that no client can
// send. SetParameters and its neighbours build them.
const (
	nameParameters = "redraft-parameters"
	nameNode       = "redraft-node"
	nameForget     = "redraft-forget"
	nameDigest     = "redraft-digest"
)

func internalCommands() []*command.Spec {
	const flags = command.Write | command.Internal
	return []*command.Spec{
		{Name: nameParameters, Usage: "name value [name value ...]", Group: "server", Since: "1.0.0",
			Summary: "Set replicated parameters", Flags: flags, Handler: handler(parametersCommand)},
		{Name: nameNode, Usage: "id address", Group: "server", Since: "1.0.0",
			Summary: "Put a node into the node table", Flags: flags, Handler: handler(nodeCommand)},
		{Name: nameForget, Usage: "id", Group: "server", Since: "1.0.0",
			Summary: "Take a node out of the node table", Flags: flags, Handler: handler(forgetCommand)},
		{Name: nameDigest, Usage: "", Group: "server", Since: "1.0.0",
			Summary: "Note the digest of all data", Flags: flags, Handler: handler(digestCommand)},
	}
}

// SetParameters is the item that sets replicated parameters. Values must be valid: a node checks
// them before it proposes. It answers OK.
func SetParameters(settings ...Setting) []byte {
	words := []string{nameParameters}
	for _, s := range settings {
		words = append(words, s.Name, s.Value)
	}
	return item(words...)
}

// SetNode is the item that tells all nodes under which address clients reach the node id.
func SetNode(id, addr string) []byte { return item(nameNode, id, addr) }

// ForgetNode is the item that takes a node out of the node table.
func ForgetNode(id string) []byte { return item(nameForget, id) }

// TakeDigest is the item at which every node notes the digest of its data. It answers with an
// array of the entry's index and the digest in hexadecimal.
func TakeDigest() []byte { return item(nameDigest) }

func parametersCommand(r *run) {
	next := r.state.parameters
	for i := 1; i+1 < len(r.args); i += 2 {
		if err := next.set(string(r.args[i]), string(r.args[i+1])); err != nil {
			r.out.Error("ERR CONFIG SET failed (possibly related to argument '" + string(r.args[i]) + "') - " + err.Error())
			return
		}
	}
	if next.requirePass != r.state.parameters.requirePass {
		users := r.state.users
		r.setUsers(users.With(users.Named(acl.Default).WithPassword(next.requirePass)))
	}
	r.state.parameters = next
	r.state.resize()
	r.out.Status("OK")
}

// A NodeAddr says under which address clients reach a node.
type NodeAddr struct{ ID, Addr string }

func nodeCommand(r *run) {
	n := NodeAddr{string(r.args[1]), string(r.args[2])}
	nodes := slices.DeleteFunc(slices.Clone(r.state.nodes), n.sameID)
	at, _ := slices.BinarySearchFunc(nodes, n, func(a, b NodeAddr) int { return strings.Compare(a.ID, b.ID) })
	r.state.nodes = slices.Insert(nodes, at, n)
	r.out.Status("OK")
}

func forgetCommand(r *run) {
	n := NodeAddr{ID: string(r.args[1])}
	r.state.nodes = slices.DeleteFunc(slices.Clone(r.state.nodes), n.sameID)
	r.machine.dropThose(ofNode(n.ID, 0))
	r.out.Status("OK")
}

func (n NodeAddr) sameID(o NodeAddr) bool { return n.ID == o.ID }

// Nodes is the node table, ordered by id.
func (m *Machine) Nodes() []NodeAddr {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.state.nodes
}
