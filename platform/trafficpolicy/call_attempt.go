package trafficpolicy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy/coding"
	"sluice.dev/platform/trafficpolicy/expr"
)

// maxCallBody bounds an answer after decoding.
const maxCallBody = 256 << 10 // bytes

var (
	errNoClient  = errors.New("http-request: this gateway has no way to make requests")
	errCallLoop  = fmt.Errorf("http-request: more than %d policies lead to each other by requests", maxCallHops)
	errRedirects = errors.New("http-request: too many redirects")
)

type callValues = []ref.Val

// call is one run of http-request.
type call struct {
	action   *httpRequest
	run      *Run
	request  *OutboundRequest
	last     attempt
	attempts []any // what the result variable says of each
}

// attempt is the answer to one try.
type attempt struct {
	status   int
	header   message.Header
	body     string
	resolved string
	took     time.Duration
}

// try asks until there is an answer that is good enough. Every error is a
// failure.
func (c *call) try(ctx context.Context) error {
	switch {
	case c.run.services.HTTP == nil:
		return &failure{CodeCall, errNoClient}
	case c.run.hops() >= maxCallHops:
		return &failure{CodeCallLoop, errCallLoop}
	}
	original := *c.request
	for n := 0; ; n++ {
		*c.request = original
		err := c.once(ctx)
		again, conditionErr := c.again(n, err)
		switch {
		case conditionErr != nil:
			return &failure{CodeEvaluation, conditionErr}
		case !again:
			return err
		case !pause(ctx, retryPause<<n):
			return &failure{CodeCallTimeout, fmt.Errorf("http-request: no good answer within %s", c.action.timeout)}
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// again decides on a retry after attempt n.
func (c *call) again(n int, err error) (bool, error) {
	f := asFailure(err)
	if n >= maxRetries || c.action.retry == nil || f != nil && f.code == CodeCallTimeout {
		return false, nil
	}
	fault := map[string]string{"code": "", "message": ""}
	if f != nil {
		fault = map[string]string{"code": string(f.code), "message": f.cause.Error()}
	}
	adapt := types.DefaultTypeAdapter.NativeToValue
	last := map[string]ref.Val{
		"req": adapt(map[string]any{"method": c.request.Method, "url": c.request.URL, "body": c.request.Body, "header": expr.HeaderMap(&c.request.Header)}),
		"res": adapt(map[string]any{"status_code": c.last.status, "statusCode": c.last.status, "body": c.last.body, "header": expr.HeaderMap(&c.last.header),
			"resolved_ip": c.last.resolved, "time_ms": c.last.took.Milliseconds()}),
		"error": adapt(fault),
	}
	return c.action.retry.EvalRetry(c.action.retryEnv, &c.run.vars, expr.Retry{Attempts: int64(n + 1), LastAttempt: adapt(last)})
}

// once makes an attempt: a request and those that redirects lead to.
func (c *call) once(ctx context.Context) error {
	start := time.Now()
	c.last = attempt{}
	err := c.follow(ctx)
	c.last.took = time.Since(start)
	header := c.last.header
	c.attempts = append(c.attempts, map[string]any{"resolved_ip": c.last.resolved, "response_header": expr.HeaderMap(&header),
		"response_status_code": c.last.status, "response_time_ms": c.last.took.Milliseconds()})
	if err == nil {
		return nil
	}
	code := CodeCall
	switch {
	case errors.Is(err, errRedirects):
		code = CodeRedirects
	case errors.Is(err, coding.ErrTooLarge):
		code = CodeCallTooLarge
	case ctx.Err() != nil:
		code, err = CodeCallTimeout, fmt.Errorf("http-request: no answer within %s", c.action.timeout)
	case errors.Is(err, ErrAddress):
		code = CodeCallAddress
	}
	return &failure{code, err}
}

func (c *call) follow(ctx context.Context) error {
	for redirects := 0; ; redirects++ {
		res, err := c.run.services.HTTP.Do(ctx, c.request)
		if err != nil {
			return fmt.Errorf("http-request: %w", err)
		}
		c.last.status, c.last.header, c.last.resolved = res.Status, res.Header, res.ResolvedIP
		location := res.Header.Get("location")
		if !isRedirect(res.Status) || location == "" || c.action.maxRedirects == 0 {
			return c.read(res)
		}
		_ = res.Body.Close() // nobody looks at it
		if redirects == c.action.maxRedirects {
			return fmt.Errorf("%w: %d followed", errRedirects, redirects)
		}
		next, err := redirected(c.request, res.Status, location)
		if err != nil {
			return fmt.Errorf("http-request: %w", err)
		}
		c.request = next
	}
}

func isRedirect(status int) bool {
	switch status {
	case 301, 302, 303, 307, 308:
		return true
	}
	return false
}

// read takes the body, its codings undone.
func (c *call) read(res *OutboundResponse) error {
	defer func() { _ = res.Body.Close() }() // what counts was read
	if !message.BodyAllowed(res.Status) {
		return nil
	}
	body, err := coding.Decode(res.Body, strings.Join(res.Header.Values("content-encoding"), ","), maxCallBody)
	if err != nil {
		return fmt.Errorf("http-request: the answer's body: %w", err)
	}
	c.last.body = string(body)
	return nil
}

// redirected is the request to make after a redirect (RFC 9110 section 15.4).
// Another server does not get the credentials meant for the first.
func redirected(req *OutboundRequest, status int, location string) (*OutboundRequest, error) {
	from, err := url.Parse(req.URL)
	if err != nil {
		return nil, err
	}
	to, err := from.Parse(location)
	if err != nil {
		return nil, errors.New("a redirect to something that is no URL")
	}
	if err := checkCallURL(to.String()); err != nil {
		return nil, fmt.Errorf("a redirect to a URL that is %w", err)
	}
	next := &OutboundRequest{Method: req.Method, URL: to.String(), Header: req.Header.Clone(), Body: req.Body}
	if status != 307 && status != 308 && req.Method != http.MethodGet {
		next.Method, next.Body = http.MethodGet, ""
		next.Header.Del("content-type")
	}
	if to.Scheme != from.Scheme || to.Host != from.Host {
		for _, name := range []string{"authorization", "cookie", "proxy-authorization", "host"} {
			next.Header.Del(name)
		}
	}
	return next, nil
}
