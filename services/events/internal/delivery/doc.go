// Package delivery takes stored exchanges to destinations, at least once.
//
// One worker per subscription and destination follows capture's log, makes
// events, and hands batches to a sender. How far it got is a position in Redis
// that moves only after every record before it was delivered or refused for good;
// so a crash repeats records and loses none, and a destination that is away for a
// long time costs no memory. A lease keeps several replicas from doing the same
// work.
//
// What a destination refuses for good goes to a bounded stream of dead letters.
package delivery
