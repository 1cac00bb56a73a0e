package store

import (
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/column"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// headerMap is the header lines of a message by name in lower case, each name
// with its values in wire order. It is the driver's ordered map, so that a row
// is written and read without reflection over Go maps.
type headerMap struct {
	names  []string
	values [][]string
}

func newHeaderMap(lines []*capturev1.Header) *headerMap {
	m := &headerMap{names: make([]string, 0, len(lines)), values: make([][]string, 0, len(lines))}
	for _, line := range lines {
		m.add(strings.ToLower(line.GetName()), line.GetValue())
	}
	return m
}

func (m *headerMap) add(name, value string) {
	if i := m.index(name); i >= 0 {
		m.values[i] = append(m.values[i], value)
		return
	}
	m.names, m.values = append(m.names, name), append(m.values, []string{value})
}

// index scans: messages have few names.
func (m *headerMap) index(name string) int {
	for i, n := range m.names {
		if n == name {
			return i
		}
	}
	return -1
}

func (m *headerMap) first(name string) string {
	if i := m.index(name); i >= 0 {
		return m.values[i][0]
	}
	return ""
}

// Put adds a name that the driver read.
func (m *headerMap) Put(key, value any) {
	name, _ := key.(string)
	values, _ := value.([]string)
	m.names, m.values = append(m.names, name), append(m.values, values)
}

// Iterator walks the names for the driver.
func (m *headerMap) Iterator() column.MapIterator { return &headerIterator{m: m, at: -1} }

type headerIterator struct {
	m  *headerMap
	at int
}

func (i *headerIterator) Next() bool { i.at++; return i.at < len(i.m.names) }
func (i *headerIterator) Key() any   { return i.m.names[i.at] }
func (i *headerIterator) Value() any { return i.m.values[i.at] }

// lines puts the header together again: names gives wire order and case, and the
// nth line of a name has its nth value. redacted is empty when no line was.
func (m *headerMap) lines(names, redacted []string) []*capturev1.Header {
	taken := make([]int, len(m.names))
	lines := make([]*capturev1.Header, 0, len(names))
	for i, name := range names {
		line := &capturev1.Header{Name: name}
		if at := m.index(strings.ToLower(name)); at >= 0 && taken[at] < len(m.values[at]) {
			line.Value = m.values[at][taken[at]]
			taken[at]++
		}
		if i < len(redacted) {
			line.RedactedBy = redacted[i]
		}
		lines = append(lines, line)
	}
	return lines
}

func headerNames(lines []*capturev1.Header) []string {
	names := make([]string, len(lines))
	for i, line := range lines {
		names[i] = line.GetName()
	}
	return names
}

// headerRedactions is the rule of each line, or nothing when no line has one.
func headerRedactions(lines []*capturev1.Header) []string {
	rules, some := make([]string, len(lines)), false
	for i, line := range lines {
		rules[i] = line.GetRedactedBy()
		some = some || rules[i] != ""
	}
	if !some {
		return nil
	}
	return rules
}

// flatten writes trailers as name, value, rule, name, ...: nobody searches them.
func flatten(lines []*capturev1.Header) []string {
	flat := make([]string, 0, 3*len(lines))
	for _, line := range lines {
		flat = append(flat, line.GetName(), line.GetValue(), line.GetRedactedBy())
	}
	return flat
}

func unflatten(flat []string) []*capturev1.Header {
	var lines []*capturev1.Header
	for ; len(flat) >= 3; flat = flat[3:] {
		lines = append(lines, &capturev1.Header{Name: flat[0], Value: flat[1], RedactedBy: flat[2]})
	}
	return lines
}
