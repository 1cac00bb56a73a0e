// Package message holds the requests and responses that the data path works on:
// plain values that keep what was on the wire (header order, spelling, the raw
// target), independent of the HTTP implementation in front or behind.
//
// It reads and writes nothing; codecs, transports and net/http live in the
// proxy.
package message
