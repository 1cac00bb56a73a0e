// Package spool is a queue on disk for what cannot be delivered now: appended at
// one end, read and acknowledged in order at the other, bounded in bytes, and
// intact up to the last whole record after the process was killed.
//
// Records lie in segment files, each with a length and a CRC-32C. A segment is
// deleted once all its records are acknowledged. A record that was read and not
// acknowledged is read again by the next process, so readers must expect records
// twice. The spool does not survive the loss of the disk, and after a power cut
// what the last second appended may be missing.
package spool
