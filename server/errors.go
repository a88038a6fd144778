package server

import (
	"errors"
	"strconv"
	"strings"

	"github.com/redraftdb/redraft/fsm/acl"
)

// The errors that a session answers before a command runs or instead of running it. The words are
// Redis' where Redis has the error.
const (
	errLoading         = "LOADING Redis is loading the dataset in memory"
	errNoAuth          = "NOAUTH Authentication required."
	errHelloNoAuth     = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"
	errWrongPass       = "WRONGPASS invalid username-password pair or user is disabled."
	errNoPassword      = "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
	errOOM             = "OOM command not allowed when used memory > 'maxmemory'."
	errNoReplicas      = "NOREPLICAS Not enough good replicas to write."
	errReadOnly        = "READONLY You can't write against a read only replica."
	errMaxClients      = "ERR max number of clients reached"
	errDebug           = "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server."
	errSyntax          = "ERR syntax error"
	errNotInteger      = "ERR value is not an integer or out of range"
	errNoSuchKey       = "ERR no such key"
	errDBIndex         = "ERR DB index is out of range"
	errProtover        = "ERR Protocol version is not an integer or out of range"
	errNoProto         = "NOPROTO unsupported protocol version"
	errClientName      = "ERR Client names cannot contain spaces, newlines or special characters."
	errNotPositive     = "ERR value is out of range, must be positive"
	errReplicaData     = "ERR Replica can't interact with the keyspace"
	errTimeout         = "ERR timeout is not an integer or out of range"
	errTimeoutNegative = "ERR timeout is negative"
	errTimeoutRange    = "ERR timeout is out of range"
	errNoCluster       = "ERR This instance has cluster support disabled"
	errNoConfig        = "ERR The server is running without a config file"

	errBusyScript   = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
	errBusyFunction = "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
	errNotBusy      = "NOTBUSY No scripts in execution right now."
	errUnkillable   = "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
	errDebugWord    = "ERR Use SCRIPT DEBUG YES/SYNC/NO"
	errNoDebugger   = "ERR scripts have no debugger here"

	errReload       = "ERR Error trying to load the RDB dump"
	errReloadOption = "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options."
	errReloadNoSave = "ERR DEBUG RELOAD NOSAVE is not possible: a node has the data that its log says"

	errUnblocked      = "UNBLOCKED client unblocked via CLIENT UNBLOCK"
	errNestedMulti    = "ERR MULTI calls can not be nested"
	errExecWithout    = "ERR EXEC without MULTI"
	errDiscardWithout = "ERR DISCARD without MULTI"
	errWatchInside    = "ERR WATCH inside MULTI is not allowed"
	errInsideMulti    = "ERR Command not allowed inside a transaction"
	errExecAbort      = "EXECABORT Transaction discarded because of previous errors."
)

// The errors of client-side caching.
const (
	errRedirectTwice    = "ERR A client can only redirect to a single other client"
	errRedirectNobody   = "ERR The client ID you want redirect to does not exist"
	errPrefixAlone      = "ERR PREFIX option requires BCAST mode to be enabled"
	errSwitchBcast      = "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode."
	errBcastOpt         = "ERR OPTIN and OPTOUT are not compatible with BCAST"
	errOptBoth          = "ERR You can't specify both OPTIN mode and OPTOUT mode"
	errSwitchOpt        = "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode."
	errCachingUntracked = "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
	errCachingYes       = "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."
	errCachingNo        = "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."
)

// errDenied is what protected mode tells a client from another machine.
const errDenied = "DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. " +
	"In this mode connections are only accepted from the loopback interface. " +
	"If you want to connect from external computers to Redis you may adopt one of the following solutions: " +
	"1) Just disable protected mode sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host the server is running, " +
	"however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change permanent. " +
	"2) Alternatively you can just disable the protected mode by editing the Redis configuration file, and setting the protected mode option to 'no', and then restarting the server. " +
	"3) If you started the server manually just for testing, restart it with the '--protected-mode no' option. " +
	"4) Setup a an authentication password for the default user. " +
	"NOTE: You only need to do one of the above things in order for the server to start accepting connections from the outside."

// The errors of the cluster. CLUSTERDOWN and TRYAGAIN promise that the command was not and will
// not be applied; UNCERTAIN is the only answer to a write that promises nothing, and its prefix is
// one that clients do not retry by themselves. docs/consistency.md has the table.
const (
	errNoLeader   = "CLUSTERDOWN the cluster has no leader that this node can reach; the command was not applied"
	errNotJoined  = "CLUSTERDOWN this node has not joined a cluster yet; the command was not applied"
	errCatchingUp = "CLUSTERDOWN this node has not caught up with its cluster since its start; the command was not applied"
	errReadWait   = "CLUSTERDOWN this node could not make sure in time that its data are recent enough"
	errMovingOn   = "TRYAGAIN the leader takes no more commands at the moment; the command was not applied"
	errUncertain  = "UNCERTAIN the command may or may not have been applied, or may be applied later"
	errRights     = "TRYAGAIN the user or its permissions have just changed; the command was not applied"
	errItemLength = "TOOLARGE the command is longer than max-item-bytes; it was not applied"
	errNotLead    = "ERR this node does not lead the group; no leader is known"
	errSnapshot   = "ERR Background save already in progress"
)

// What errors of a Cluster may tell; see there.
type (
	notLeader interface{ NotLeader() (addr string) }
	queueFull interface{ QueueFull() bool }
	tooLarge  interface{ TooLarge() bool }
	unknown   interface{ Unknown() bool }
)

// outcome is what became of a proposal. Its numbers are part of the format of forwarded answers.
type outcome byte

const (
	applied      outcome = 0
	notApplied   outcome = 1 // nobody who could apply it was reached
	uncertain    outcome = 2
	refusedFull  outcome = 3
	refusedLarge outcome = 4
	judgedEarly  outcome = 5 // by users that have changed since; see frame.judged
	refusedPoor  outcome = 6 // the leader has no memory left
	refusedAlone outcome = 7 // the leader has too few followers
)

// outcomeOf reads the outcome of Propose or Forward off its error. An error that says nothing leaves
// the outcome open.
func outcomeOf(err error) outcome {
	if err == nil {
		return applied
	}
	return failure(err)
}

// failure is apart because what errors.As fills in is allocated, needed or not.
func failure(err error) outcome {
	var lead notLeader
	var full queueFull
	var large tooLarge
	var open unknown
	switch {
	case errors.As(err, &open) && open.Unknown():
		return uncertain
	case errors.As(err, &large) && large.TooLarge():
		return refusedLarge
	case errors.As(err, &full) && full.QueueFull():
		return refusedFull
	case errors.As(err, &lead):
		return notApplied
	}
	return uncertain
}

// text is the error that a client is told.
func (o outcome) text() string {
	switch o {
	case notApplied:
		return errNoLeader
	case refusedFull:
		return errMovingOn
	case refusedLarge:
		return errItemLength
	case judgedEarly:
		return errRights
	case refusedPoor:
		return errOOM
	case refusedAlone:
		return errNoReplicas
	}
	return errUncertain
}

// errDenyBlocking is the answer to a command that a transaction cannot wait for.
func errDenyBlocking(name string) string {
	return "ERR " + name + " isn't allowed for a DENY BLOCKING client"
}

// errSubscriber is the answer to what a subscriber of RESP2 may not do.
func errSubscriber(name string) string {
	return "ERR Can't execute '" + name + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
}

func errSubcommandArgs(container string, word []byte) string {
	return "ERR unknown subcommand or wrong number of arguments for '" + string(word) + "'. Try " + container + " HELP."
}

// errPrefixOverlap is the answer to a prefix that has keys in common with another, of which kind says where it is from.
func errPrefixOverlap(prefix, kind, other string) string {
	return "ERR Prefix '" + cText([]byte(prefix), len(prefix)) + "' overlaps with " + kind + " prefix '" + cText([]byte(other), len(other)) +
		"'. Prefixes for a single client must not overlap."
}

func errMoved(slot uint16, addr string) string {
	return "MOVED " + strconv.Itoa(int(slot)) + " " + addr
}

// busyText says that a script keeps the node from answering, and how to stop it.
func busyText(r *script) string {
	if r.function {
		return errBusyFunction
	}
	return errBusyScript
}

func errArity(name string) string {
	return "ERR wrong number of arguments for '" + name + "' command"
}

// errExecRefused is the answer to an EXEC that did not get as far as running; text says why.
func errExecRefused(text string) string {
	return "EXECABORT Transaction discarded because of: " + strings.TrimPrefix(text, "ERR ")
}

// errDeniedCommand is the answer to a command that its user may not run.
func errDeniedCommand(name string, r acl.Reason) string {
	switch r {
	case acl.Key:
		return "NOPERM this user has no permissions to access one of the keys used as arguments"
	case acl.Channel:
		return "NOPERM this user has no permissions to access one of the channels used as arguments"
	}
	return "NOPERM this user has no permissions to run the '" + name + "' command"
}

// errDeniedQueued is what EXEC answers in the place of a command that its user may not run any more.
func errDeniedQueued(r acl.Reason) string {
	why := "no permission to execute the command or subcommand"
	switch r {
	case acl.Key:
		why = "no permission to touch the specified keys"
	case acl.Channel:
		why = "no permission to access one of the channels used as arguments"
	}
	return "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. " +
		"This command is no longer allowed for the following reason: " + why
}

const quotedArgs = 128 // bytes of arguments that an unknown command's error repeats

// errUnknownCommand quotes the command and the first of its arguments.
func errUnknownCommand(args [][]byte) string {
	var b strings.Builder
	b.WriteString("ERR unknown command '")
	b.WriteString(cText(args[0], quotedArgs))
	b.WriteString("', with args beginning with: ")
	for used, i := 0, 1; i < len(args) && used < quotedArgs; i++ {
		word := "'" + cText(args[i], quotedArgs-used) + "' "
		b.WriteString(word)
		used += len(word)
	}
	return b.String()
}

func errUnknownSubcommand(container string, word []byte) string {
	return "ERR unknown subcommand '" + cText(word, quotedArgs) + "'. Try " + strings.ToUpper(container) + " HELP."
}

// cText is at most n bytes of b, up to the first NUL: what C's %.*s prints.
func cText(b []byte, n int) string {
	if len(b) > n {
		b = b[:n]
	}
	s := string(b)
	if i := strings.IndexByte(s, 0); i >= 0 {
		s = s[:i]
	}
	return s
}

// errConfigSet is Redis' frame around what is wrong with a value.
func errConfigSet(name string, err error) string {
	return "ERR CONFIG SET failed (possibly related to argument '" + name + "') - " + err.Error()
}
