package command

import "strings"

// typeOf is the type that a word of a usage line has by its name. Names that mean one thing
// here and another there are listed with what they mean most often; elsewhere the usage line
// says so.
func typeOf(word string) Type {
	switch word {
	case "key", "key1", "key2", "newkey", "source", "src", "destination", "dst", "destkey", "sourcekey":
		return Key
	case "pattern":
		return Pattern
	case "unix-time-seconds", "unix-time-milliseconds":
		return UnixTime
	case "height", "latitude", "longitude", "radius", "score", "timeout", "width":
		return Double
	case "bit", "bits", "client-id", "cluster_bus_port", "config-epoch", "count", "cursor", "db",
		"decrement", "destination-db", "end", "end-slot", "entries_added", "entries_read",
		"frequency", "increment", "index", "index1", "index2", "len", "limit", "milliseconds",
		"min-idle-time", "ms", "num-matches", "numkeys", "numreplicas", "offset", "port",
		"protover", "rank", "seconds", "slot", "start", "start-slot", "stop", "ttl", "version",
		"weight":
		return Integer
	}
	return String
}

// tokenName is the name of a word that stands for itself. Signs have names of their own, and
// so have a few abbreviations.
func tokenName(token string) string {
	switch token {
	case "*":
		return "auto_id"
	case "$":
		return "new_id"
	case "=":
		return "equal"
	case "~":
		return "approximately"
	case `""`:
		return "empty_string"
	case "ALPHA":
		return "sorting"
	case "CH":
		return "change"
	case "INCR":
		return "increment"
	}
	return strings.ToLower(token)
}

// choiceName is the name of a choice, by its text or else by its alternatives.
func choiceName(text string, alts []*Argument) string {
	switch text {
	case "NX | XX", "NX | XX | GT | LT":
		return "condition"
	case "GT | LT":
		return "comparison"
	case "LEFT | RIGHT", "MIN | MAX", "BEFORE | AFTER":
		return "where"
	case "ASC | DESC":
		return "order"
	case "ASYNC | SYNC":
		return "async"
	case "BYTE | BIT":
		return "index_unit"
	case "BYSCORE | BYLEX":
		return "sortby"
	case "M | KM | FT | MI":
		return "unit"
	case "MAXLEN | MINID":
		return "strategy"
	case "= | ~":
		return "operator"
	case "SUM | MIN | MAX":
		return "aggregate"
	case "* | id":
		return "id_or_auto"
	case "id | $":
		return "id"
	}
	switch alts[0].Token {
	case "EX":
		return "expiration"
	case "FROMMEMBER":
		return "from"
	case "BYRADIUS":
		return "by"
	}
	for _, a := range alts {
		if len(a.Args) > 0 {
			return alts[0].Name
		}
	}
	return joinNames(alts)
}

// blockName is the name of arguments in a row: the token that announces a list of them, or the
// names of those that have to be there.
func blockName(args []*Argument, token string) string {
	for _, a := range args {
		if a.Multiple && token != "" {
			return strings.ToLower(token)
		}
		if len(a.Args) > 0 {
			return args[0].Name
		}
	}
	return joinNames(args)
}
