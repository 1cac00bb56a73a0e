package edit

import (
	"slices"
	"strings"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/message"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	replayv1 "sluice.dev/proto/gen/sluice/replay/v1"
)

// notCopied are recorded headers that belong to the old connection or that
// proxies write anew.
var notCopied = map[string]bool{
	"host": true, "content-length": true, "transfer-encoding": true, "connection": true, "keep-alive": true, "upgrade": true,
	"te": true, "trailer": true, "proxy-connection": true, "proxy-authenticate": true, "proxy-authorization": true, "expect": true,
	"http2-settings": true, "forwarded": true, "via": true,
}

// copied reports whether a recorded header belongs to the request itself. named
// are the further hop-by-hop fields that its Connection header lists (RFC 9110
// section 7.6.1).
func copied(name string, named map[string]bool) bool {
	lower := strings.ToLower(name)
	return !notCopied[lower] && !named[lower] && !strings.HasPrefix(lower, "x-forwarded-") && !strings.HasPrefix(lower, "sluice-")
}

func namedByConnection(recorded []*capturev1.Header) map[string]bool {
	named := map[string]bool{}
	for _, h := range recorded {
		if strings.EqualFold(h.GetName(), "connection") {
			for name := range strings.SplitSeq(h.GetValue(), ",") {
				named[strings.ToLower(strings.TrimSpace(name))] = true
			}
		}
	}
	return named
}

// notSettable are headers that would break the message or forge a mark.
var notSettable = map[string]bool{
	"content-length": true, "transfer-encoding": true, "connection": true, "keep-alive": true, "upgrade": true, "te": true, "trailer": true,
	"sluice-replay-of": true, "sluice-replay-signature": true, "sluice-replay-time": true,
}

// setHeader copies the recorded header in its order, without what was removed,
// replaced or redacted, and adds what was set.
func (r *Request) setHeader(recorded *capturev1.Request, c *replayv1.ReplayExchangeRequest) error {
	if err := r.checkChanges(c); err != nil {
		return err
	}
	named := namedByConnection(recorded.GetHeaders())
	for _, h := range recorded.GetHeaders() {
		switch {
		case !copied(h.GetName(), named), changed(h.GetName(), c):
		case c.Body != nil && strings.EqualFold(h.GetName(), "content-encoding"): // the new body is not encoded as the old one was
		case h.GetRedactedBy() != "":
			if !slices.Contains(r.Omitted, h.GetName()) {
				r.Omitted = append(r.Omitted, h.GetName())
			}
		default:
			r.Header.Add(h.GetName(), h.GetValue())
		}
	}
	for _, h := range c.GetSetHeaders() {
		if strings.EqualFold(h.GetName(), "host") {
			r.Host = h.GetValue()
			continue
		}
		r.Header.Add(h.GetName(), h.GetValue())
	}
	return nil
}

func (r *Request) checkChanges(c *replayv1.ReplayExchangeRequest) error {
	for _, h := range c.GetSetHeaders() {
		if notSettable[strings.ToLower(h.GetName())] {
			return errs.InvalidField("set_headers", "%s is written by the connection and cannot be set", h.GetName())
		}
		if !message.ValidValue(h.GetValue()) {
			return errs.InvalidField("set_headers", "the value of %s has characters that no header may have", h.GetName())
		}
	}
	return nil
}

// changed reports whether c sets or removes the header.
func changed(name string, c *replayv1.ReplayExchangeRequest) bool {
	return slices.ContainsFunc(c.GetSetHeaders(), func(h *replayv1.HeaderChange) bool { return strings.EqualFold(h.GetName(), name) }) ||
		slices.ContainsFunc(c.GetRemoveHeaders(), func(n string) bool { return strings.EqualFold(n, name) })
}
