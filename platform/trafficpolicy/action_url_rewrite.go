package trafficpolicy

import (
	"context"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

func init() {
	register(ActionInfo{
		Type:        "url-rewrite",
		Summary:     "Changes the URL that the upstream sees; the client does not notice.",
		Phases:      []Phase{OnHTTPRequest},
		Terminating: Never,
		Fields: []Field{
			{Name: "from", Kind: Text, Template: true, Description: "Regular expression (RE2) on the full URL; every match is replaced.", Example: "/api/v1/"},
			{Name: "to", Kind: Text, Template: true, Required: true, Description: "Replacement; $1 is a group of from.", Example: "/"},
		},
		Results: []ResultInfo{
			{"matches", cel.ListType(cel.StringType), "What from matched."},
			{"url", cel.StringType, "The new URL."},
		},
	}, newURLRewrite)
}

type urlRewrite struct {
	slot    int
	rewrite rewriter
}

func newURLRewrite(c *config) action {
	return &urlRewrite{slot: c.spec.slot, rewrite: c.rewriter()}
}

func (a *urlRewrite) run(_ context.Context, r *Run) (*Outcome, error) {
	original := currentURL(r.vars.Request)
	result, matches, err := a.rewrite.apply(&r.vars, original)
	if err != nil {
		return nil, err
	}
	if a.rewrite.from == nil {
		result = resolveURL(original, result)
	}
	if result != original {
		r.retarget(result)
		result = currentURL(r.vars.Request)
		r.facts.Rewrite = result
	}
	r.vars.Publish(a.slot, matchList(matches), types.String(result))
	return nil, nil //nolint:nilnil // the phase goes on
}

// retarget gives the request another URL. What the URL leaves out (scheme,
// authority) stays; the scheme never changes, the upstream decides it.
func (r *Run) retarget(newURL string) {
	req := r.vars.Request
	rest := newURL
	if _, after, found := strings.Cut(newURL, "://"); found {
		slash := strings.IndexAny(after, "/?#")
		if slash < 0 {
			slash = len(after)
		}
		host := after[:slash]
		if at := strings.LastIndexByte(host, '@'); at >= 0 {
			host = host[at+1:]
		}
		if rest = after[slash:]; host != "" && !strings.EqualFold(host, req.Host) {
			req.Host = host
			if req.Header.Has("host") {
				req.Header.Set("Host", host)
			}
		}
	}
	rest, _, _ = strings.Cut(rest, "#")
	if !strings.HasPrefix(rest, "/") {
		rest = "/" + rest
	}
	req.Target = rest
}
