package upstream

// maxMembers is how many targets an upstream may have.
const maxMembers = 256

// set is a set of members, by position.
type set [maxMembers / 64]uint64

func (s *set) add(i int)     { s[i/64] |= 1 << (i % 64) }
func (s *set) drop(i int)    { s[i/64] &^= 1 << (i % 64) }
func (s set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

// without is s less what is in t.
func (s set) without(t set) set {
	for i := range s {
		s[i] &^= t[i]
	}
	return s
}
