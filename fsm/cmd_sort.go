package fsm

import (
	"slices"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/value"
)

func sortCommands() []*command.Spec {
	const (
		usage      = "key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] sorting=[ALPHA]"
		cost       = "O(N log N) for N elements, O(N) for N returned of a list or sorted set that is not sorted"
		categories = command.CatDangerous | command.CatList | command.CatSet | command.CatSortedSet | command.CatOnly
	)
	return []*command.Spec{
		{Name: "sort", Usage: usage + " [STORE destination]", Group: "generic", Since: "1.0.0", Complexity: cost,
			Summary: "Return or store the elements of a list, set or sorted set in order, or what they lead to", Categories: categories,
			Flags: command.Write | command.DenyOOM, Keys: command.SortKeys(), Handler: handler(sortCommand),
			Differs: "A sorted set keeps its encoding. What compares equal keeps its order. Bytes are compared, whatever the locale."},
		{Name: "sort_ro", Usage: usage, Group: "generic", Since: "7.0.0", Complexity: cost,
			Summary: "Return the elements of a list, set or sorted set in order, or what they lead to", Categories: categories,
			Flags: command.ReadOnly, Keys: command.SortROKeys(), Handler: handler(sortroCommand),
			Differs: "As SORT."},
	}
}

func sortCommand(r *run)   { r.sort(true) }
func sortroCommand(r *run) { r.sort(false) }

// sortOptions are the options of SORT.
type sortOptions struct {
	desc, alpha   bool
	offset, count int64 // of LIMIT; a negative count is all
	by            *sortPattern
	constant      bool // BY names no element's key: nothing is sorted
	get           []sortPattern
	store         []byte // nil for none
}

// parseSort reads the options; if they are wrong the command has been answered.
func (r *run) parseSort(args [][]byte, stores bool) (o sortOptions, ok bool) {
	o.count = -1
	for len(args) > 0 {
		used := 2
		switch word, more := args[0], len(args)-1; {
		case command.IsWord(word, "ASC"):
			o.desc, used = false, 1
		case command.IsWord(word, "DESC"):
			o.desc, used = true, 1
		case command.IsWord(word, "ALPHA"):
			o.alpha, used = true, 1
		case command.IsWord(word, "LIMIT") && more >= 2:
			if o.offset, ok = r.integer(args[1]); !ok {
				return o, false
			}
			if o.count, ok = r.integer(args[2]); !ok {
				return o, false
			}
			used = 3
		case command.IsWord(word, "STORE") && more >= 1 && stores:
			o.store = args[1]
		case command.IsWord(word, "BY") && more >= 1:
			p := parseSortPattern(args[1])
			o.by, o.constant = &p, o.constant || !p.star
		case command.IsWord(word, "GET") && more >= 1:
			o.get = append(o.get, parseSortPattern(args[1]))
		default:
			r.out.Error(errSyntax)
			return o, false
		}
		args = args[used:]
	}
	return o, true
}

// window is which of n elements LIMIT selects, from one up to another, which is excluded.
func (o *sortOptions) window(n int) (from, to int) {
	from = int(min(max(o.offset, 0), int64(n)))
	if o.count < 0 {
		return from, n
	}
	return from, from + int(min(o.count, int64(n-from)))
}

// sort is SORT and SORT_RO.
func (r *run) sort(stores bool) {
	o, ok := r.parseSort(r.args[2:], stores)
	if !ok {
		return
	}
	elements, ok := r.sortable(r.args[1])
	if !ok {
		return
	}
	if o.constant && !elements.ordered && (o.store != nil || r.scripted) {
		o.constant, o.alpha, o.by = false, true, nil // so that the order is a function of the set
	}
	from, to := o.window(elements.n)
	var items []sortItem
	if o.constant && elements.ordered {
		items = collect(elements, from, to-from, o.desc)
	} else {
		items = collect(elements, 0, elements.n, false)
		if !o.constant && !r.sortItems(items, &o) {
			r.out.Error(errSortScore)
			return
		}
		items = items[from:to]
	}
	if o.store != nil {
		r.storeSorted(items, &o)
		return
	}
	r.out.Array(len(items) * max(1, len(o.get)))
	r.sorted(items, &o, func(text []byte, found bool) {
		if found {
			r.out.Bulk(text)
		} else {
			r.out.Null()
		}
	})
}

// sortable is the value under a key as a row; an empty one for no key. If it has none the command has been
// answered.
func (r *run) sortable(key []byte) (elements row, ok bool) {
	e, found := r.lookup(key)
	if !found {
		return row{ordered: true, each: func(int, bool, func(value.Value) bool) {}}, true
	}
	make := typeOf(e.typ()).row
	if make == nil {
		r.out.Error(errWrongType)
		return row{}, false
	}
	return make(r.db, r.load(e)), true
}

// collect is n elements of a row from one on.
func collect(elements row, from, n int, reverse bool) []sortItem {
	items := make([]sortItem, 0, n)
	if n == 0 {
		return items
	}
	elements.each(from, reverse, func(v value.Value) bool {
		items = append(items, sortItem{element: v.Bytes(nil)})
		return len(items) < n
	})
	return items
}

// sortItems sorts items in place and reports whether all that had to be numbers were.
func (r *run) sortItems(items []sortItem, o *sortOptions) bool {
	numbers := true
	for i := range items {
		it := &items[i]
		text, found := it.element, true
		if o.by != nil {
			text, found = r.follow(o.by, it.element)
		}
		it.by, it.found = text, found
		if o.alpha || !found {
			continue
		}
		var ok bool
		it.score, ok = sortScore(text)
		numbers = numbers && ok
	}
	if !numbers {
		return false
	}
	compare := compareNumbers
	switch {
	case o.alpha && o.by != nil:
		compare = compareBy
	case o.alpha:
		compare = compareElements
	}
	slices.SortStableFunc(items, func(a, b sortItem) int {
		if o.desc {
			return compare(b, a)
		}
		return compare(a, b)
	})
	return true
}

// sorted visits what is to be returned: the elements, or what each GET leads to from them.
func (r *run) sorted(items []sortItem, o *sortOptions, visit func(text []byte, found bool)) {
	for i := range items {
		if len(o.get) == 0 {
			visit(items[i].element, true)
		}
		for g := range o.get {
			visit(r.follow(&o.get[g], items[i].element))
		}
	}
}

// storeSorted makes what SORT returns the list under STORE's key.
func (r *run) storeSorted(items []sortItem, o *sortOptions) {
	key, n := o.store, len(items)*max(1, len(o.get))
	r.out.Int(int64(n))
	if n == 0 {
		if e, found := r.lookupWrite(key); found {
			r.db.remove(e)
			r.touched(key)
			r.event(EventGeneric, "del", key)
		}
		return
	}
	l := value.NewList(&r.db.mem, r.state.parameters.listLimits())
	r.sorted(items, o, func(text []byte, _ bool) { l.Push(text, false) })
	r.db.putList(key, l, 0)
	r.touchedTimes(key, n)
	r.event(EventList, "sortstore", key)
}
