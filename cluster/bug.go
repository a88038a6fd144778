package cluster

// Mistakes that a build with the tag seededbug makes on purpose, one at a time, so that a test can
// see the fault harness find them. In every other build bug is the constant "", and the compiler
// leaves out what asks for another.
const (
	// bugLease: a leader reads by a lease that is over.
	bugLease = "lease"
	// bugVerifyLeader: raft's VerifyLeader is taken for the proof that no newer leader exists. It
	// counts answers to heartbeats that were sent before it was asked.
	bugVerifyLeader = "verify-leader"
	// bugDefinite: an entry whose leader was deposed is said not to be applied, although the next
	// leader may commit it.
	bugDefinite = "definite"
)
