package value

import (
	"slices"
	"sort"

	"github.com/tidwall/btree"
)

// blockItems is how many items a block of an index holds at most.
const blockItems = 64

// An index is a sequence of items in the order of their ids, in blocks: what is added in order fills them. A
// fork shares the blocks, and what is then changed is copied block by block.
type index[T any] struct {
	blocks *btree.BTreeG[*block[T]] // by their first items; no block is empty, and they do not overlap
	id     func(item *T) StreamID
	len    int
}

type block[T any] struct {
	items []T
	born  uint32
}

func newIndex[T any](id func(item *T) StreamID) index[T] {
	less := func(a, b *block[T]) bool { return id(&a.items[0]).Compare(id(&b.items[0])) < 0 }
	return index[T]{blocks: btree.NewBTreeGOptions(less, btree.Options{NoLocks: true}), id: id}
}

// fork returns an index with the same items, and leaves x to those who see it.
func (x *index[T]) fork() index[T] {
	return index[T]{blocks: x.blocks.Copy(), id: x.id, len: x.len}
}

// duplicate returns an index of its own with the same items.
func (x *index[T]) duplicate(m *Memory) index[T] {
	c := newIndex(x.id)
	x.blocks.Scan(func(b *block[T]) bool {
		c.add(m, slices.Clone(b.items))
		return true
	})
	return c
}

// at returns the block in which an item is, if it is anywhere, or belongs; nil if there is none. key is an item
// with the id.
func (x *index[T]) at(key *T) (b *block[T]) {
	x.blocks.Descend(&block[T]{items: []T{*key}}, func(found *block[T]) bool {
		b = found
		return false
	})
	if b == nil {
		b, _ = x.blocks.Min()
	}
	return b
}

// search returns where an item is in its block, or belongs.
func (x *index[T]) search(b *block[T], id StreamID) (i int, found bool) {
	i = sort.Search(len(b.items), func(i int) bool { return x.id(&b.items[i]).Compare(id) >= 0 })
	return i, i < len(b.items) && x.id(&b.items[i]) == id
}

// own returns a block, or the copy that is put in its place, for a change.
func (x *index[T]) own(m *Memory, b *block[T]) *block[T] {
	if m.Private(b.born) {
		return b
	}
	b = &block[T]{items: slices.Clone(b.items), born: m.Epoch}
	x.blocks.Set(b)
	return b
}

// get returns the item with the id that key has.
func (x *index[T]) get(key T) (item T, ok bool) {
	if b := x.at(&key); b != nil {
		if i, found := x.search(b, x.id(&key)); found {
			return b.items[i], true
		}
	}
	return item, false
}

// set adds an item, or puts it in the place of one with the same id, which it returns.
func (x *index[T]) set(m *Memory, item T) (old T, replaced bool) {
	b := x.at(&item)
	if b == nil {
		x.add(m, []T{item})
		return old, false
	}
	i, found := x.search(b, x.id(&item))
	if found {
		b = x.own(m, b)
		old, b.items[i] = b.items[i], item
		return old, true
	}
	if len(b.items) == blockItems {
		if last, _ := x.blocks.Max(); i == blockItems && last == b {
			x.add(m, []T{item})
			return old, false
		}
		b = x.own(m, b)
		const half = blockItems / 2
		right := slices.Clone(b.items[half:])
		b.items = slices.Clone(b.items[:half])
		x.blocks.Set(&block[T]{items: right, born: m.Epoch})
		return x.set(m, item)
	}
	b = x.own(m, b)
	b.items = slices.Insert(b.items, i, item)
	x.len++
	return old, false
}

// add makes a block of items, which lie between those of two others.
func (x *index[T]) add(m *Memory, items []T) {
	x.blocks.Set(&block[T]{items: items, born: m.Epoch})
	x.len += len(items)
}

// delete removes the item with the id that key has.
func (x *index[T]) delete(m *Memory, key T) (item T, ok bool) {
	b := x.at(&key)
	if b == nil {
		return item, false
	}
	i, found := x.search(b, x.id(&key))
	if !found {
		return item, false
	}
	item = b.items[i]
	x.len--
	if len(b.items) == 1 {
		x.blocks.Delete(b)
		return item, true
	}
	b = x.own(m, b)
	b.items = slices.Delete(b.items, i, i+1)
	if len(b.items) < blockItems/4 {
		x.join(m, b)
	}
	return item, true
}

// join adds the items of the block behind b to b, if there is one and both together leave some room.
func (x *index[T]) join(m *Memory, b *block[T]) {
	var next *block[T]
	x.blocks.Ascend(b, func(found *block[T]) bool {
		next = found
		return found == b
	})
	if next != b && len(b.items)+len(next.items) <= 3*blockItems/4 {
		x.blocks.Delete(next)
		b.items = append(b.items, next.items...)
	}
}

// ascend visits the items from the id on that key has, until visit says false.
func (x *index[T]) ascend(key T, visit func(item T) bool) {
	first := x.at(&key)
	if first == nil {
		return
	}
	i, _ := x.search(first, x.id(&key))
	x.blocks.Ascend(first, func(b *block[T]) bool {
		for ; i < len(b.items); i++ {
			if !visit(b.items[i]) {
				return false
			}
		}
		i = 0
		return true
	})
}

// last returns the last item.
func (x *index[T]) last() (item T, ok bool) {
	b, ok := x.blocks.Max()
	if !ok {
		return item, false
	}
	return b.items[len(b.items)-1], true
}
