package command

// Flags say what a command may do and when it may run. The first twenty are Redis'.
type Flags uint32

const (
	// Write: changes the data set; goes through the log.
	Write Flags = 1 << iota
	// ReadOnly: looks at the data set, changes nothing.
	ReadOnly
	// DenyOOM: may need more memory; refused while memory is short.
	DenyOOM
	// Admin: an affair of the operator, such as CONFIG SET.
	Admin
	// PubSub: belongs to publish/subscribe.
	PubSub
	// NoScript: not to be called from a script.
	NoScript
	// Blocking: may make the client wait.
	Blocking
	// Loading: allowed while the data set is being loaded.
	Loading
	// Stale: allowed on a node that has lost its leader.
	Stale
	// SkipMonitor: not shown to MONITOR.
	SkipMonitor
	// SkipSlowlog: not entered in the slow log.
	SkipSlowlog
	// Asking: behaves as if ASKING had been sent before it.
	Asking
	// Fast: takes constant or logarithmic time, so it never holds others up.
	Fast
	// NoAuth: allowed before the client has authenticated.
	NoAuth
	// MayReplicate: not a write by itself, yet may have to reach the other nodes. Without ReadOnly it always goes
	// through the log (EVAL, PUBLISH), with it only when it leaves something to do (PFCOUNT).
	MayReplicate
	// NoMandatoryKeys: declares keys, and is well formed without any.
	NoMandatoryKeys
	// Protected: enabled only by a setting of its own (DEBUG, MODULE).
	Protected
	// NoAsyncLoading: refused while a replica loads beside its old data set.
	NoAsyncLoading
	// NoMulti: refused inside MULTI.
	NoMulti
	// AllowBusy: allowed while a script or a function has been running for too long.
	AllowBusy
	// SysCmd: meant for servers, not for applications; marked so in COMMAND DOCS.
	SysCmd
	// Internal: made by a node, never taken from a client and never shown to one.
	Internal
)

// flagWords are the words of COMMAND INFO, in its order. Flags without a word are not shown.
// movablekeys is no flag of a declaration, so it stands here without a bit.
var flagWords = [...]struct {
	flag Flags
	word string
}{
	{Write, "write"},
	{ReadOnly, "readonly"},
	{DenyOOM, "denyoom"},
	{Admin, "admin"},
	{PubSub, "pubsub"},
	{NoScript, "noscript"},
	{Blocking, "blocking"},
	{Loading, "loading"},
	{Stale, "stale"},
	{SkipMonitor, "skip_monitor"},
	{SkipSlowlog, "skip_slowlog"},
	{Asking, "asking"},
	{Fast, "fast"},
	{NoAuth, "no_auth"},
	{NoMandatoryKeys, "no_mandatory_keys"},
	{NoAsyncLoading, "no_async_loading"},
	{NoMulti, "no_multi"},
	{0, "movablekeys"},
	{AllowBusy, "allow_busy"},
}

// words lists the flags as COMMAND INFO does.
func (f Flags) words(movable bool) []string {
	words := []string{}
	for _, w := range flagWords {
		if w.flag == 0 && movable || f&w.flag != 0 {
			words = append(words, w.word)
		}
	}
	return words
}
