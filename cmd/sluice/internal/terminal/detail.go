package terminal

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/durationpb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Detail writes an exchange whole.
func (p Printer) Detail(e *capturev1.Exchange) {
	p.facts(e)
	req := e.GetRequest()
	fmt.Fprintf(p.w, "\n%s %s %s\n", Clean(req.GetMethod()), Clean(req.GetUrl()), req.GetHttpVersion())
	p.headers(req.GetHeaders())
	p.body(req.GetBody(), e.GetFullCapture())
	res := e.GetResponse()
	if res == nil {
		fmt.Fprintln(p.w, "\nno response was sent")
		return
	}
	fmt.Fprintf(p.w, "\n%s\n", p.paint(fmt.Sprint(res.GetStatusCode()), e))
	p.headers(res.GetHeaders())
	p.body(res.GetBody(), e.GetFullCapture())
	p.messages(e)
}

func (p Printer) facts(e *capturev1.Exchange) {
	p.fact("id", "%s", e.GetId())
	p.fact("time", "%s", e.GetStartTime().AsTime().Local().Format("2006-01-02 15:04:05.000 -07:00"))
	p.fact("endpoint", "%s (%s)", e.GetEndpointUrl(), e.GetEndpointId())
	if e.GetRoute() != "" {
		p.fact("route", "%s", Clean(e.GetRoute()))
	}
	p.fact("client", "%s:%d%s", e.GetConnection().GetClientIp(), e.GetConnection().GetClientPort(), Clean(where(e.GetConnection().GetGeo())))
	p.timings(e)
	if a := e.GetPolicy().GetAction(); a != "" {
		p.fact("answered by", "%s, rule %s", a, Clean(e.GetPolicy().GetRule()))
	}
	p.policy(e.GetPolicyTrace())
	if c := e.GetError().GetCode(); c != "" {
		p.fact("error", "%s %s", c, Clean(e.GetError().GetMessage()))
	}
	if e.GetKeptBy() != "" {
		p.fact("kept by", "%s", e.GetKeptBy())
	}
	if e.GetReplayOf() != "" {
		p.fact("replay of", "%s", e.GetReplayOf())
	}
	for _, r := range e.GetReplays() {
		p.fact("replayed by", "%s", r)
	}
}

func (p Printer) fact(name, format string, args ...any) {
	fmt.Fprintf(p.w, "%s %s\n", p.in(dim, fmt.Sprintf("%-12s", name)), fmt.Sprintf(format, args...))
}

// where is the place of an address, as far as it is known.
func where(g *capturev1.Geo) string {
	var known []string
	for _, part := range []string{g.GetCity(), g.GetCountryCode(), g.GetAsOrganization()} {
		if part != "" {
			known = append(known, part)
		}
	}
	if known == nil {
		return ""
	}
	return " (" + strings.Join(known, ", ") + ")"
}

// timings tells the parts of the duration that are known, and the upstreams that
// failed before the one that answered.
func (p Printer) timings(e *capturev1.Exchange) {
	t := e.GetTimings()
	parts := []string{Duration(t.GetDuration().AsDuration())}
	for _, one := range []struct {
		name string
		d    *durationpb.Duration
	}{
		{"policy", t.GetPolicy()}, {"connect", t.GetConnect()}, {"TLS", t.GetTlsHandshake()},
		{"upstream's first byte", t.GetUpstreamFirstByte()}, {"upstream", t.GetUpstream()},
	} {
		if one.d != nil {
			parts = append(parts, one.name+" "+Duration(one.d.AsDuration()))
		}
	}
	p.fact("duration", "%s", strings.Join(parts, ", "))
	for _, a := range e.GetUpstream().GetFailedAttempts() {
		why := Clean(a.GetError())
		if why == "" {
			why = fmt.Sprintf("status %d", a.GetStatusCode())
		}
		p.fact("tried", "%s for %s: %s", a.GetAddress(), Duration(a.GetDuration().AsDuration()), why)
	}
	if u := e.GetUpstream(); u.GetAddress() != "" {
		p.fact("upstream", "%s", strings.TrimSpace(u.GetAddress()+" "+u.GetHttpVersion()))
	}
}

// policy tells which rules matched in each phase, what their actions came to, and
// whose policy it was when the request was forwarded to an internal endpoint.
func (p Printer) policy(t *capturev1.PolicyTrace) {
	for _, phase := range t.GetPhases() {
		of := ""
		if phase.GetEndpointUrl() != "" {
			of = " of " + Clean(phase.GetEndpointUrl())
		}
		p.fact("policy", "%s%s, %s", phase.GetPhase(), of, Duration(phase.GetDuration().AsDuration()))
		for _, rule := range phase.GetRules() {
			if rule.GetMatched() || rule.GetError() != "" {
				p.fact("", "  %s", p.rule(rule))
			}
		}
	}
}

func (p Printer) rule(r *capturev1.PolicyRuleTrace) string {
	name := Clean(r.GetName())
	if name == "" {
		name = fmt.Sprintf("[%d]", r.GetIndex())
	}
	var did []string
	for _, a := range r.GetActions() {
		outcome := strings.ToLower(strings.TrimPrefix(a.GetOutcome().String(), "OUTCOME_"))
		did = append(did, Clean(a.GetType())+" "+outcome)
	}
	text := name + ": " + strings.Join(did, ", ")
	if r.GetError() != "" {
		text += " (" + Clean(r.GetError()) + ")"
	}
	return text
}

func (p Printer) headers(hs []*capturev1.Header) {
	for _, h := range hs {
		note := ""
		if h.GetRedactedBy() != "" {
			note = p.in(dim, "  redacted: "+h.GetRedactedBy())
		}
		fmt.Fprintf(p.w, "%s: %s%s\n", Clean(h.GetName()), Clean(h.GetValue()), note)
	}
}

func (p Printer) body(b *capturev1.Body, captured bool) {
	switch {
	case b.GetSize() == 0:
		return
	case !captured:
		fmt.Fprintln(p.w, p.in(dim, fmt.Sprintf("\n(%d bytes of body, not recorded: full capture was off)", b.GetSize())))
	case utf8.Valid(b.GetContent()):
		fmt.Fprintf(p.w, "\n%s\n", printable(string(b.GetContent())))
	default:
		fmt.Fprintf(p.w, "\n%s\n", p.in(dim, fmt.Sprintf("(%d bytes of binary body; --json prints it in base64)", b.GetSize())))
	}
	if b.GetTruncated() {
		fmt.Fprintln(p.w, p.in(dim, fmt.Sprintf("(cut: %d of %d bytes)", len(b.GetContent()), b.GetSize())))
	}
}

// messages lists those of a WebSocket, gRPC call or event stream.
func (p Printer) messages(e *capturev1.Exchange) {
	if len(e.GetMessages()) > 0 {
		fmt.Fprintln(p.w)
	}
	for _, m := range e.GetMessages() {
		arrow := "→"
		if m.GetDirection() == capturev1.Message_DIRECTION_SERVER_TO_CLIENT {
			arrow = "←"
		}
		kind := strings.ToLower(strings.TrimPrefix(m.GetKind().String(), "KIND_"))
		content := fmt.Sprintf("(%d bytes)", m.GetSize())
		if utf8.Valid(m.GetContent()) && !m.GetCompressed() {
			content = Clean(string(m.GetContent()))
		}
		fmt.Fprintf(p.w, "%9s %s %-6s %s\n", Duration(m.GetOffset().AsDuration()), arrow, kind, content)
	}
	if n := e.GetOmittedMessages(); n > 0 {
		fmt.Fprintln(p.w, p.in(dim, fmt.Sprintf("(and %d more messages that were not recorded)", n)))
	}
}
