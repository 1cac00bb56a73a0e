package trafficpolicy

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"sluice.dev/platform/message"
)

func init() {
	register(ActionInfo{
		Type:        "redirect",
		Summary:     "Sends the client to another URL. When that is the URL it came with, or from does not match, the request goes on.",
		Phases:      []Phase{OnHTTPRequest},
		Terminating: Sometimes,
		Fields: []Field{
			{Name: "from", Kind: Text, Template: true, Description: "Regular expression (RE2) on the full URL; only what it matches is replaced.", Example: "/old/(.*)"},
			{Name: "to", Aliases: []string{"location"}, Kind: Text, Template: true, Required: true, Min: 1, Description: "Replacement; $1 is a group of from.", Example: "/new/$1"},
			{Name: "status_code", Kind: Integer, Default: int64(302), Min: 300, Max: 399, Description: "301, 302, 303, 307 or 308."},
			{Name: "headers", Kind: TextMap, Template: true, Max: 10, Description: "Further header fields of the answer."},
		},
		Results: []ResultInfo{
			{"matches", cel.ListType(cel.StringType), "What from matched."},
			{"url", cel.StringType, "The URL that the client is sent to."},
		},
	}, newRedirect)
}

type redirect struct {
	slot    int
	rewrite rewriter
	status  int
	headers []headerTemplate
}

func newRedirect(c *config) action {
	a := &redirect{slot: c.spec.slot, rewrite: c.rewriter(), status: int(c.integer("status_code")), headers: c.headerTemplates()}
	if !slices.Contains([]int{301, 302, 303, 307, 308}, a.status) {
		c.fault("status_code", CodeEnum, fmt.Sprintf("%d is not a redirect", a.status), "allowed: 301, 302, 303, 307, 308")
	}
	return a
}

func (a *redirect) run(_ context.Context, r *Run) (*Outcome, error) {
	original := currentURL(r.vars.Request)
	target, matches, err := a.rewrite.apply(&r.vars, original)
	if err != nil {
		return nil, err
	}
	if a.rewrite.from == nil {
		target = resolveURL(original, target)
	}
	r.vars.Publish(a.slot, matchList(matches), types.String(target))
	if target == original || a.rewrite.from != nil && len(matches) == 0 {
		return nil, nil //nolint:nilnil // the phase goes on
	}
	header := make(message.Header, 0, len(a.headers)+2)
	header.Add("location", target)
	for i := range a.headers {
		value, err := a.headers[i].render(&r.vars)
		if err != nil {
			return nil, err
		}
		header.Add(a.headers[i].name, value)
	}
	r.facts.Redirect = target
	return &Outcome{Response: message.NewResponse(a.status, header, "")}, nil
}

// resolveURL makes a relative target absolute (RFC 3986 section 5).
func resolveURL(base, target string) string {
	if strings.Contains(target, "://") {
		return target
	}
	b, err := url.Parse(base)
	if err != nil {
		return target
	}
	t, err := b.Parse(target)
	if err != nil {
		return target
	}
	return t.String()
}
