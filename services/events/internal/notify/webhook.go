package notify

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
)

// defaultPayload is sent when a channel has none of its own: the one that
// Datadog's webhooks send, so that receivers made for those work.
const defaultPayload = `{"body":"$EVENT_MSG","last_updated":"$LAST_UPDATED","event_type":"$EVENT_TYPE","title":"$EVENT_TITLE","date":"$DATE","org":{"id":"$ORG_ID","name":"$ORG_NAME"},"id":"$ID"}`

func webhookRequest(t *eventsv1.WebhookChannel, n Notice) (*http.Request, error) {
	values := webhookValues(n)
	payload := defaultPayload
	if t.Payload != nil {
		payload = t.GetPayload()
	}
	body, isJSON := fill(payload, values)
	req, err := http.NewRequest(http.MethodPost, expand(t.GetUrl(), values, url.QueryEscape), strings.NewReader(body))
	if err != nil {
		return nil, errors.New("the channel's URL cannot be called")
	}
	switch {
	case isJSON:
		req.Header.Set("Content-Type", "application/json")
	case body != "":
		req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	for name, value := range t.GetHeaders() {
		req.Header.Set(name, line(expand(value, values, func(s string) string { return s })))
	}
	return req, nil
}

// webhookValues are Datadog's variables as far as they mean something here, and
// our own. Those without a meaning are empty.
func webhookValues(n Notice) map[string]string {
	at, kind, transition := n.Time.UnixMilli(), "success", "Recovered"
	if n.Kind == Alert {
		kind, transition = "error", "Triggered"
	}
	if n.Kind == Test {
		kind, transition = "info", "Test"
	}
	milli := strconv.FormatInt(at, 10)
	return map[string]string{
		"AGGREG_KEY": n.MonitorID, "ALERT_CYCLE_KEY": n.CycleKey, "ALERT_ID": n.MonitorID, "ALERT_METRIC": "", "ALERT_PRIORITY": "",
		"ALERT_QUERY": n.Query, "ALERT_SCOPE": "", "ALERT_STATUS": Number(n.Value) + " " + n.Comparator + " " + Number(n.Threshold),
		"ALERT_TITLE": n.MonitorName, "ALERT_TRANSITION": transition, "ALERT_TYPE": kind,
		"DATE": milli, "DATE_POSIX": strconv.FormatInt(at/1000, 10), "EMAIL": "", "EVENT_MSG": n.Text, "EVENT_TITLE": n.Title,
		"EVENT_TYPE": "log_alert", "HOSTNAME": "", "ID": n.ID, "LAST_UPDATED": milli, "LINK": n.Link, "LOGS_SAMPLE": "",
		"ORG_ID": "1", "ORG_NAME": "Sluice", "PRIORITY": "normal", "SNAPSHOT": "", "TAGS": "", "TEXT_ONLY_MSG": n.Text, "USER": "", "USERNAME": "",
		"MONITOR_ID": n.MonitorID, "VALUE": Number(n.Value), "THRESHOLD": Number(n.Threshold), "STATE": n.State, "GROUP_JSON": "{}",
	}
}

var variableName = regexp.MustCompile(`\$[A-Z][A-Z_]*(\[[^\]]*\])?`)

// expand replaces $VARIABLES; names that are none stay as written.
func expand(s string, values map[string]string, escape func(string) string) string {
	return variableName.ReplaceAllStringFunc(s, func(match string) string {
		name, _, member := strings.Cut(match[1:], "[")
		v, ok := values[name]
		switch {
		case !ok:
			return match
		case !member:
			return escape(v)
		case name == "TAGS":
			return "" // monitors have no tags
		}
		return escape(v) + match[1+len(name):]
	})
}

// fill replaces the variables of a payload. In a JSON payload a value inside a
// text is escaped, so that a message with quotes does not break it.
func fill(payload string, values map[string]string) (body string, isJSON bool) {
	trimmed := strings.TrimSpace(payload)
	if trimmed == "" || trimmed[0] != '{' && trimmed[0] != '[' {
		return expand(payload, values, func(s string) string { return s }), false
	}
	var b strings.Builder
	inside := false
	start := 0
	for i := 0; i < len(payload); i++ {
		switch {
		case inside && payload[i] == '\\':
			i++
		case payload[i] == '"':
			b.WriteString(expand(payload[start:i], values, escaper(inside)))
			start, inside = i, !inside
		}
	}
	b.WriteString(expand(payload[start:], values, escaper(inside)))
	return b.String(), true
}

func escaper(inside bool) func(string) string {
	if !inside {
		return func(s string) string { return s }
	}
	return func(s string) string {
		quoted, _ := json.Marshal(s) // a string is always encodable
		return string(quoted[1 : len(quoted)-1])
	}
}
