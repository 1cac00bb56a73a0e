// Package store keeps exchanges in ClickHouse: one table, one row for each
// exchange, laid out so that the newest rows of a time range, one row by its id,
// and the rows after a place in the log are each found without a scan.
//
// It speaks SQL that ClickHouse 24.8 understands, and knows nothing of streams,
// acknowledgements or Redis.
package store
