package trafficpolicy

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy/expr"
)

func init() {
	headers := cel.MapType(cel.StringType, cel.ListType(cel.StringType))
	register(ActionInfo{
		Type:        "http-request",
		Summary:     "Asks another server; its answer is a result that later rules can read.",
		Phases:      []Phase{OnHTTPRequest, OnHTTPResponse},
		Terminating: Sometimes,
		Fields: []Field{
			{Name: "url", Kind: Text, Template: true, Required: true, Min: 1, Description: "Whom to ask.", Example: "https://auth.internal/check"},
			{Name: "method", Kind: Enum, Default: "GET", Values: []string{"GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"}, Description: "How to ask."},
			{Name: "query_params", Kind: Objects, Max: 32, Description: "Parameters added to the URL.", Example: "[{key: path, value: '${req.url.path}'}]", Fields: []Field{
				{Name: "key", Kind: Text, Required: true, Min: 1, Max: 128, Description: "Name of the parameter.", Example: "path"},
				{Name: "value", Kind: Text, Template: true, Required: true, Max: 8192, Description: "Its value.", Example: "'${req.url.path}'"},
			}},
			{Name: "headers", Kind: TextMap, Template: true, Max: 10, Description: "Header fields of the request."},
			{Name: "body", Kind: Text, Template: true, Description: "Body of the request."},
			{Name: "max_redirects", Kind: Integer, Default: int64(0), Max: 10, Description: "How often to follow redirects. With 0 a redirect is the answer; with more, one too many is a failure."},
			{Name: "timeout", Kind: Duration, Default: 3 * time.Second, Min: int64(time.Second), Max: int64(30 * time.Second), Description: "For the whole action, with its redirects and retries."},
			{Name: "retry_condition", Kind: Expression, Description: "Ask again, at most 3 times, while this is true. It can also read attempts, last_attempt.req, last_attempt.res and last_attempt.error.", Example: "attempts < 2 && last_attempt.res.status_code >= 500"},
			{Name: "on_error", Kind: Enum, Default: "continue", Values: []string{"continue", "halt"}, Description: "halt ends the phase with an error when there is no answer."},
		},
		Results: []ResultInfo{
			{"res.status_code", cel.IntType, "Status of the answer."},
			{"res.header", headers, "Its header fields."},
			{"res.body", cel.StringType, "Its body, decoded; at most 256 KB."},
			{"res.resolved_ip", cel.StringType, "Address of the server."},
			{"res.time_ms", cel.IntType, "How long the last attempt took, in milliseconds."},
			{"req.method", cel.StringType, "Method of the request."},
			{"req.url", cel.StringType, "URL of the request, the last one after redirects."},
			{"req.header", headers, "Header fields of the request."},
			{"req.body", cel.StringType, "Body of the request."},
			{"attempts", cel.ListType(cel.MapType(cel.StringType, cel.DynType)), "Every attempt: resolved_ip, response_header, response_status_code, response_time_ms."},
			{"error.code", cel.StringType, "Why there is no answer."},
			{"error.message", cel.StringType, "The same for people."},
		},
	}, newHTTPRequest)
}

// maxRetries is how often a request is made again.
const maxRetries = 3

// retryPause is how long to wait before the first retry; it doubles.
const retryPause = 50 * time.Millisecond

type httpRequest struct {
	slot         int
	url          *expr.Template
	method       string
	query        []queryParameter
	headers      []headerTemplate
	body         *expr.Template
	maxRedirects int
	timeout      time.Duration
	retry        *expr.Program // nil: never
	retryEnv     *expr.Env
	halt         bool
}

type queryParameter struct {
	key   string
	value *expr.Template
}

func newHTTPRequest(c *config) action {
	a := &httpRequest{slot: c.spec.slot, url: c.text("url"), method: c.word("method"), headers: c.headerTemplates(), body: c.text("body"),
		maxRedirects: int(c.integer("max_redirects")), timeout: c.duration("timeout"), halt: c.word("on_error") == "halt"}
	for _, p := range c.get("query_params").objects {
		a.query = append(a.query, queryParameter{p.word("key"), p.text("value")})
	}
	if text, static := a.url.Static(); static && text != "" && !strings.ContainsAny(text, "<>$") && checkCallURL(text) != nil {
		c.fault("url", CodeURL, fmt.Sprintf("%q is not an http or https URL", text), "such as https://auth.internal/check")
	}
	if c.has("retry_condition") {
		v := c.get("retry_condition")
		a.retryEnv = retryEnvironments()[c.phase]
		if a.retry = c.compiler.expression(a.retryEnv, v.node, v.path); a.retry != nil {
			c.compiler.checkCondition(a.retry, v.node, v.path)
		}
	}
	return a
}

func checkCallURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("not an http or https URL")
	}
	return nil
}

func (a *httpRequest) run(ctx context.Context, r *Run) (*Outcome, error) {
	req, err := a.request(r)
	if err != nil {
		return nil, err // a template failed: that is no answer of the server
	}
	c := &call{action: a, run: r, request: req}
	limited, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	err = c.try(limited)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	c.publish(err)
	if err == nil || !a.halt {
		return nil, nil //nolint:nilnil // the phase goes on
	}
	return nil, err
}

// request renders the templates.
func (a *httpRequest) request(r *Run) (*OutboundRequest, error) {
	address, err := a.url.Render(&r.vars)
	if err != nil {
		return nil, &failure{CodeTemplateFailed, err}
	}
	req := &OutboundRequest{Method: a.method, URL: escapeURL(strings.TrimSpace(address))}
	if err := checkCallURL(req.URL); err != nil {
		return nil, &failure{CodeURL, fmt.Errorf("http-request: %q: %w", r.vars.Hide(req.URL), err)}
	}
	if req.URL, err = a.withQuery(r, req.URL); err != nil {
		return nil, &failure{CodeTemplateFailed, err}
	}
	if req.Body, err = a.body.Render(&r.vars); err != nil {
		return nil, &failure{CodeTemplateFailed, err}
	}
	for i := range a.headers {
		value, err := a.headers[i].render(&r.vars)
		if err != nil {
			return nil, err
		}
		req.Header.Add(a.headers[i].name, value)
	}
	r.signCall(&req.Header)
	return req, nil
}

func (a *httpRequest) withQuery(r *Run, address string) (string, error) {
	if len(a.query) == 0 {
		return address, nil
	}
	address, fragment, _ := strings.Cut(address, "#")
	_ = fragment // is not sent
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	for _, p := range a.query {
		value, err := p.value.Render(&r.vars)
		if err != nil {
			return "", err
		}
		address += separator + url.QueryEscape(p.key) + "=" + url.QueryEscape(value)
		separator = "&"
	}
	return address, nil
}

// signCall adds the fields that say where the request comes from.
func (r *Run) signCall(h *message.Header) {
	for name, value := range map[string]string{
		"user-agent":      "sluice",
		"accept-encoding": "gzip, deflate, br, zstd",
		"x-forwarded-for": r.clientIP(),
		HeaderRequestID:   r.id,
	} {
		if value != "" && !h.Has(name) {
			h.Add(name, value)
		}
	}
	h.Set(HeaderRequestType, "http-request")
	h.Set(HeaderHops, strconv.Itoa(r.hops()+1))
}

func (r *Run) clientIP() string {
	if addr := r.vars.Conn.ClientAddr.Addr(); addr.IsValid() {
		return addr.Unmap().WithZone("").String()
	}
	return ""
}

// hops is how many policies led to this request. Its client could have made the
// number up; that stops only its own requests earlier.
func (r *Run) hops() int {
	n, err := strconv.Atoi(r.vars.Request.Header.Get(HeaderHops))
	if err != nil || n < 0 {
		return 0
	}
	return min(n, maxCallHops)
}

// publish sets the results as far as the call came.
func (c *call) publish(err error) {
	req := c.request
	values := callValues{
		types.String(req.Method), types.String(req.URL), expr.HeaderMap(&req.Header), types.String(req.Body),
		types.DefaultTypeAdapter.NativeToValue(c.attempts), nil, nil,
	}
	if f := asFailure(err); f != nil {
		values[5], values[6] = types.String(f.code), types.String(c.run.vars.Hide(f.cause.Error()))
	}
	answer := make(callValues, 5)
	if err == nil {
		answer = callValues{types.Int(c.last.status), expr.HeaderMap(&c.last.header), types.String(c.last.body), types.String(c.last.resolved), types.Int(c.last.took.Milliseconds())}
	}
	c.run.vars.Publish(c.action.slot, append(answer, values...)...)
}
