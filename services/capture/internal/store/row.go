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
	keptBy                                string
	endpointID, endpointName, endpointURL string
	route                                 string

	clientIP, serverIP                         netip.Addr
	clientPort, serverPort                     uint16
	connTS                                     time.Time
	bytesIn, bytesOut                          uint64
	country, countryName, continent            string
	subdivision, city, asOrganization          string
	asn                                        uint32
	tlsVersion, tlsCipher, tlsSNI, tlsProtocol string
	tlsResumed                                 bool
	ja4, clientSubject, clientSerial           string

	scheme, method, methodRaw, host, authority string
	path, query, url, httpVersion, userAgent   string
	req, res                                   sideRow
	status                                     *uint16
	messageCount                               uint32
	omittedMessages                            uint64

	durationNS, policyNS            uint64
	upstreamDurationNS, firstByteNS *uint64
	connectNS, tlsHandshakeNS       *uint64
	upstreamFirstByteNS             *uint64
	requestReceivedNS               *uint64
	upstreamStartNS                 *uint64
	upstreamAddress, upstreamHTTP   string
	upstreamReused                  bool
	upstreamFailures                uint16
	errorCode, errorMessage         string
	policyRevision                  uint64
	policyRule, policyAction        string
	policyLogs                      []string
	decisions                       map[string]string
	redactedBy                      []string // names of rules, each once
	rateLimitDecision, rateLimitKey string
	basicAuthDecision, userName     string
	replayOf, traceID               string
	policyTrace                     []byte // a marshalled capturev1.PolicyTrace
	extra                           []byte // a marshalled capturev1.Exchange of what has no column
}

// sideRow is what request and response have alike.
type sideRow struct {
	headers               headerMap
	headerNames, redacted []string
	trailers              []string
	body                  []byte // of it the first inlineBody bytes
	bodySize              uint64
	decodedSize           uint64
	storedSize            uint64
	truncated             bool
}
