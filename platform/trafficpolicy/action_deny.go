package trafficpolicy

import (
	"context"

	"sluice.dev/platform/message"
)

func init() {
	register(ActionInfo{
		Type:        "deny",
		Summary:     "Refuses: answers without a body, or closes a connection that has no request yet.",
		Phases:      wholePhases,
		Terminating: Always,
		Fields:      []Field{{Name: "status_code", Kind: Integer, Default: int64(403), Min: 200, Max: 599, Description: "Status of the answer.", Example: "404"}},
	}, newDeny)
	register(ActionInfo{
		Type:        "close-connection",
		Summary:     "Closes the connection without an answer.",
		Phases:      []Phase{OnTCPConnect, OnHTTPRequest},
		Terminating: Always,
	}, func(*config) action { return closeConnection{} })
}

type deny struct{ status int }

func newDeny(c *config) action { return &deny{status: int(c.integer("status_code"))} }

func (a *deny) run(_ context.Context, r *Run) (*Outcome, error) {
	if r.current == OnTCPConnect {
		return &Outcome{Close: true, ErrorCode: CodeDenied}, nil
	}
	return &Outcome{Response: message.NewResponse(a.status, nil, ""), ErrorCode: CodeDenied}, nil
}

type closeConnection struct{}

func (closeConnection) run(context.Context, *Run) (*Outcome, error) {
	return &Outcome{Close: true, ErrorCode: CodeConnectionClosed}, nil
}
