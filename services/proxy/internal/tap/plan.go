package tap

import (
	"time"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/redact"
	"sluice.dev/platform/trafficpolicy"
)

// Defaults of what is kept.
const (
	DefaultBodyLimit    = 10 << 10 // bytes of a body
	defaultMessageLimit = 1000     // messages of one exchange
)

// plan says what of one exchange is recorded.
type plan struct {
	full          bool // with bodies and messages
	requestLimit  int
	responseLimit int
	share         float64 // of the exchanges that are recorded, 0 to 1
	keep          keep
}

// settings are policyv1.CaptureSettings, ready to use.
type settings struct {
	plan
	redactor *redact.Redactor
	messages int
}

func newSettings(c *policyv1.CaptureSettings, redactor *redact.Redactor) *settings {
	s := &settings{redactor: redactor, messages: int(c.GetMessageLimit()), plan: plan{
		full:         c.GetMode() == policyv1.CaptureMode_CAPTURE_MODE_FULL,
		requestLimit: DefaultBodyLimit, responseLimit: DefaultBodyLimit, share: 1,
		keep: newKeep(c.GetKeep()),
	}}
	if s.messages == 0 {
		s.messages = defaultMessageLimit
	}
	s.plan = s.with(int(c.GetRequestBodyLimit()), int(c.GetResponseBodyLimit()), c.GetSamplePercent())
	return s
}

// with takes over what is not zero.
func (p plan) with(requestLimit, responseLimit int, samplePercent float64) plan {
	if requestLimit > 0 {
		p.requestLimit = requestLimit
	}
	if responseLimit > 0 {
		p.responseLimit = responseLimit
	}
	if samplePercent > 0 {
		p.share = samplePercent / 100
	}
	return p
}

// limits are how much of the bodies is kept, in bytes.
func (p plan) limits() (request, response int) {
	if !p.full {
		return 0, 0
	}
	return p.requestLimit, p.responseLimit
}

// Override is what one endpoint changes of the settings. A nil one changes nothing.
type Override struct {
	doc  *policyv1.EndpointCapture
	keep keep
}

// NewOverride prepares what an endpoint says; nil when it says nothing. An
// expression that this version cannot use keeps nothing: the policy service refuses
// such.
func NewOverride(c *policyv1.EndpointCapture) *Override {
	if c == nil {
		return nil
	}
	return &Override{doc: c, keep: newKeep(c.GetKeep())}
}

func (p plan) overridden(o *Override) plan {
	if o == nil {
		return p
	}
	switch o.doc.GetMode() {
	case policyv1.CaptureMode_CAPTURE_MODE_FULL:
		p.full = true
	case policyv1.CaptureMode_CAPTURE_MODE_METADATA:
		p.full = false
	case policyv1.CaptureMode_CAPTURE_MODE_UNSPECIFIED:
	}
	if o.doc.GetKeep() != nil {
		p.keep = o.keep
	}
	return p.with(int(o.doc.GetRequestBodyLimit()), int(o.doc.GetResponseBodyLimit()), o.doc.GetSamplePercent())
}

func (p plan) directed(d trafficpolicy.CaptureDirective) plan {
	switch d.Mode {
	case "full":
		p.full = true
	case "metadata":
		p.full = false
	}
	return p.with(d.RequestBodyLimit, d.ResponseBodyLimit, d.SamplePercent)
}

// keep are conditions any of which records an exchange that the sample leaves out.
type keep struct {
	serverErrors bool
	slowerThan   time.Duration // 0 for none
	condition    *trafficpolicy.Condition
}

func newKeep(c *policyv1.CaptureKeep) keep {
	k := keep{serverErrors: c.GetServerErrors(), slowerThan: c.GetSlowerThan().AsDuration()}
	if c.GetExpression() != "" {
		k.condition, _ = trafficpolicy.CompileCondition(c.GetExpression())
	}
	return k
}
