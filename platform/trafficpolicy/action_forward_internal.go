package trafficpolicy

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy/expr"
)

func init() {
	register(ActionInfo{
		Type:        "forward-internal",
		Summary:     "Lets an internal endpoint answer, under its own policy. The response comes back through this policy's on_http_response.",
		Phases:      []Phase{OnTCPConnect, OnHTTPRequest},
		Terminating: Always,
		Fields: []Field{
			{Name: "url", Kind: Text, Template: true, Required: true, Min: 1, Description: "Where the endpoint is published: scheme, host under .internal and port.", Example: "https://users.internal"},
			{Name: "on_error", Kind: Enum, Default: "halt", Values: []string{"halt", "continue"}, Description: "continue goes on with the next action when the endpoint does not exist or does not answer."},
			{Name: "binding", Kind: Enum, Default: "internal", Values: []string{"internal"}, Description: "Only internal."},
		},
		Results: []ResultInfo{
			{"url", cel.StringType, "The endpoint that failed; only after a failure with on_error: continue."},
			{"error.code", cel.StringType, "Why it failed."},
			{"error.message", cel.StringType, "The same for people."},
		},
	}, newForwardInternal)
}

// MaxForwardHops is how many endpoints may forward a request to each other.
const MaxForwardHops = 10

// Forward names the internal endpoint that is to answer.
type Forward struct {
	URL    string // such as "https://users.internal:443"
	Scheme string
	Host   string // lower case
	Port   int
	Hops   int // forwards so far with this one: the Hops of the [Input] there
}

type forwardInternal struct {
	slot  int
	url   *expr.Template
	fixed *Forward // the target, when it is static
	halt  bool
}

func newForwardInternal(c *config) action {
	a := &forwardInternal{slot: c.spec.slot, url: c.text("url"), halt: c.word("on_error") == "halt"}
	text, static := a.url.Static()
	if !static || text == "" {
		return a
	}
	if strings.ContainsAny(text, "<>{}$") {
		c.compiler.warn(c.get("url").node, c.get("url").path, CodeURL, fmt.Sprintf("%q looks like a placeholder", text), "put the URL of an internal endpoint in")
		return a
	}
	target, err := parseInternal(text)
	if err != nil {
		c.fault("url", CodeURL, fmt.Sprintf("%q is not the URL of an internal endpoint: %v", text, err), "such as https://users.internal")
		return a
	}
	a.fixed = &target
	web := target.Scheme == "http" || target.Scheme == "https"
	switch {
	case !web && c.phase == OnHTTPRequest:
		c.fault("url", CodeProtocol, "a request cannot be forwarded to a "+target.Scheme+" endpoint", "use an http or https endpoint")
	case web != (c.compiler.protocol == HTTP || c.compiler.protocol == HTTPS):
		c.compiler.warn(c.get("url").node, c.get("url").path, CodeProtocol, fmt.Sprintf("a %s endpoint cannot forward to a %s endpoint", c.compiler.protocol, target.Scheme), "")
	}
	return a
}

// endsAlways: what comes after an action that may continue can be reached.
func (a *forwardInternal) endsAlways() bool { return a.halt }

var (
	errNotInternal = errors.New("the host must end in .internal")
	errInternalURL = errors.New("it must be a scheme, a host and perhaps a port")
	errNeedsPort   = errors.New("it needs a port")
)

// parseInternal reads scheme://host[:port] and nothing else, so that a value from
// a request cannot lead anywhere but to an internal endpoint.
func parseInternal(text string) (Forward, error) {
	scheme, authority, found := strings.Cut(strings.ToLower(strings.TrimSpace(text)), "://")
	port, known := map[string]int{"http": 80, "https": 443, "tls": 443, "tcp": 0}[scheme]
	if !found || !known {
		return Forward{}, errInternalURL
	}
	host, digits, hasPort := strings.Cut(strings.TrimSuffix(authority, "/"), ":")
	if hasPort {
		n, err := strconv.ParseUint(digits, 10, 16)
		if err != nil || n == 0 {
			return Forward{}, errInternalURL
		}
		port = int(n)
	}
	switch {
	case port == 0:
		return Forward{}, errNeedsPort
	case !hostName(host):
		return Forward{}, errInternalURL
	case !strings.HasSuffix(host, ".internal"):
		return Forward{}, errNotInternal
	}
	return Forward{URL: scheme + "://" + host + ":" + strconv.Itoa(port), Scheme: scheme, Host: host, Port: port}, nil
}

// hostName reports whether s is labels of letters, digits, - and _.
func hostName(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

var errForwardHops = fmt.Errorf("forward-internal: more than %d endpoints forward to each other", MaxForwardHops)

func (a *forwardInternal) run(_ context.Context, r *Run) (*Outcome, error) {
	target := a.fixed
	if target == nil {
		text, err := a.url.Render(&r.vars)
		if err != nil {
			return nil, &failure{CodeTemplateFailed, err}
		}
		parsed, err := parseInternal(text)
		if err != nil {
			return a.failed(r, text, &failure{CodeURL, fmt.Errorf("forward-internal: %q is not the URL of an internal endpoint: %w", r.vars.Hide(text), err)})
		}
		target = &parsed
	}
	if r.forwards >= MaxForwardHops {
		return a.failed(r, target.URL, &failure{CodeForwardHops, errForwardHops})
	}
	to := *target
	to.Hops = r.forwards + 1
	r.facts.Forward = to.URL
	r.forwarding = a
	return &Outcome{Forward: &to}, nil
}

// failed is a failure before anything was forwarded.
func (a *forwardInternal) failed(r *Run, url string, f *failure) (*Outcome, error) {
	if a.halt {
		return nil, f
	}
	r.vars.Publish(a.slot, types.String(url), types.String(f.code), types.String(r.vars.Hide(f.cause.Error())))
	return nil, nil //nolint:nilnil // the phase goes on
}

// ForwardFailure is why an internal endpoint did not answer.
type ForwardFailure struct {
	Code    Code
	Status  int    // to answer with
	Message string // for people; becomes a result variable
}

// ForwardFailed tells that the endpoint of the last outcome's Forward could not
// answer. The phase goes on after the action, as [Run.OnRequest] would, when the
// action says so; otherwise the outcome is a refusal.
func (r *Run) ForwardFailed(ctx context.Context, f ForwardFailure) (*Outcome, error) {
	at, ph := r.stoppedAt, r.current
	rule, url := r.policy.rules[ph.number()][at.rule], r.facts.Forward
	r.facts.Forward = ""
	if r.forwarding.halt {
		out := &Outcome{Close: true, ErrorCode: f.Code}
		if ph == OnHTTPRequest {
			out = &Outcome{Response: message.NewResponse(f.Status, nil, ""), ErrorCode: f.Code}
		}
		r.sentOn = false
		return r.finish(out, rule, &rule.actions[at.action]), nil
	}
	r.vars.Publish(r.forwarding.slot, types.String(url), types.String(f.Code), types.String(f.Message))
	r.records[len(r.records)-1].decided = false
	out, err := r.resume(ctx, ph, position{at.rule, at.action + 1})
	if ph == OnHTTPRequest {
		r.sentOn = goesOn(out, err)
	}
	return out, err
}
