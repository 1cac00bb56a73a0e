package coding

import (
	"strconv"
	"strings"
)

// Negotiate chooses the offer that an Accept-Encoding field prefers (RFC 9110
// section 12.5.3); among equals the first offered. It returns "" when the
// content is better sent as it is: no offer is accepted, or identity is
// preferred.
func Negotiate(accept string, offers []string) string {
	if strings.TrimSpace(accept) == "" {
		return ""
	}
	best, bestQ := "", 0.0
	for _, offer := range offers {
		if q, _ := quality(accept, offer); q > bestQ {
			best, bestQ = offer, q
		}
	}
	if identity, named := quality(accept, Identity); named && identity > bestQ {
		return ""
	}
	return best
}

// quality is the weight of a coding, and whether it is named rather than meant
// by "*".
func quality(accept, coding string) (q float64, named bool) {
	star := 0.0
	for item := range strings.SplitSeq(accept, ",") {
		name, parameters, _ := strings.Cut(item, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "x-gzip" {
			name = Gzip
		}
		switch name {
		case coding:
			return weight(parameters), true
		case "*":
			star = weight(parameters)
		}
	}
	return star, false
}

// weight reads ";q=0.5"; what cannot be read counts as 0, not wanted.
func weight(parameters string) float64 {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, found := strings.Cut(strings.TrimSpace(p), "=")
		if !found || !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}
