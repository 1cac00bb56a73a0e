package sender

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sluice.dev/platform/errs"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/egress"
	"sluice.dev/services/events/internal/event"
)

// Limits of the Datadog Logs API v2, kept with some distance: 5 MB before
// compression and 1,000 entries per request; a log over 1 MB would be cut.
var datadogLimits = Limits{Records: 1000, Bytes: 4_250_000, Record: 1_000_000, Linger: 200 * time.Millisecond}

const datadogTimeout = 20 * time.Second

// Codes of wrong Datadog settings.
const (
	codeDatadogNoKey   = "SLUICE_5133"
	codeDatadogBadSite = "SLUICE_5134"
)

// Datadog sends to the Datadog Logs API v2.
type Datadog struct {
	client  *egress.Client
	url     string
	key     string
	tags    string
	service string
}

// NewDatadog returns a sender for a checked target.
func NewDatadog(target *eventsv1.DatadogTarget, client *egress.Client) *Datadog {
	address := target.GetUrl()
	if address == "" {
		address = "https://http-intake.logs." + target.GetDdsite() + "/api/v2/logs"
	}
	return &Datadog{client: client, url: address, key: target.GetApiKey(), tags: target.GetDdtags(), service: target.GetService()}
}

// CheckDatadog brings a target to the form that is stored, or says what is wrong.
func CheckDatadog(target *eventsv1.DatadogTarget) error {
	if target.GetApiKey() == "" {
		return errs.Invalid("datadog.api_key: Datadog needs an API key").With(errs.Violation{
			Field: "datadog.api_key", Message: "Datadog needs an API key", Hint: "create one under Organization Settings > API Keys", Code: codeDatadogNoKey})
	}
	if target.GetUrl() != "" {
		return CheckURL("datadog.url", target.GetUrl())
	}
	site, err := datadogSite(target.GetDdsite())
	if err != nil {
		return err
	}
	target.Ddsite = site
	return nil
}

// datadogSite takes what people paste: the site, or the address of the app.
func datadogSite(given string) (string, error) {
	site := strings.ToLower(strings.TrimSpace(given))
	site = strings.TrimPrefix(strings.TrimPrefix(site, "https://"), "http://")
	site, _, _ = strings.Cut(site, "/")
	site = strings.TrimPrefix(site, "app.")
	for _, domain := range []string{"datadoghq.com", "datadoghq.eu", "ddog-gov.com"} {
		if label, ok := strings.CutSuffix(site, domain); ok && (label == "" || strings.HasSuffix(label, ".") && strings.Count(label, ".") == 1) {
			return site, nil
		}
	}
	message := fmt.Sprintf("%q is no Datadog site", given)
	return "", errs.Invalid("datadog.ddsite: %s", message).With(errs.Violation{
		Field: "datadog.ddsite", Message: message, Hint: "such as datadoghq.com, us5.datadoghq.com or datadoghq.eu; or set url", Code: codeDatadogBadSite})
}

// Limits bound a batch.
func (d *Datadog) Limits() Limits { return datadogLimits }

// datadogEntry is the event's envelope, which Datadog's pipeline for the source
// "ngrok" understands, and beside it what works without that pipeline.
type datadogEntry struct {
	Source  string `json:"ddsource"`
	Tags    string `json:"ddtags,omitempty"`
	Host    string `json:"hostname,omitempty"`
	Service string `json:"service,omitempty"`
	Status  string `json:"status"`
	Message string `json:"message"`
	standardAttributes

	ID        string         `json:"event_id"`
	Type      string         `json:"event_type"`
	Timestamp string         `json:"event_timestamp"`
	Account   string         `json:"account_id,omitempty"`
	Principal any            `json:"principal"`
	Object    map[string]any `json:"object"`
}

// Encode returns the entry of the request's array.
func (d *Datadog) Encode(e event.Event) (Record, error) {
	entry := datadogEntry{
		Source: "ngrok", Tags: d.tagsOf(e), Service: d.service, Status: "info", Message: messageOf(e),
		ID: e.ID, Type: e.Type, Timestamp: e.Timestamp(), Account: e.Account, Object: e.Object,
	}
	if entry.Service == "" {
		entry.Service = e.Endpoint.Name
	}
	entry.Host, _ = lookup[string](e, "conn.server_name")
	entry.standardAttributes = attributesOf(e)
	if code, ok := lookup[uint32](e, "http.response.status_code"); ok {
		entry.Status = severity(code)
	}
	body, err := json.Marshal(entry)
	if err != nil {
		return Record{}, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	return Record{Event: e, Body: body}, nil
}

// lookup returns the value at a path of the object when it has that type.
func lookup[T any](e event.Event, path string) (T, bool) {
	v, _ := e.Lookup(path)
	t, ok := v.(T)
	return t, ok
}

func severity(status uint32) string {
	switch {
	case status >= 500:
		return "error"
	case status >= 400:
		return "warn"
	}
	return "info"
}

// messageOf is a line for people, made of what the subscription selected.
func messageOf(e event.Event) string {
	var words []string
	for _, path := range []string{"http.request.method", "http.request.url.raw", "http.response.status_code", "error.message"} {
		if v, ok := e.Lookup(path); ok {
			words = append(words, fmt.Sprint(v))
		}
	}
	if len(words) == 0 {
		return e.Type
	}
	return strings.Join(words, " ")
}

func (d *Datadog) tagsOf(e event.Event) string {
	if e.Endpoint.Name == "" {
		return d.tags
	}
	tag := "endpoint:" + strings.ReplaceAll(e.Endpoint.Name, ",", "_")
	if d.tags == "" {
		return tag
	}
	return strings.TrimSuffix(d.tags, ",") + "," + tag
}

// Send posts the records as one gzipped array: all or none are accepted.
func (d *Datadog) Send(ctx context.Context, records []Record) Outcome {
	req, err := http.NewRequest(http.MethodPost, d.url, bytes.NewReader(zip(array(records))))
	if err != nil {
		return all(len(records), Verdict{Kind: Misconfigured, Reason: "the URL cannot be called"}, egress.Answer{Err: err})
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Content-Encoding", "gzip")
	req.Header.Set("DD-API-KEY", d.key)
	answer := d.client.Do(ctx, req, datadogTimeout)
	return all(len(records), classify(answer, len(records)), answer)
}

// array is the records as a JSON array.
func array(records []Record) []byte {
	size := 2
	for _, r := range records {
		size += len(r.Body) + 1
	}
	out := append(make([]byte, 0, size), '[')
	for i, r := range records {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, r.Body...)
	}
	return append(out, ']')
}

func zip(raw []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed) // a constant level is never refused
	_, _ = w.Write(raw)                               // a bytes.Buffer never fails
	_ = w.Close()
	return out.Bytes()
}

// CheckURL refuses what is no absolute http or https URL.
func CheckURL(field, raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return errs.InvalidField(field, "this is no URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return errs.InvalidField(field, "the URL must begin with http:// or https://")
	case u.Hostname() == "":
		return errs.InvalidField(field, "the URL has no host")
	case u.Fragment != "":
		return errs.InvalidField(field, "a fragment (#) is never sent; leave it out")
	}
	return nil
}
