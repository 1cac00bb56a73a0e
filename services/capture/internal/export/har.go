package export

import (
	"bufio"
	"encoding/json"
	"io"
	"time"

	"sluice.dev/platform/errs"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// har writes an HTTP Archive 1.2. Its entries have further fields, whose names
// begin with an underscore as the format wants it.
type har struct {
	out    *bufio.Writer
	bodies bool
	begun  bool
}

const (
	harHead = `{"log":{"version":"1.2","creator":{"name":"Sluice","version":"1"},"entries":[`
	harTail = "\n]}}\n"
)

func newHAR(out io.Writer, bodies bool) (writer, error) {
	h := &har{out: bufio.NewWriterSize(out, chunkSize), bodies: bodies}
	_, err := h.out.WriteString(harHead)
	return h, err
}

func (h *har) write(e *capturev1.Exchange) error {
	raw, err := json.Marshal(entryOf(e, h.bodies))
	if err != nil {
		return errs.Internal(err)
	}
	separator := ",\n"
	if !h.begun {
		separator = "\n"
	}
	h.begun = true
	if _, err := h.out.WriteString(separator); err != nil {
		return err
	}
	_, err = h.out.Write(raw)
	return err
}

func (h *har) close() error {
	if _, err := h.out.WriteString(harTail); err != nil {
		return err
	}
	return h.out.Flush()
}

type harEntry struct {
	StartedDateTime string      `json:"startedDateTime"`
	Time            float64     `json:"time"` // milliseconds
	Request         harRequest  `json:"request"`
	Response        harResponse `json:"response"`
	Cache           struct{}    `json:"cache"`
	Timings         harTimings  `json:"timings"`
	ServerIPAddress string      `json:"serverIPAddress,omitempty"`
	ID              string      `json:"_id"`
	Endpoint        string      `json:"_endpoint,omitempty"`
	ClientIP        string      `json:"_clientIPAddress,omitempty"`
	Error           string      `json:"_error,omitempty"`
}

// harTimings are milliseconds; -1 means that it does not apply.
type harTimings struct {
	Blocked float64 `json:"blocked"`
	DNS     float64 `json:"dns"`
	Connect float64 `json:"connect"` // TLS included
	SSL     float64 `json:"ssl"`
	Send    float64 `json:"send"`
	Wait    float64 `json:"wait"`
	Receive float64 `json:"receive"`
}

func entryOf(e *capturev1.Exchange, bodies bool) harEntry {
	entry := harEntry{
		StartedDateTime: e.GetStartTime().AsTime().Format(time.RFC3339Nano),
		Time:            inMillis(e.GetTimings().GetDuration().AsDuration()),
		Request:         requestOf(e.GetRequest(), bodies),
		Response:        responseOf(e, bodies),
		Timings:         timingsOf(e.GetTimings()),
		ServerIPAddress: e.GetConnection().GetServerIp(),
		ID:              e.GetId(), Endpoint: e.GetEndpointName(), ClientIP: e.GetConnection().GetClientIp(),
	}
	if e.GetError() != nil {
		entry.Error = e.GetError().GetCode() + " " + e.GetError().GetMessage()
	}
	return entry
}

// timingsOf divides the whole time as a client would see it: what is not connecting
// or receiving is waiting.
func timingsOf(t *capturev1.Timings) harTimings {
	total, wait := t.GetDuration().AsDuration(), t.GetDuration().AsDuration()
	if t.GetFirstByte() != nil {
		wait = min(t.GetFirstByte().AsDuration(), total)
	}
	out := harTimings{Blocked: -1, DNS: -1, Connect: -1, SSL: -1, Receive: inMillis(total - wait)}
	if t.GetConnect() != nil {
		connect := min(t.GetConnect().AsDuration()+t.GetTlsHandshake().AsDuration(), wait)
		out.Connect, wait = inMillis(connect), wait-connect
	}
	if t.GetTlsHandshake() != nil {
		out.SSL = inMillis(t.GetTlsHandshake().AsDuration())
	}
	out.Wait = inMillis(wait)
	return out
}

func inMillis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
