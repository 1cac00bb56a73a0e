package search

import "net/netip"

// Record is one capture as the matcher reads it, by the columns of its table.
type Record interface {
	// Text returns the value of a text column, where the empty string means what
	// it means in the table. Of the header maps req_headers and res_headers it
	// returns the values under member, a lower-case name, or every value if
	// member is empty; of the map policy_decisions the value under member, and of the
	// lists policy_logs and redacted_by every value.
	Text(column, member string) []string
	// Number returns an integer, a size in bytes, a duration in nanoseconds, a
	// boolean as 0 or 1, or a time in Unix nanoseconds; false: it is missing.
	Number(column string) (int64, bool)
	// Addr returns an address, the zero Addr if it is missing.
	Addr(column string) netip.Addr
}
