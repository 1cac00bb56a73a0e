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
	"te": true, "trailer": true, "proxy-connection": true, "proxy-authenticate": true, "expect": true, "http2-settings": true,
	"x-forwarded-for": true, "x-forwarded-proto": true, "x-forwarded-host": true, "forwarded": true,
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
	for _, h := range recorded.GetHeaders() {
		switch {
		case notCopied[strings.ToLower(h.GetName())], strings.HasPrefix(strings.ToLower(h.GetName()), "sluice-"), changed(h.GetName(), c):
		case h.GetRedactedBy() != "":
			r.Omitted = append(r.Omitted, h.GetName())
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
