package command

import "strings"

// Categories is a set of ACL categories.
type Categories uint32

// The ACL categories of Redis 7.0, in the order of ACL CAT.
const (
	CatKeyspace Categories = 1 << iota
	CatRead
	CatWrite
	CatSet
	CatSortedSet
	CatList
	CatHash
	CatString
	CatBitmap
	CatHyperLogLog
	CatGeo
	CatStream
	CatPubSub
	CatAdmin
	CatFast
	CatSlow
	CatBlocking
	CatDangerous
	CatConnection
	CatTransaction
	CatScripting

	// CatOnly is no category: in a declaration it says that the group implies none, as for
	// SORT, which is generic and yet not in @keyspace.
	CatOnly
)

var categoryWords = [...]string{
	"keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap",
	"hyperloglog", "geo", "stream", "pubsub", "admin", "fast", "slow", "blocking", "dangerous",
	"connection", "transaction", "scripting",
}

// groupCategory is the category that a group implies; !ok means that there is no such group.
// Pub/sub's category comes from the flag, since PUBSUB HELP is not in it.
func groupCategory(group string) (c Categories, ok bool) {
	switch group {
	case "cluster", "pubsub", "server":
		return 0, true
	case "generic":
		return CatKeyspace, true
	case "sorted-set":
		return CatSortedSet, true
	case "transactions":
		return CatTransaction, true
	case "bitmap", "connection", "geo", "hash", "hyperloglog", "list", "scripting", "set", "stream", "string":
		return Category(group)
	}
	return 0, false
}

// Words lists the categories by name, without the @, in the order of ACL CAT.
func (c Categories) Words() []string {
	words := []string{}
	for i, w := range categoryWords {
		if c&(1<<i) != 0 {
			words = append(words, w)
		}
	}
	return words
}

// AnyCategory is the set of all categories; its Words are the answer to ACL CAT.
const AnyCategory = CatOnly - 1

// Category finds a category by its name without the @, in any case.
func Category(name string) (Categories, bool) {
	for i, w := range categoryWords {
		if strings.EqualFold(name, w) {
			return 1 << i, true
		}
	}
	return 0, false
}

// impliedCategories joins what flags and group imply to what is declared. A container takes
// nothing from its group, and a read of the scripting group is no @read: what it reads is up to
// the script.
func (s *Spec) impliedCategories() Categories {
	c := s.Categories
	if c&CatOnly == 0 && !s.Container() {
		implied, _ := groupCategory(s.Group)
		c |= implied
	}
	c &^= CatOnly
	for _, implied := range [...]struct {
		flag       Flags
		categories Categories
	}{
		{Write, CatWrite},
		{Admin, CatAdmin | CatDangerous},
		{PubSub, CatPubSub},
		{Blocking, CatBlocking},
		{Fast, CatFast},
	} {
		if s.Is(implied.flag) {
			c |= implied.categories
		}
	}
	if s.Is(ReadOnly) && c&CatScripting == 0 {
		c |= CatRead
	}
	if !s.Is(Fast) {
		c |= CatSlow
	}
	return c
}
