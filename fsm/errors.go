package fsm

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// What a command answers when it cannot be done, in Redis' words: clients look at them.
const (
	errWrongType   = "WRONGTYPE Operation against a key holding the wrong kind of value"
	errSyntax      = "ERR syntax error"
	errNotInteger  = "ERR value is not an integer or out of range"
	errNotFloat    = "ERR value is not a valid float"
	errOverflow    = "ERR increment or decrement would overflow"
	errNaN         = "ERR increment would produce NaN or Infinity"
	errOffset      = "ERR offset is out of range"
	errTooLong     = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
	errNoSuchKey   = "ERR no such key"
	errSameObject  = "ERR source and destination objects are the same"
	errIndex       = "ERR index out of range"
	errDBIndex     = "ERR DB index is out of range"
	errCursor      = "ERR invalid cursor"
	errNotPositive = "ERR value is out of range, must be positive"
	errOutOfRange  = "ERR value is out of range"
	errHashInteger = "ERR hash value is not an integer"
	errHashFloat   = "ERR hash value is not a float"
	errNumKeys     = "ERR numkeys should be greater than 0"
	errCount       = "ERR count should be greater than 0"
	errRank        = "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... " +
		"or use negative to start from the end of the list"
	errTooManyKeys   = "ERR Number of keys can't be greater than number of args"
	errLimit         = "ERR LIMIT can't be negative"
	errCountNegative = "ERR COUNT can't be negative"
	errMaxLen        = "ERR MAXLEN can't be negative"
	errInfinite      = "ERR value is NaN or Infinity"
)

// Of bitmaps.
const (
	errBitOffset    = "ERR bit offset is not an integer or out of range"
	errBit          = "ERR bit is not an integer or out of range"
	errBitArgument  = "ERR The bit argument must be 1 or 0."
	errBitopNot     = "ERR BITOP NOT must be called with a single source key."
	errBitfieldType = "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
	errOverflowType = "ERR Invalid OVERFLOW type specified"
	errBitfieldRO   = "ERR BITFIELD_RO only supports the GET subcommand"
)

// Of HyperLogLogs.
const (
	errNoSketch  = "WRONGTYPE Key is not a valid HyperLogLog string value."
	errSketch    = "INVALIDOBJ Corrupted HLL object detected"
	errNotSparse = "ERR HLL encoding is not sparse"
	errNoKeyHere = "ERR The specified key does not exist"
)

// errSortScore is the answer to a SORT by what is no number.
const errSortScore = "ERR One or more scores can't be converted into double"

// Of OBJECT FREQ and IDLETIME.
const (
	errNotCounted = "ERR An LFU maxmemory policy is not selected, access frequency not tracked. " + errAdjusting
	errNotTimed   = "ERR An LFU maxmemory policy is selected, idle time not tracked. " + errAdjusting
	errAdjusting  = "Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
)

// Of DUMP and RESTORE.
const (
	errBusyKey  = "BUSYKEY Target key name already exists."
	errTTL      = "ERR Invalid TTL value, must be >= 0"
	errIdleTime = "ERR Invalid IDLETIME value, must be >= 0"
	errFreq     = "ERR Invalid FREQ value, must be >= 0 and <= 255"
	errPayload  = "ERR DUMP payload version or checksum are wrong"
	errBadData  = "ERR Bad data format"
)

// Of commands on fields with deadlines.
const (
	errFields          = "ERR Mandatory argument FIELDS is missing or not at the right position"
	errNumFields       = "ERR Number of fields must be a positive integer"
	errNumFieldsExpire = "ERR Parameter `numFields` should be greater than 0"
	errNumFieldsMatch  = "ERR The `numfields` parameter must match the number of arguments"
	errNumPairs        = "ERR invalid number of fields"
	errFieldTime       = "ERR invalid expire time, must be >= 0"
	errOneCondition    = "ERR Only one of FXX or FNX arguments can be specified"
	errOneExpiration   = "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"
)

// Of commands on sorted sets.
const (
	errScoreNaN   = "ERR resulting score is not a number (NaN)"
	errBothNXXX   = "ERR XX and NX options at the same time are not compatible"
	errGTLTNX     = "ERR GT, LT, and/or NX options at the same time are not compatible"
	errIncrPairs  = "ERR INCR option supports a single increment-element pair"
	errScoreRange = "ERR min or max is not a float"
	errLexRange   = "ERR min or max not valid string range item"
	errRankLimit  = "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
	errLexScores  = "ERR syntax error, WITHSCORES not supported in combination with BYLEX"
	errWeight     = "ERR weight value is not a float"
)

// Of commands on places.
const (
	errUnit       = "ERR unsupported unit provided. please use M, KM, FT, MI"
	errRadius     = "ERR need numeric radius"
	errRadiusSign = "ERR radius cannot be negative"
	errWidth      = "ERR need numeric width"
	errHeight     = "ERR need numeric height"
	errBoxSign    = "ERR height or width cannot be negative"
	errGeoMember  = "ERR could not decode requested zset member"
	errGeoCount   = "ERR COUNT must be > 0"
	errGeoAny     = "ERR the ANY argument requires COUNT argument"
)

// What a command that waits is answered, or would wait. errMissed is ours: the answer was given while this node
// was sent a snapshot instead of the entries.
const (
	errTimeout    = "ERR timeout is not a float or out of range"
	errUnblocked  = "UNBLOCKED client unblocked via CLIENT UNBLOCK"
	errForced     = "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"
	errStreamGone = "UNBLOCKED the stream key no longer exists"
	errGroupGone  = "NOGROUP the consumer group this client was blocked on no longer exists"
	errMissed     = "UNCERTAIN the command may or may not have been applied: this node has loaded a snapshot that does not tell"
)

// What the stream commands answer.
const (
	errStreamID       = "ERR Invalid stream ID specified as stream command argument"
	errStreamStart    = "ERR invalid start ID for the interval"
	errStreamEnd      = "ERR invalid end ID for the interval"
	errAddZero        = "ERR The ID specified in XADD must be greater than 0-0"
	errAddExhausted   = "ERR The stream has exhausted the last possible ID, unable to add more items"
	errAddSmaller     = "ERR The ID specified in XADD is equal or smaller than the target stream top item"
	errAddLarge       = "ERR Elements are too large to be stored"
	errTrimTwice      = "ERR syntax error, MAXLEN and MINID options at the same time are not compatible"
	errTrimLength     = "ERR The MAXLEN argument must be >= 0."
	errTrimLimit      = "ERR The LIMIT argument must be >= 0."
	errTrimLimitAlone = "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"
	errTrimLimitExact = "ERR syntax error, LIMIT cannot be used without the special ~ option"
	errTrimNothing    = "ERR syntax error, XTRIM must be called with a trimming strategy"
	errSetIDTop       = "ERR The ID specified in XSETID is smaller than the target stream top item"
	errSetIDLength    = "ERR The entries_added specified in XSETID is smaller than the target stream length"
	errEntriesAdded   = "ERR entries_added must be positive"
	errMaxDeleted     = "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id"

	errReadUnbalanced = "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified."
	errReadNoGroup    = "ERR Missing GROUP option for XREADGROUP"
	errReadLast       = "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer " +
		"by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set."
	errReadNew         = "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
	errTimeoutInteger  = "ERR timeout is not an integer or out of range"
	errTimeoutNegative = "ERR timeout is negative"

	errEntriesRead = "ERR value for ENTRIESREAD must be positive or -1"
	errBusyGroup   = "BUSYGROUP Consumer Group name already exists"
	errGroupNoKey  = "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM " +
		"option to create an empty stream automatically."

	errClaimIdle        = "ERR Invalid min-idle-time argument for XCLAIM"
	errClaimIdleOption  = "ERR Invalid IDLE option argument for XCLAIM"
	errClaimTimeOption  = "ERR Invalid TIME option argument for XCLAIM"
	errClaimRetryOption = "ERR Invalid RETRYCOUNT option argument for XCLAIM"
	errAutoclaimIdle    = "ERR Invalid min-idle-time argument for XAUTOCLAIM"
	errAutoclaimCount   = "ERR COUNT must be > 0"
)

// errUserName is the answer to a name that no user can have.
var errUserName = errors.New("Usernames can't contain spaces or null characters")

// errReadOption is the answer to an option of XREADGROUP in XREAD.
func errReadOption(option string) string {
	return "ERR The " + option + " option is only supported by XREADGROUP. You called XREAD instead."
}

// errClaimOption is the answer to an option that XCLAIM does not have.
func errClaimOption(arg []byte) string { return "ERR Unrecognized XCLAIM option '" + quoted(arg) + "'" }

// errNoGroup is the answer where there is no key, or no group.
func errNoGroup(key, group []byte) string {
	return "NOGROUP No such key '" + quoted(key) + "' or consumer group '" + quoted(group) + "'"
}

// errNoGroupToRead is errNoGroup of XREADGROUP.
func errNoGroupToRead(key, group []byte) string {
	return errNoGroup(key, group) + " in XREADGROUP with GROUP option"
}

// errNoGroupOfKey is the answer where there is a key, and no group.
func errNoGroupOfKey(group, key []byte) string {
	return "NOGROUP No such consumer group '" + quoted(group) + "' for key name '" + quoted(key) + "'"
}

// errScriptBlock is the answer to a script that wants to wait.
func errScriptBlock(name []byte) string {
	return "ERR " + quoted(name) + " command is not allowed with BLOCK option from scripts"
}

// errSubcommand is the answer to arguments that a subcommand has no use for.
func (r *run) errSubcommand() string {
	const most = 128 // bytes of what the client wrote
	word := quoted(r.args[1])
	return "ERR unknown subcommand or wrong number of arguments for '" + word[:min(len(word), most)] +
		"'. Try " + strings.ToUpper(string(r.args[0])) + " HELP."
}

// quoted is an argument as errors repeat it: up to a zero byte.
func quoted(arg []byte) string {
	text, _, _ := bytes.Cut(arg, []byte{0})
	return string(text)
}

// errArity is the answer to a wrong number of arguments that the usage line cannot tell.
func errArity(name string) string {
	return "ERR wrong number of arguments for '" + name + "' command"
}

// errBetween is the answer to an integer outside of its bounds.
func errBetween(least, most int64) string {
	return fmt.Sprintf("ERR value is out of range, value must between %d and %d", least, most)
}

// errExpire is the answer to a deadline that no clock reaches.
func errExpire(name string) string {
	return "ERR invalid expire time in '" + name + "' command"
}

// errInputKeys is the answer to a combination of no sorted sets.
func errInputKeys(name string) string {
	return "ERR at least 1 input key is needed for '" + name + "' command"
}

// Of scripts, and what commands that scripts call answer. The last two are ours.
const (
	errNoScript        = "NOSCRIPT No matching script. Please use EVAL."
	errNegativeKeys    = "ERR Number of keys can't be negative"
	errScriptFlush     = "ERR SCRIPT FLUSH only support SYNC|ASYNC option"
	errScriptWrites    = "ERR Can not execute a script with write flag using *_ro command."
	errScriptUnknown   = "ERR Unknown Redis command called from script"
	errScriptArity     = "ERR Wrong number of args calling Redis command from script"
	errScriptForbidden = "ERR This Redis command is not allowed from script"
	errOOM             = "OOM command not allowed when used memory > 'maxmemory'."
	errReadOnlyScript  = "ERR Write commands are not allowed from read-only scripts."
	errScriptsFull     = "ERR the script cache is full: SCRIPT FLUSH empties it"
	errNodes           = "ERR this is for a node to answer"
)

// Of functions.
const (
	errNoFunction    = "ERR Function not found"
	errKeysNumber    = "ERR Bad number of keys provided"
	errNoLibrary     = "ERR Library not found"
	errFunctionFlush = "ERR FUNCTION FLUSH only supports SYNC|ASYNC option"
	errNoLibraryName = "ERR library name argument was not given"
	errRestorePolicy = "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE."
)
