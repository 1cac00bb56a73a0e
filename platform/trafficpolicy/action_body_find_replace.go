package trafficpolicy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy/coding"
	"sluice.dev/platform/trafficpolicy/expr"
)

func init() {
	register(bodyRewriteInfo("request", OnHTTPRequest), func(c *config) action { return newBodyRewrite(c, false) })
	register(bodyRewriteInfo("response", OnHTTPResponse), func(c *config) action { return newBodyRewrite(c, true) })
}

func bodyRewriteInfo(subject string, ph Phase) ActionInfo {
	return ActionInfo{
		Type:        subject + "-body-find-replace",
		Summary:     "Replaces parts of the " + subject + "'s body. The whole body is held in memory, and compressed ones are sent on uncompressed when something was replaced.",
		Phases:      []Phase{ph},
		Terminating: Never,
		Fields: []Field{
			{Name: "replacements", Kind: Objects, Required: true, Min: 1, Max: 100, Description: "Applied in order, each to what the one before left.", Example: "[{from: secret, to: '***'}]", Fields: replacementFields()},
			{Name: "max_body_bytes", Kind: Integer, Default: int64(5 << 20), Min: 1, Max: 64 << 20, Description: "Larger bodies are an error, before or after decoding; what comes out may be twice as large."},
		},
		Results: []ResultInfo{{"replacements", cel.ListType(cel.MapType(cel.StringType, cel.DynType)), "What was found: replacement_index, and matched_content for the first match of each."}},
	}
}

func replacementFields() []Field {
	return []Field{
		{Name: "from", Kind: Text, Template: true, Required: true, Min: 1, Description: "Regular expression (RE2); all matches are replaced.", Example: `'\d{3}-\d{2}-\d{4}'`},
		{Name: "to", Kind: Text, Template: true, Description: "Replacement; $1 is a group of from. Matches are deleted without it."},
	}
}

type bodyRewrite struct {
	slot         int
	response     bool
	replacements []replacement
	maxBody      int
}

func newBodyRewrite(c *config, response bool) action {
	return &bodyRewrite{slot: c.spec.slot, response: response, replacements: c.replacements("replacements"), maxBody: int(c.integer("max_body_bytes"))}
}

// replacement is one search with what to put in the place of its matches.
type replacement struct {
	field string // of an event, for sse-find-replace
	from  *expr.Template
	fixed *regexp.Regexp // from, when it is static
	to    *expr.Template
}

func (c *config) replacements(field string) []replacement {
	var out []replacement
	for _, entry := range c.get(field).objects {
		r := replacement{field: entry.word("field"), from: entry.text("from"), to: entry.text("to")}
		if text, static := r.from.Static(); static {
			var err error
			if r.fixed, err = regexp.Compile(text); err != nil {
				entry.fault("from", CodeValue, "is not a regular expression: "+strings.TrimPrefix(err.Error(), "error parsing regexp: "), "the syntax is RE2")
			}
		}
		out = append(out, r)
	}
	return out
}

// found is what a replacement matched first.
type found struct {
	index int
	text  string
}

// foundList is the result variable of the actions that replace.
func foundList(list []found) any {
	out := make([]any, len(list))
	for i, f := range list {
		out[i] = map[string]any{"replacement_index": f.index, "matched_content": f.text}
	}
	return out
}

var errGrows = errors.New("the text grows beyond what an action may hold in memory")

// apply replaces in text; the result has at most limit bytes.
func (r *replacement) apply(v *expr.Vars, text string, limit int) (result, first string, matched bool, err error) {
	re := r.fixed
	if re == nil {
		pattern, err := r.from.Render(v)
		if err != nil {
			return "", "", false, &failure{CodeTemplateFailed, err}
		}
		if re, err = regexp.Compile(pattern); err != nil {
			return "", "", false, &failure{CodeRegexp, errors.New(v.Hide(err.Error()))}
		}
	}
	matches := re.FindAllStringSubmatchIndex(text, -1)
	if len(matches) == 0 {
		return text, "", false, nil
	}
	to, err := r.to.Render(v)
	if err != nil {
		return "", "", false, &failure{CodeTemplateFailed, err}
	}
	var b strings.Builder
	last := 0
	for _, m := range matches {
		b.WriteString(text[last:m[0]])
		expand(&b, to, text, m)
		if last = m[1]; b.Len() > limit {
			return "", "", false, &failure{CodeMemory, errGrows}
		}
	}
	b.WriteString(text[last:])
	if b.Len() > limit {
		return "", "", false, &failure{CodeMemory, errGrows}
	}
	return b.String(), text[matches[0][0]:matches[0][1]], true, nil
}

func (a *bodyRewrite) run(_ context.Context, r *Run) (*Outcome, error) {
	body, header, length := &r.vars.Request.Body, &r.vars.Request.Header, &r.vars.Request.ContentLength
	trailers := len(r.vars.Request.Trailer) > 0
	if a.response {
		res := r.vars.Response
		body, header, length, trailers = &res.Body, &res.Header, &res.ContentLength, len(res.Trailer) > 0
		if !message.BodyAllowed(res.Status) || r.vars.Request.Method == "HEAD" {
			body = new(io.ReadCloser) // there is none
		}
	}
	text, err := a.read(r, body, *header)
	if err != nil {
		return nil, err
	}
	var list []found
	for i := range a.replacements {
		result, first, matched, err := a.replacements[i].apply(&r.vars, text, 2*a.maxBody)
		if err != nil {
			return nil, err
		}
		if matched {
			text, list = result, append(list, found{i, first})
		}
	}
	r.vars.Publish(a.slot, types.DefaultTypeAdapter.NativeToValue(foundList(list)))
	if list == nil {
		return nil, nil //nolint:nilnil // the phase goes on
	}
	*body = &heldBody{data: []byte(text), complete: true, source: *body}
	*length = int64(len(text))
	if trailers {
		*length = -1 // they need a body in chunks
	}
	rewrittenHeader(header, *length)
	return nil, nil //nolint:nilnil // the phase goes on
}

// rewrittenHeader describes a body that was replaced by plain text.
func rewrittenHeader(h *message.Header, length int64) {
	h.Del("content-encoding")
	contentChanged(h)
	if h.Has("content-length") {
		if length < 0 {
			h.Del("content-length")
			return
		}
		h.Set("content-length", strconv.FormatInt(length, 10))
	}
}

// read takes the whole body and undoes its codings. What cannot be searched is
// an error: it may hold what must not get through.
func (a *bodyRewrite) read(r *Run, body *io.ReadCloser, h message.Header) (string, error) {
	if *body == nil {
		return "", nil
	}
	tooLarge, unreadable := CodeRequestTooLarge, CodeBodyUnreadable
	if a.response {
		tooLarge, unreadable = CodeMemory, CodeBodyRewrite
		switch {
		case mediaType(h) == "text/event-stream":
			return "", &failure{unreadable, errors.New("response-body-find-replace: an event stream has no end; use sse-find-replace in on_event_stream_message")}
		case r.vars.Response.Status == 206:
			return "", &failure{unreadable, errors.New("response-body-find-replace: the upstream sent a part, and what to find may cross its edge; remove the header range in on_http_request")}
		}
	}
	data, complete, err := hold(body, a.maxBody)
	switch {
	case err != nil:
		return "", &failure{unreadable, err}
	case !complete:
		return "", &failure{tooLarge, errBodyTooLarge}
	}
	encoding := strings.Join(h.Values("content-encoding"), ",")
	if len(coding.Parse(encoding)) == 0 || len(data) == 0 {
		return string(data), nil
	}
	plain, err := coding.Decode(strings.NewReader(string(data)), encoding, a.maxBody)
	switch {
	case errors.Is(err, coding.ErrTooLarge):
		return "", &failure{tooLarge, errBodyTooLarge}
	case err != nil:
		return "", &failure{unreadable, fmt.Errorf("the body cannot be decoded: %w", err)}
	}
	return string(plain), nil
}
