package fsm

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redraftdb/redraft/fsm/value"
)

// A Parameter is a setting that commands read as they are applied. It is part of the replicated
// state, so that it has the same value at the same index on every node: CONFIG SET makes an entry
// of it, and a command line's value counts only for a new cluster.
type Parameter struct {
	Name    string
	Aliases []string // older names, which CONFIG knows as well
	Default string
	Summary string
	Kind    ParameterKind
	Min     int64 // of a number
	Max     int64
	Values  []string // of a Choice
	Fixed   bool     // set when the cluster begins, and never again
	Hidden  bool     // no affair of CONFIG's: set by DEBUG, for tests
}

// ParameterKind says what values a parameter takes.
type ParameterKind int

// The kinds of parameters.
const (
	Number ParameterKind = iota
	Memory               // a number of bytes, which may be written with a unit (kb, mb, gb, k, m, g)
	Word                 // any string
	Choice               // one of Values
)

// Names of parameters that are looked up by name.
const (
	ParamRequirePass  = "requirepass"
	ParamProtoMaxBulk = "proto-max-bulk-len"
	ParamDatabases    = "databases"
	ParamChannels     = "acl-pubsub-default"

	// ParamActiveExpire is what DEBUG SET-ACTIVE-EXPIRE sets.
	ParamActiveExpire = "active-expire"

	// ParamAllowScripts is what DEBUG SET-DISABLE-DENY-SCRIPTS sets.
	ParamAllowScripts = "allow-scripts"

	// ParamListPacked is what DEBUG QUICKLIST-PACKED-THRESHOLD sets.
	ParamListPacked = "quicklist-packed-threshold"

	// ParamMinReplicas and ParamMaxLag say how many followers the leader has to hear of, and how recently, in seconds.
	ParamMinReplicas = "min-replicas-to-write"
	ParamMaxLag      = "min-replicas-max-lag"

	// ParamMaxMemory and ParamPolicy say when keys are evicted, and which.
	ParamMaxMemory = "maxmemory"
	ParamPolicy    = "maxmemory-policy"

	paramSamples   = "maxmemory-samples"
	paramTenacity  = "maxmemory-eviction-tenacity"
	paramLFUFactor = "lfu-log-factor"
	paramLFUDecay  = "lfu-decay-time"

	paramListFill    = "list-max-listpack-size"
	paramIntset      = "set-max-intset-entries"
	paramHashEntries = "hash-max-listpack-entries"
	paramHashValue   = "hash-max-listpack-value"
	paramHLLSparse   = "hll-sparse-max-bytes"
	paramZSetEntries = "zset-max-listpack-entries"
	paramZSetValue   = "zset-max-listpack-value"

	paramLuaSteps  = "lua-max-steps"
	paramLuaMemory = "lua-max-memory"

	paramStreamBytes   = "stream-node-max-bytes"
	paramStreamEntries = "stream-node-max-entries"
)

// Parameters lists the replicated settings with Redis' names and defaults.
func Parameters() []Parameter {
	const all = 1<<63 - 1
	return []Parameter{
		{Name: ParamDatabases, Default: "16", Min: 1, Max: 1 << 16, Fixed: true,
			Summary: "number of databases, chosen when the cluster begins"},
		{Name: ParamRequirePass, Kind: Word,
			Summary: "password of the default user; empty for none"},
		{Name: ParamChannels, Kind: Choice, Default: "resetchannels", Values: []string{"allchannels", "resetchannels"},
			Summary: "channels that a new user may use: all or none"},
		{Name: ParamProtoMaxBulk, Default: "536870912", Kind: Memory, Min: 1 << 20, Max: all,
			Summary: "longest string, in a request or as a value"},
		{Name: ParamMaxMemory, Default: "0", Kind: Memory, Max: all,
			Summary: "bytes that the leader may use before keys are evicted or writes refused; 0 for no limit"},
		{Name: ParamPolicy, Default: "noeviction", Kind: Choice, Values: policyNames(),
			Summary: "which keys are evicted when memory is short"},
		{Name: paramSamples, Default: "5", Min: 1, Max: 1<<31 - 1,
			Summary: "keys that are looked at for each one evicted"},
		{Name: paramTenacity, Default: "10", Max: 100,
			Summary: "how long a write may look for keys to evict: 0 the shortest, 10 half a millisecond, 100 without a limit"},
		{Name: paramLFUFactor, Default: "10", Max: 1<<31 - 1,
			Summary: "how slowly the count of a key's accesses grows"},
		{Name: paramLFUDecay, Default: "1", Max: 1<<31 - 1,
			Summary: "minutes after which the count of a key's accesses goes down by one; 0 for never"},
		{Name: ParamMinReplicas, Aliases: []string{"min-slaves-to-write"}, Default: "0", Max: 1<<31 - 1,
			Summary: "followers without which the leader refuses writes; 0 for none. A write has a majority of the voters in any case"},
		{Name: ParamMaxLag, Aliases: []string{"min-slaves-max-lag"}, Default: "10", Max: 1<<31 - 1,
			Summary: "seconds since it was last heard within which a follower counts for min-replicas-to-write; 0 for no such condition"},
		{Name: paramHashEntries, Aliases: []string{"hash-max-ziplist-entries"}, Default: "512", Max: all,
			Summary: "fields up to which a hash is a listpack"},
		{Name: paramHashValue, Aliases: []string{"hash-max-ziplist-value"}, Default: "64", Kind: Memory, Max: all,
			Summary: "bytes of a field or value up to which a hash is a listpack"},
		{Name: paramListFill, Aliases: []string{"list-max-ziplist-size"}, Default: "-2", Min: -1 << 31, Max: 1<<31 - 1,
			Summary: "size of a list's listpacks"},
		{Name: "list-compress-depth", Default: "0", Max: 1<<31 - 1,
			Summary: "listpacks at each end of a list that are never compressed; 0 compresses none"},
		{Name: ParamListPacked, Default: "1073741824", Min: 1, Max: 1<<32 - 1<<20, Kind: Memory, Hidden: true,
			Summary: "bytes of an element from which on it is a list's node of its own"},
		{Name: paramIntset, Default: "512", Max: all,
			Summary: "members up to which a set of integers is an intset"},
		{Name: paramZSetEntries, Aliases: []string{"zset-max-ziplist-entries"}, Default: "128", Max: all,
			Summary: "members up to which a sorted set is a listpack"},
		{Name: paramZSetValue, Aliases: []string{"zset-max-ziplist-value"}, Default: "64", Kind: Memory, Max: all,
			Summary: "bytes of a member up to which a sorted set is a listpack"},
		{Name: paramHLLSparse, Default: "3000", Kind: Memory, Max: all,
			Summary: "bytes up to which a HyperLogLog is sparse"},
		{Name: paramStreamBytes, Default: "4096", Kind: Memory, Max: all,
			Summary: "bytes of a stream's listpack; 0 for no limit"},
		{Name: paramStreamEntries, Default: "100", Max: all,
			Summary: "entries of a stream's listpack; 0 for no limit"},
		{Name: paramLuaSteps, Default: "100000000", Min: 1000, Max: 1 << 60,
			Summary: "instructions that a script may execute as part of an entry"},
		{Name: paramLuaMemory, Default: "268435456", Kind: Memory, Min: 1 << 20, Max: 1 << 40,
			Summary: "bytes that a script may have at a time"},
		{Name: ParamAllowScripts, Default: "0", Max: 1, Hidden: true,
			Summary: "whether scripts may call, for tests, what they are denied"},
		{Name: ParamActiveExpire, Default: "1", Max: 1, Hidden: true,
			Summary: "whether what is due is removed by itself; with 0, when a command comes upon it"},
	}
}

// Normalize returns a value in the form in which it is kept, or an error in the words of CONFIG SET.
func (p Parameter) Normalize(value string) (string, error) {
	switch p.Kind {
	case Word:
		return value, nil
	case Choice:
		if v := strings.ToLower(value); slices.Contains(p.Values, v) {
			return v, nil
		}
		return "", fmt.Errorf("argument(s) must be one of the following: %s", strings.Join(p.Values, ", "))
	}
	parse, what := parseNumber, "argument couldn't be parsed into an integer"
	if p.Kind == Memory {
		parse, what = ParseMemory, "argument must be a memory value"
	}
	n, ok := parse(value)
	if !ok {
		return "", fmt.Errorf("%s", what)
	}
	if n < p.Min || n > p.Max {
		return "", fmt.Errorf("argument must be between %d and %d inclusive", p.Min, p.Max)
	}
	return strconv.FormatInt(n, 10), nil
}

func parseNumber(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// ParseInt reads a 64-bit integer as commands take it: an optional minus sign and digits without a leading zero.
func ParseInt(b []byte) (int64, bool) { return value.ParseInt(b) }

// ParseMemory reads a number of bytes as redis.conf writes it: 1k is 1000, 1kb is 1024, and so on.
func ParseMemory(s string) (int64, bool) {
	digits := strings.TrimRight(s, "kmgbKMGB")
	unit, ok := map[string]int64{
		"": 1, "b": 1, "k": 1e3, "kb": 1 << 10, "m": 1e6, "mb": 1 << 20, "g": 1e9, "gb": 1 << 30,
	}[strings.ToLower(s[len(digits):])]
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n < 0 || n > (1<<63-1)/unit {
		return 0, false
	}
	return n * unit, true
}

// parameters are the values in force.
type parameters struct {
	version       uint64   // grows with each change
	values        []string // in the order of Parameters
	databases     int
	hashEntries   int
	hashValue     int
	zsetEntries   int
	zsetValue     int
	intsetEntries int
	listFill      int
	listPacked    int
	hllSparse     int
	activeExpire  bool
	streamBytes   int
	streamEntries int64
	protoMaxBulk  int64
	requirePass   string
	allowScripts  bool
	luaSteps      int64
	luaMemory     int64
	allChannels   bool // new users may use all channels
	maxMemory     int64
	policy        policy
	samples       int
	tenacity      int
	lfuFactor     int64
	lfuDecay      int64 // minutes
	minReplicas   int
	maxLag        int64 // seconds
}

// Setting is a parameter with its value.
type Setting struct{ Name, Value string }

func defaultParameters() parameters {
	p := parameters{}
	for _, d := range Parameters() {
		p.values = append(p.values, d.Default)
	}
	p.derive()
	return p
}

// set changes one parameter. The name may be an alias.
func (p *parameters) set(name, value string) error {
	for i, d := range Parameters() {
		if !d.is(name) {
			continue
		}
		v, err := d.Normalize(value)
		if err != nil {
			return err
		}
		p.values = append([]string(nil), p.values...)
		p.values[i] = v
		p.version++
		p.derive()
		return nil
	}
	return fmt.Errorf("unknown replicated parameter %q", name)
}

func (d Parameter) is(name string) bool {
	if strings.EqualFold(d.Name, name) {
		return true
	}
	for _, a := range d.Aliases {
		if strings.EqualFold(a, name) {
			return true
		}
	}
	return false
}

// derive reads the values that commands need as numbers.
func (p *parameters) derive() {
	for i, d := range Parameters() {
		n, _ := parseNumber(p.values[i])
		switch d.Name {
		case ParamDatabases:
			p.databases = int(n)
		case ParamProtoMaxBulk:
			p.protoMaxBulk = n
		case ParamRequirePass:
			p.requirePass = p.values[i]
		case ParamChannels:
			p.allChannels = p.values[i] == "allchannels"
		case ParamMaxMemory:
			p.maxMemory = n
		case ParamPolicy:
			p.policy = policyOf(p.values[i])
		case paramSamples:
			p.samples = int(n)
		case paramTenacity:
			p.tenacity = int(n)
		case paramLFUFactor:
			p.lfuFactor = n
		case paramLFUDecay:
			p.lfuDecay = n
		case ParamMinReplicas:
			p.minReplicas = int(n)
		case ParamMaxLag:
			p.maxLag = n
		case paramIntset:
			p.intsetEntries = int(n)
		case paramListFill:
			p.listFill = int(n)
		case ParamListPacked:
			p.listPacked = int(n)
		case paramHashEntries:
			p.hashEntries = int(n)
		case paramHashValue:
			p.hashValue = int(n)
		case ParamActiveExpire:
			p.activeExpire = n == 1
		case paramHLLSparse:
			p.hllSparse = int(n)
		case paramZSetEntries:
			p.zsetEntries = int(n)
		case paramZSetValue:
			p.zsetValue = int(n)
		case paramStreamBytes:
			p.streamBytes = int(n)
		case paramStreamEntries:
			p.streamEntries = n
		case ParamAllowScripts:
			p.allowScripts = n == 1
		case paramLuaSteps:
			p.luaSteps = n
		case paramLuaMemory:
			p.luaMemory = n
		}
	}
}

// list is every parameter with its value.
func (p *parameters) list() []Setting {
	out := make([]Setting, len(p.values))
	for i, d := range Parameters() {
		out[i] = Setting{d.Name, p.values[i]}
	}
	return out
}

// Settings is every replicated parameter with its value, in the order of Parameters.
func (m *Machine) Settings() []Setting { return m.parameters.Load().list() }

// Setting is the value of a replicated parameter, empty if there is none of that name.
func (m *Machine) Setting(name string) string {
	p := m.parameters.Load()
	for i, d := range Parameters() {
		if d.Name == name {
			return p.values[i]
		}
	}
	return ""
}

// MinReplicas is how many followers the leader has to have heard of within so many seconds; 0 without such a condition.
func (m *Machine) MinReplicas() (least int, seconds int64) {
	p := m.parameters.Load()
	if p.maxLag == 0 {
		return 0, 0
	}
	return p.minReplicas, p.maxLag
}

// ProtoMaxBulk is the longest string that a request may hold, in bytes.
func (m *Machine) ProtoMaxBulk() int64 { return m.parameters.Load().protoMaxBulk }

// AllChannels reports whether new users may use all channels.
func (m *Machine) AllChannels() bool { return m.parameters.Load().allChannels }

// Databases is the number of databases.
func (m *Machine) Databases() int { return m.parameters.Load().databases }
