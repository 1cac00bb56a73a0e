package search

import (
	"cmp"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// Attributes that the table of fields does not know are those of the log action:
// @tenant.id is the member id of the member tenant of any entry that the policy
// logged for the exchange. Texts, numbers and booleans can be searched; objects and
// lists cannot. A comparison with a number compares numbers, else texts.

const logColumn = "policy_logs"

// attribute reports whether the name may be one of a log entry; names without "@"
// are tags.
func (r ref) attribute() bool { return r.field == nil && len(r.member) > 1 && r.member[0] == '@' }

// keys is the way into the entry. Exports put entries below traffic_policy.logs and
// there below metadata, so these may stand in front.
func (r ref) keys() []string {
	name := strings.TrimPrefix(strings.TrimPrefix(r.member, "@"), "object.")
	if rest, ok := strings.CutPrefix(name, "traffic_policy.logs."); ok {
		name = strings.TrimPrefix(rest, "metadata.")
	}
	return strings.Split(name, ".")
}

// attributeSQL is the array of the attribute's values.
func (c *compiler) attributeSQL(r ref) string {
	way := "l"
	for _, key := range r.keys() {
		way += ", " + c.text(key)
	}
	return "arrayMap(l -> if(JSONType(" + way + ") = 'String', JSONExtractString(" + way + "), JSONExtractRaw(" + way + ")), " +
		"arrayFilter(l -> JSONType(" + way + ") IN ('String', 'Int64', 'UInt64', 'Double', 'Bool'), " + logColumn + "))"
}

func attributeValues(logs []string, keys []string) (values []string) {
	for _, entry := range logs {
		raw := json.RawMessage(entry)
		for _, key := range keys {
			var object map[string]json.RawMessage
			if json.Unmarshal(raw, &object) != nil {
				object = nil
			}
			raw = object[key]
		}
		if text, ok := scalarText(raw); ok {
			values = append(values, text)
		}
	}
	return values
}

func scalarText(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || strings.IndexByte(`{[n`, raw[0]) >= 0 {
		return "", false
	}
	if raw[0] != '"' {
		return string(raw), true
	}
	var text string
	return text, json.Unmarshal(raw, &text) == nil
}

const numberPattern = `^-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?$`

var numberRegexp = regexp.MustCompile(numberPattern)

// asNumber reads a text that is a number of JSON.
func asNumber(text string) (float64, bool) {
	if !numberRegexp.MatchString(text) {
		return 0, false
	}
	n, _ := strconv.ParseFloat(text, 64) // out of range: infinite, as in ClickHouse
	return n, true
}

// attributeInterval compiles an interval for one value, v.
func (c *compiler) attributeInterval(t interval) string {
	var parts []string
	t.each(func(operator string, bound value) {
		if n, ok := asNumber(bound.text); ok {
			parts = append(parts, "match(v, '"+numberPattern+"') AND toFloat64OrZero(v) "+operator+" "+c.bind("Float64", strconv.FormatFloat(n, 'g', -1, 64)))
			return
		}
		parts = append(parts, "v "+operator+" "+c.text(bound.text))
	})
	return strings.Join(parts, " AND ")
}

// inInterval is attributeInterval in memory.
func inInterval(t interval, text string) bool {
	holds := func(b bound, sign int) bool {
		if !b.set {
			return true
		}
		order := strings.Compare(text, b.value.text)
		if limit, ok := asNumber(b.value.text); ok {
			n, isNumber := asNumber(text)
			if !isNumber {
				return false
			}
			order = cmp.Compare(n, limit)
		}
		return order*sign > 0 || order == 0 && b.inclusive
	}
	return holds(t.low, 1) && holds(t.high, -1)
}
