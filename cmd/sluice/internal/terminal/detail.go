package terminal

import (
	"fmt"
	"unicode/utf8"

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
}

func (p Printer) facts(e *capturev1.Exchange) {
	fact := func(name, format string, args ...any) {
		fmt.Fprintf(p.w, "%s %s\n", p.in(dim, fmt.Sprintf("%-12s", name)), fmt.Sprintf(format, args...))
	}
	fact("id", "%s", e.GetId())
	fact("time", "%s", e.GetStartTime().AsTime().Local().Format("2006-01-02 15:04:05.000 -07:00"))
	fact("endpoint", "%s (%s)", e.GetEndpointUrl(), e.GetEndpointId())
	fact("client", "%s:%d", e.GetConnection().GetClientIp(), e.GetConnection().GetClientPort())
	t := e.GetTimings()
	fact("duration", "%s, policy %s, upstream %s", Duration(t.GetDuration().AsDuration()), Duration(t.GetPolicy().AsDuration()), Duration(t.GetUpstream().AsDuration()))
	if a := e.GetPolicy().GetAction(); a != "" {
		fact("answered by", "%s, rule %s", a, Clean(e.GetPolicy().GetRule()))
	}
	if c := e.GetError().GetCode(); c != "" {
		fact("error", "%s %s", c, Clean(e.GetError().GetMessage()))
	}
	if e.GetReplayOf() != "" {
		fact("replay of", "%s", e.GetReplayOf())
	}
	for _, r := range e.GetReplays() {
		fact("replayed by", "%s", r)
	}
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
