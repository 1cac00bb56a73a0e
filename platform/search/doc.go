// Package search is the language of Sluice's search boxes, monitors, dashboard
// widgets and filter= parameters: Datadog's log query syntax over captured
// exchanges, with status classes, units and relative times added.
//
// [Parse] turns a query into a typed tree, checked against the table of
// [Fields]. The tree has two readings that agree: [SQL] compiles it to one
// ClickHouse WHERE expression, and [Match] evaluates it on a record in memory.
// A query that cannot become SQL is refused with a position when it is parsed.
//
// A query that begins with "cel:" is an expression in CEL that becomes the same
// tree; [Query.CEL] prints any tree as one. Only there are regular expressions.
//
// The package does no I/O and keeps no state. It is not the language of
// decisions, which are made by policies. There are no fuzzy terms, boosts or
// calculated fields.
package search
