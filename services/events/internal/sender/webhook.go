package sender

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sluice.dev/platform/errs"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/egress"
	"sluice.dev/services/events/internal/event"
)

const (
	webhookTimeout = 20 * time.Second
	typePrefix     = "dev.sluice." // CloudEvents types are named by reversed domains
)

// Webhook sends CloudEvents 1.0 over HTTP, signed by the Standard Webhooks
// specification when there is a secret.
type Webhook struct {
	client  *egress.Client
	url     string
	headers map[string]string
	batch   int // 1: binary mode, one event per request
	signer  *signer
	now     func() time.Time
}

// NewWebhook returns a sender for a checked target.
func NewWebhook(target *eventsv1.WebhookTarget, client *egress.Client) (*Webhook, error) {
	w := &Webhook{client: client, url: target.GetUrl(), headers: target.GetHeaders(), batch: max(1, int(target.GetMaxBatch())), now: time.Now}
	if target.GetSecret() != "" {
		key, err := parseSecret(target.GetSecret())
		if err != nil {
			return nil, err
		}
		w.signer = &signer{key}
	}
	return w, nil
}

// CheckWebhook says what is wrong with a target.
func CheckWebhook(target *eventsv1.WebhookTarget) error {
	if err := CheckURL("webhook.url", target.GetUrl()); err != nil {
		return err
	}
	if target.GetSecret() != "" {
		if _, err := parseSecret(target.GetSecret()); err != nil {
			return errs.InvalidField("webhook.secret", "%s", err)
		}
	}
	return CheckHeaders("webhook.headers", target.GetHeaders())
}

// CheckHeaders refuses names that are not the user's to set, and values that no
// header can have.
func CheckHeaders(field string, headers map[string]string) error {
	for name, value := range headers {
		lower := strings.ToLower(name)
		switch {
		case name == "" || strings.Trim(lower, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") != "":
			return errs.InvalidField(field, "%q is no header name", name)
		case reserved[lower], strings.HasPrefix(lower, "webhook-"), strings.HasPrefix(lower, "ce-"):
			return errs.InvalidField(field, "%s is set by Sluice", name)
		case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
			return errs.InvalidField(field, "the value of %s has control characters", name)
		}
	}
	return nil
}

var reserved = map[string]bool{
	"host": true, "content-length": true, "content-encoding": true, "transfer-encoding": true, "connection": true,
	"upgrade": true, "te": true, "trailer": true, "keep-alive": true, "user-agent": true,
}

// Limits bound a batch. Single events do not wait for company.
func (w *Webhook) Limits() Limits {
	if w.batch == 1 {
		return Limits{Records: 100, Bytes: 8 << 20, Record: 1 << 20}
	}
	return Limits{Records: w.batch, Bytes: 1 << 20, Record: 1 << 20, Linger: 200 * time.Millisecond}
}

// cloudEvent is an event in structured mode.
type cloudEvent struct {
	SpecVersion string `json:"specversion"`
	ID          string `json:"id"`
	Source      string `json:"source"`
	Type        string `json:"type"`
	Time        string `json:"time"`
	ContentType string `json:"datacontenttype"`
	Data        any    `json:"data"`
}

// Encode returns the envelope or, for batches, the CloudEvent around it.
func (w *Webhook) Encode(e event.Event) (Record, error) {
	var body []byte
	var err error
	if w.batch == 1 {
		body, err = e.JSON()
	} else {
		body, err = json.Marshal(cloudEvent{"1.0", e.ID, sourceOf(e), typePrefix + e.Type, e.Timestamp(), "application/json", e.Envelope()})
	}
	if err != nil {
		return Record{}, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	return Record{Event: e, Body: body}, nil
}

// sourceOf is the URI reference of where the event comes from.
func sourceOf(e event.Event) string {
	source := "/accounts/" + e.Account
	if e.Endpoint.ID != "" {
		source += "/endpoints/" + e.Endpoint.ID
	}
	return source
}

// Send posts one request per record, in order, until one does not get through;
// or all records as one batch.
func (w *Webhook) Send(ctx context.Context, records []Record) Outcome {
	if w.batch > 1 {
		answer := w.post(ctx, batchID(records), array(records), func(h http.Header) {
			h.Set("Content-Type", "application/cloudevents-batch+json")
		})
		return all(len(records), classify(answer, len(records)), answer)
	}
	out := Outcome{Verdicts: make([]Verdict, len(records))}
	for i, r := range records {
		out.Answer = w.post(ctx, r.Event.ID, r.Body, func(h http.Header) { binaryMode(h, r.Event) })
		v := classify(out.Answer, 1)
		out.Verdicts[i] = v
		if v.Kind != Delivered && v.Kind != Reject && v.Kind != SplitBatch {
			for j := i + 1; j < len(records); j++ {
				out.Verdicts[j] = v // not tried: order is kept
			}
			break
		}
		if v.Kind == SplitBatch { // one event cannot be split
			out.Verdicts[i].Kind = Reject
		}
	}
	return out
}

func (w *Webhook) post(ctx context.Context, id string, body []byte, describe func(http.Header)) egress.Answer {
	req, err := http.NewRequest(http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return egress.Answer{Err: err}
	}
	for name, value := range w.headers {
		req.Header.Set(name, value)
	}
	describe(req.Header)
	if w.signer != nil {
		at := strconv.FormatInt(w.now().Unix(), 10)
		req.Header.Set("webhook-id", id)
		req.Header.Set("webhook-timestamp", at)
		req.Header.Set("webhook-signature", w.signer.sign(id, at, body))
	}
	return w.client.Do(ctx, req, webhookTimeout)
}

// binaryMode is the HTTP binding's mode in which the body is the data and
// headers tell about it.
func binaryMode(h http.Header, e event.Event) {
	h.Set("Content-Type", "application/json")
	h.Set("ce-specversion", "1.0")
	h.Set("ce-id", e.ID)
	h.Set("ce-source", headerValue(sourceOf(e)))
	h.Set("ce-type", typePrefix+e.Type)
	h.Set("ce-time", e.Timestamp())
}

// headerValue percent-encodes what the HTTP binding wants encoded: space, the
// double quote, the percent sign and all beyond printable ASCII.
func headerValue(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c <= ' ' || c == '"' || c == '%' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// batchID is the same for the same events in the same order.
func batchID(records []Record) string {
	h := sha256.New()
	for _, r := range records {
		h.Write([]byte(r.Event.ID + "\n"))
	}
	return "bat_" + hex.EncodeToString(h.Sum(nil)[:16])
}
