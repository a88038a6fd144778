//go:build !poison

package arena

// guard is what a slab remembers of its cells to find misuse; here, nothing.
type guard struct{}

func (s *slab) handOut(uint16, bool) {}
func (s *slab) takeBack(uint16)      {}
func (s *slab) check(uint16)         {}
