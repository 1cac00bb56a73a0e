package trafficpolicy

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy/expr"
)

func init() {
	register(ActionInfo{
		Type:        "custom-response",
		Summary:     "Answers itself. In the request phase the upstream is not asked, and on_http_response still runs; in the response phase it replaces the response.",
		Phases:      []Phase{OnHTTPRequest, OnHTTPResponse},
		Terminating: Always,
		Fields: []Field{
			{Name: "status_code", Kind: Integer, Default: int64(200), Min: 200, Max: 599, Description: "Status of the answer.", Example: "503"},
			{Name: "body", Aliases: []string{"content"}, Kind: Text, Template: true, Description: "Body of the answer. Text put into HTML is not escaped.", Example: "back soon"},
			{Name: "headers", Kind: TextMap, Template: true, Min: 0, Max: 10, Description: "Header fields of the answer; content-type is guessed from the body when not given.", Example: "{retry-after: '60'}"},
		},
	}, newCustomResponse)
}

type customResponse struct {
	status  int
	body    *expr.Template
	headers []headerTemplate
}

func newCustomResponse(c *config) action {
	a := &customResponse{status: int(c.integer("status_code")), body: c.text("body"), headers: c.headerTemplates()}
	if text, static := a.body.Static(); !message.BodyAllowed(a.status) && (!static || text != "") {
		c.fault("body", CodeBodyStatus, "a response with this status cannot have a body", "leave out body, or choose another status_code")
	}
	return a
}

func (a *customResponse) run(_ context.Context, r *Run) (*Outcome, error) {
	body, err := a.body.Render(&r.vars)
	if err != nil {
		return nil, &failure{CodeTemplateFailed, err}
	}
	header := make(message.Header, 0, len(a.headers)+2)
	for i := range a.headers {
		value, err := a.headers[i].render(&r.vars)
		if err != nil {
			return nil, err
		}
		header.Add(a.headers[i].name, value)
	}
	if body != "" && !header.Has("content-type") {
		header.Add("content-type", contentType(body))
	}
	return &Outcome{Response: message.NewResponse(a.status, header, body), RunResponsePhase: r.current == OnHTTPRequest}, nil
}

// contentType guesses: JSON, then what browsers would (WHATWG MIME sniffing).
func contentType(body string) string {
	if trimmed := strings.TrimSpace(body); strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		if json.Valid([]byte(trimmed)) {
			return "application/json"
		}
	}
	return http.DetectContentType([]byte(body))
}
