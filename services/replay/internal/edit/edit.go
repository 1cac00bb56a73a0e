// Package edit makes the request of a replay from a recorded exchange and the
// changes that were asked for. It is pure: what cannot be sent faithfully is
// refused with the reason, never guessed.
package edit

import (
	"net/url"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/message"
	"sluice.dev/platform/redact"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	replayv1 "sluice.dev/proto/gen/sluice/replay/v1"
)

// Reasons for which a recorded request cannot be sent again as it is.
const (
	ReasonBodyMissing   errs.Reason = "REPLAY_BODY_MISSING"
	ReasonQueryRedacted errs.Reason = "REPLAY_QUERY_REDACTED"
	ReasonBodyRedacted  errs.Reason = "REPLAY_BODY_REDACTED"
	ReasonUpgraded      errs.Reason = "REPLAY_UPGRADED"
)

// Request is what is sent.
type Request struct {
	Scheme, Host   string // Host with the port that the client named
	Method, Target string // Target in origin form
	Header         message.Header
	Body           []byte
	HasBody        bool     // false sends no Content-Length
	Omitted        []string // names of headers whose values redaction removed
}

// Apply changes e's request as c says.
func Apply(e *capturev1.Exchange, c *replayv1.ReplayExchangeRequest) (*Request, error) {
	recorded := e.GetRequest()
	if e.GetResponse().GetStatusCode() == 101 || c.GetMethod() == "CONNECT" || recorded.GetMethod() == "CONNECT" {
		return nil, errs.New(codes.FailedPrecondition, ReasonUpgraded, "a connection that changes its protocol (WebSocket, CONNECT) cannot be replayed")
	}
	r := &Request{Scheme: recorded.GetScheme(), Host: recorded.GetHost(), Method: recorded.GetMethod()}
	if c.Method != nil {
		r.Method = c.GetMethod()
	}
	if err := r.setTarget(recorded, c); err != nil {
		return nil, err
	}
	if err := r.setHeader(recorded, c); err != nil {
		return nil, err
	}
	return r, r.setBody(e, c)
}

func (r *Request) setTarget(recorded *capturev1.Request, c *replayv1.ReplayExchangeRequest) error {
	if c.Path != nil {
		if _, err := url.ParseRequestURI(c.GetPath()); err != nil || !strings.HasPrefix(c.GetPath(), "/") || strings.ContainsFunc(c.GetPath(), notInTarget) {
			return errs.InvalidField("path", "%q is no path; it begins with /, may have a query, and has spaces and the like percent-encoded", c.GetPath())
		}
		r.Target = c.GetPath()
		return nil
	}
	r.Target = originForm(recorded)
	if redact.Marked(r.Target) {
		return errs.New(codes.FailedPrecondition, ReasonQueryRedacted,
			"the path or query held a secret that was redacted when it was recorded: give path with the whole query").
			With(errs.Violation{Field: "path", Message: "needed: the recorded path or query is redacted", Hint: r.Target})
	}
	return nil
}

// notInTarget reports what no request target may have: it would end the request
// line, or never be sent.
func notInTarget(r rune) bool { return r <= ' ' || r == 0x7f || r == '#' }

// originForm is path and query of the URL as the client wrote it.
func originForm(recorded *capturev1.Request) string {
	rest := recorded.GetUrl()
	if i := strings.Index(rest, "://"); i >= 0 {
		rest = rest[i+3:]
		if j := strings.IndexAny(rest, "/?"); j >= 0 {
			rest = rest[j:]
		} else {
			rest = ""
		}
	}
	if !strings.HasPrefix(rest, "/") {
		rest = "/" + rest
	}
	return rest
}

// setBody takes the new body, or the recorded one if all of it is there.
func (r *Request) setBody(e *capturev1.Exchange, c *replayv1.ReplayExchangeRequest) error {
	if c.Body != nil {
		r.Body, r.HasBody = c.GetBody(), true
		return nil
	}
	body := e.GetRequest().GetBody()
	missing := func(why string) error {
		return errs.New(codes.FailedPrecondition, ReasonBodyMissing, "the request's body cannot be sent again: %s; give body", why).
			With(errs.Violation{Field: "body", Message: "needed: " + why})
	}
	switch {
	case body.GetSize() == 0 && announcesBody(e.GetRequest()):
		return missing("the gateway answered before it read it")
	case body.GetSize() == 0:
		r.HasBody = false
	case !e.GetFullCapture():
		return missing("it was not recorded, since full capture was off")
	case len(redactions(e)) > 0:
		return errs.New(codes.FailedPrecondition, ReasonBodyRedacted,
			"the request's body held values that were redacted when it was recorded: give body with them").With(redactions(e)...)
	case body.GetTruncated() || uint64(len(body.GetContent())) < body.GetSize():
		return missing("only its first " + strconv.Itoa(len(body.GetContent())) + " of " + strconv.FormatUint(body.GetSize(), 10) + " bytes were recorded")
	default:
		r.Body, r.HasBody = body.GetContent(), true
	}
	return nil
}

// redactions are the values that the recorded request's body lacks.
func redactions(e *capturev1.Exchange) (lacking []errs.Violation) {
	for _, r := range e.GetRedactions() {
		if r.GetPart() == capturev1.Redaction_PART_REQUEST_BODY {
			lacking = append(lacking, errs.Violation{Field: "body", Message: "needed: " + r.GetPath() + " is redacted by the rule " + r.GetRule()})
		}
	}
	return lacking
}

// announcesBody reports whether the head said that a body follows.
func announcesBody(recorded *capturev1.Request) bool {
	for _, h := range recorded.GetHeaders() {
		if strings.EqualFold(h.GetName(), "content-length") && h.GetValue() != "0" {
			return true
		}
	}
	return false
}
