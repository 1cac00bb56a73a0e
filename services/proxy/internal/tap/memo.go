package tap

// Bounds of a memo.
const (
	memoEntries = 1 << 10
	memoText    = 1 << 10 // bytes of a text that is remembered
)

// memo remembers what was made of texts that come again with every exchange, such
// as the results of a policy's actions. It belongs to the goroutine that makes
// batches.
type memo map[string]string

// of is what build makes of s, which depends on nothing else.
func (m *memo) of(s string, build func(string) string) string {
	if out, known := (*m)[s]; known {
		return out
	}
	out := build(s)
	if len(s) > memoText {
		return out
	}
	if *m == nil || len(*m) >= memoEntries {
		*m = memo{}
	}
	(*m)[s] = out
	return out
}
