package trafficpolicy

import (
	"strconv"

	"sluice.dev/platform/message"
)

// Outcome is the end of a phase by an action or a failure.
type Outcome struct {
	// Response is to be sent instead of asking the upstream or of the
	// upstream's response; nil when Close or Forward is set.
	Response *message.Response
	// RunResponsePhase says that Response goes through on_http_response first.
	RunResponsePhase bool
	// Forward is the internal endpoint that answers instead; nil when none does.
	// When it cannot, call [Run.ForwardFailed].
	Forward *Forward
	// Close says that the connection ends without an answer.
	Close bool

	Phase     Phase
	RuleIndex int    // in its phase
	Rule      string // its name, or "on_http_request[0]"
	Action    string // type of the action; "" when a condition failed
	ErrorCode Code   // "" for answers that are no refusal
	Cause     error  // of a failure, for the log; holds no secret
}

// refuse answers with the status and a small JSON body that explain the code.
func refuse(code Code) *Outcome {
	info := code.info()
	if info.Status == 0 { // a fault that only showed with this request's values
		info.Status = 500
	}
	body := `{"error_code":` + strconv.Quote(string(code)) + `,"status_code":` + strconv.Itoa(info.Status) + `,"msg":` + strconv.Quote(info.Meaning) + "}\n"
	header := make(message.Header, 0, 4)
	header.Add("content-type", "application/json")
	return &Outcome{Response: message.NewResponse(info.Status, header, body), ErrorCode: code}
}
