package store

import (
	"net/netip"
	"time"
)

// row is one row of the table in Go's types.
type row struct {
	id, writer, batchID, proxyID          string
	ts                                    time.Time
	seq                                   uint64
	fullCapture                           bool
	endpointID, endpointName, endpointURL string

	clientIP, serverIP                         netip.Addr
	clientPort, serverPort                     uint16
	connTS                                     time.Time
	bytesIn, bytesOut                          uint64
	tlsVersion, tlsCipher, tlsSNI, tlsProtocol string
	tlsResumed                                 bool

	scheme, method, methodRaw, host, authority string
	path, query, url, httpVersion, userAgent   string
	req, res                                   messageRow
	status                                     *uint16

	durationNS, policyNS            uint64
	upstreamDurationNS, firstByteNS *uint64
	upstreamAddress                 string
	upstreamReused                  bool
	errorCode, errorMessage         string
	policyRevision                  uint64
	policyRule, policyAction        string
	policyLogs                      []string
	rateLimitDecision, rateLimitKey string
	basicAuthDecision, userName     string
	replayOf, traceID               string
	policyTrace                     []byte // a marshalled capturev1.PolicyTrace
}

// messageRow is what request and response have alike.
type messageRow struct {
	headers               headerMap
	headerNames, redacted []string
	trailers              []string
	body                  []byte
	bodySize              uint64
	truncated             bool
}

// field is a column: its name, its values of many rows for an insert, and where a
// select puts its value of one row.
type field struct {
	name   string
	values func([]row) any
	target func(*row) any
	bulky  bool // left out of lists
	single bool // only in reads of one exchange
}

func col[T any](name string, at func(*row) *T) field {
	return field{
		name: name,
		values: func(rows []row) any {
			values := make([]T, len(rows))
			for i := range rows {
				values[i] = *at(&rows[i])
			}
			return values
		},
		target: func(r *row) any { return at(r) },
	}
}

// headerCol differs in that the driver fills and walks a *headerMap itself.
func headerCol(name string, at func(*row) *headerMap) field {
	return field{
		name: name,
		values: func(rows []row) any {
			values := make([]*headerMap, len(rows))
			for i := range rows {
				values[i] = at(&rows[i])
			}
			return values
		},
		target: func(r *row) any { return at(r) },
	}
}

func bodyCol(name string, at func(*row) *[]byte) field {
	f := col(name, at)
	f.bulky = true
	return f
}

func singleCol(name string, at func(*row) *[]byte) field {
	f := col(name, at)
	f.single = true
	return f
}
