package fsm

import "slices"

// A policy says which keys are evicted when memory is short, as maxmemory-policy names it.
type policy byte

const (
	volatileLRU policy = iota
	volatileLFU
	volatileRandom
	volatileTTL
	allkeysLRU
	allkeysLFU
	allkeysRandom
	noEviction
)

// policyNames lists the policies' names, in the order of their numbers.
func policyNames() []string {
	return []string{"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
		"allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction"}
}

// policyOf is the policy of a name, which is one.
func policyOf(name string) policy { return policy(slices.Index(policyNames(), name)) }

// counts reports whether it matters how often a key is used, rather than when it was last.
func (p policy) counts() bool { return p == volatileLFU || p == allkeysLFU }

// volatile reports whether keys without a deadline stay.
func (p policy) volatile() bool { return p <= volatileTTL }

// random reports whether any key is as good as another.
func (p policy) random() bool { return p == volatileRandom || p == allkeysRandom }
