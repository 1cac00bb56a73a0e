package policytest

import (
	"encoding/json"
	"fmt"
	"strings"

	"sluice.dev/platform/message"
)

// compare lists the differences, in words.
func (e Expect) compare(x *Exchange) []string {
	var d differences
	if e.Closed != x.Closed() {
		d.add("closed", e.Closed, x.Closed())
	}
	if e.ErrorCode != "" || e.Status >= 500 {
		d.text("error_code", e.ErrorCode, string(x.Code()))
	}
	if e.Refused && x.Forwarded != nil {
		d.add("refused", true, false)
	}
	e.compareResponse(&d, x.Response)
	e.compareOutcome(&d, x)
	if e.Forwarded != nil {
		if e.Forwarded.To != "" {
			d.text("forwarded to", e.Forwarded.To, x.Facts.Forward)
		}
		e.Forwarded.compare(&d, x.Forwarded)
	}
	results := x.Trace.Results()
	for name, want := range e.Results {
		got, ok := results[name]
		if !ok {
			got = "(absent)"
		}
		d.value("result "+name, want, got)
	}
	if e.Logs != nil {
		d.value("logs", e.Logs, x.Facts.Logs)
	}
	return d
}

func (e Expect) compareResponse(d *differences, r *message.Response) {
	if r == nil {
		if e.Status != 0 {
			d.add("status", e.Status, "no response")
		}
		return
	}
	if e.Status != 0 && e.Status != r.Status {
		d.add("status", e.Status, r.Status)
	}
	d.headers("header ", e.Headers, r.Header)
	if e.Body != nil {
		d.text("body", *e.Body, bodyOf(r.Body, r.Header.Get("content-encoding")))
	}
}

func (e Expect) compareOutcome(d *differences, x *Exchange) {
	rule, action := "", ""
	if x.Outcome != nil {
		rule, action = x.Outcome.Rule, x.Outcome.Action
	}
	if e.Rule != "" {
		d.text("rule", e.Rule, rule)
	}
	if e.Action != "" {
		d.text("action", e.Action, action)
	}
}

func (f *Forwarded) compare(d *differences, r *message.Request) {
	if r == nil {
		d.add("forwarded", "the request", "nothing")
		return
	}
	if f.Target != "" {
		d.text("forwarded target", f.Target, r.Target)
	}
	if f.Host != "" {
		d.text("forwarded host", f.Host, r.Host)
	}
	d.headers("forwarded header ", f.Headers, r.Header)
	if f.Body != nil {
		d.text("forwarded body", *f.Body, bodyOf(r.Body, r.Header.Get("content-encoding")))
	}
}

type differences []string

func (d *differences) add(what string, want, got any) {
	*d = append(*d, fmt.Sprintf("%s: want %v, got %v", what, want, got))
}

func (d *differences) text(what, want, got string) {
	if want != got {
		*d = append(*d, fmt.Sprintf("%s: want %q, got %q", what, want, got))
	}
}

// headers joins repeated fields with ", "; "-" wants the field to be absent.
func (d *differences) headers(what string, want map[string]string, got message.Header) {
	for _, name := range sorted(want) {
		value := "-"
		if got.Has(name) {
			value = strings.Join(got.Values(name), ", ")
		}
		d.text(what+name, want[name], value)
	}
}

// value compares as JSON, so that 1 and 1.0 and the kinds of maps do not matter.
func (d *differences) value(what string, want, got any) {
	w, err1 := json.Marshal(want)
	g, err2 := json.Marshal(got)
	if err1 != nil || err2 != nil || string(w) != string(g) {
		*d = append(*d, fmt.Sprintf("%s: want %s, got %s", what, w, g))
	}
}
