package trafficpolicy

import (
	"context"
)

func init() {
	register(ActionInfo{
		Type: "capture",
		Summary: "Changes what of this exchange is recorded. In on_http_request it takes effect before bodies are read; in on_http_response the request's body is recorded already, " +
			"and the rest still follows.",
		Phases:      []Phase{OnHTTPRequest, OnHTTPResponse},
		Terminating: Never,
		Fields: []Field{
			{Name: "mode", Kind: Enum, Values: []string{"metadata", "full"}, Description: "full records bodies and messages too.", Example: "full"},
			{Name: "request_body_limit", Kind: Integer, Min: 1, Max: 1 << 30, Description: "Bytes of the request's body that are kept.", Example: "65536"},
			{Name: "response_body_limit", Kind: Integer, Min: 1, Max: 1 << 30, Description: "Bytes of the response's body that are kept.", Example: "65536"},
			{Name: "sample_percent", Kind: Number, Max: 100, Description: "Percentage of such exchanges that is recorded, above 0.", Example: "10"},
			{Name: "keep", Kind: Boolean, Default: false, Description: "Record this exchange whatever the sample rate says.", Example: "true"},
		},
	}, newCapture)
}

// CaptureDirective is what an action changes of one exchange's recording. Zero
// members change nothing.
type CaptureDirective struct {
	Mode              string // "metadata" or "full"
	RequestBodyLimit  int    // bytes
	ResponseBodyLimit int    // bytes
	SamplePercent     float64
	Keep              bool
}

// Recorder records exchanges.
type Recorder interface {
	// Capture changes at once what is recorded of the exchange that runs.
	Capture(d CaptureDirective)
}

type capture struct{ directive CaptureDirective }

func newCapture(c *config) action {
	d := CaptureDirective{
		Mode: c.word("mode"), Keep: c.boolean("keep"), SamplePercent: c.number("sample_percent"),
		RequestBodyLimit: int(c.integer("request_body_limit")), ResponseBodyLimit: int(c.integer("response_body_limit")),
	}
	switch {
	case c.has("sample_percent") && d.SamplePercent <= 0:
		c.fault("sample_percent", CodeRange, "must be above 0", "to record nothing of an exchange is not offered: every request is accounted for")
	case d == CaptureDirective{}:
		c.compiler.report(c.node, c.path, CodeMissing, "capture changes nothing: it needs at least one of its fields", "such as mode: full")
	}
	return &capture{d}
}

func (a *capture) run(_ context.Context, r *Run) (*Outcome, error) {
	if r.services.Recorder != nil {
		r.services.Recorder.Capture(a.directive)
	}
	return nil, nil //nolint:nilnil // the phase goes on
}
