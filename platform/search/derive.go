package search

import (
	"strconv"
	"strings"
)

// The derived fields, each once for ClickHouse and once for memory.

const (
	severitySQL = "multiIf(ifNull(status, 599) >= 500, 'error', status >= 400, 'warn', 'info')"
	outcomeSQL  = "if(ifNull(status, 599) >= 500 OR basic_auth_decision NOT IN ('', 'allow'), 'failure', 'success')"
	// Codes below 100 and above 599 are no status that the proxy sends.
	statusClassSQL = "ifNull(concat(toString(intDiv(status, 100)), 'xx'), 'none')"
	serverNameSQL  = "lower(if(tls_sni = '', host, tls_sni))"
)

// noAnswer counts a request that got no response among the 5xx.
const noAnswer = 599

func statusOf(r Record) int64 {
	if n, ok := r.Number("status"); ok {
		return n
	}
	return noAnswer
}

func severity(r Record) string {
	switch s := statusOf(r); {
	case s >= 500:
		return "error"
	case s >= 400:
		return "warn"
	}
	return "info"
}

func statusClass(r Record) string {
	if n, ok := r.Number("status"); ok {
		return strconv.FormatInt(n/100, 10) + "xx"
	}
	return "none"
}

func outcome(r Record) string {
	login := first(r.Text("basic_auth_decision", ""))
	if statusOf(r) >= 500 || login != "" && login != "allow" {
		return "failure"
	}
	return "success"
}

func serverName(r Record) string {
	if sni := first(r.Text("tls_sni", "")); sni != "" {
		return lowerASCII(sni)
	}
	return lowerASCII(first(r.Text("host", "")))
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// httpVersion completes a version: 2 and HTTP/2 are HTTP/2.0.
func httpVersion(v string) string {
	number, _ := strings.CutPrefix(strings.ToUpper(v), "HTTP/")
	if number == "" || strings.Trim(number, "0123456789.") != "" {
		return v
	}
	if !strings.Contains(number, ".") {
		number += ".0"
	}
	return "HTTP/" + number
}

// lowerASCII is ClickHouse's lower(): it leaves all but A to Z alone.
func lowerASCII(s string) string { return mapASCII(s, 'A', 'Z') }

func upperASCII(s string) string { return mapASCII(s, 'a', 'z') }

// mapASCII changes the case of the letters from first to last.
func mapASCII(s string, first, last byte) string {
	out := []byte(s)
	for i, c := range out {
		if first <= c && c <= last {
			out[i] = c ^ 0x20
		}
	}
	return string(out)
}
