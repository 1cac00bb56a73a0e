package trafficpolicy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy/coding"
)

// offeredCodings are the algorithms in the order they are preferred. compress is
// part of the language; no client has asked for it in decades, so it is accepted
// in a list and never chosen.
var offeredCodings = []string{coding.Gzip, coding.Deflate, coding.Brotli, "compress", coding.Zstd}

func init() {
	register(ActionInfo{
		Type:        "compress-response",
		Summary:     "Compresses the response with an algorithm that the client accepts. It streams: nothing waits for the whole body.",
		Phases:      []Phase{OnHTTPResponse},
		Terminating: Never,
		Fields: []Field{{Name: "algorithms", Kind: Texts, Min: 1, Max: 5,
			Description: "Algorithms to offer, all when not given: " + strings.Join(offeredCodings, ", ") + ". The client's preference decides, then this order. compress is never chosen.", Example: "[zstd, br, gzip]"}},
		Results: []ResultInfo{
			{"already_compressed", cel.BoolType, "Whether the upstream had encoded the response."},
			{"negotiated_algorithm", cel.StringType, "The algorithm used; empty when none is."},
		},
	}, newCompressResponse)
}

type compressResponse struct {
	slot   int
	offers []string
}

func newCompressResponse(c *config) action {
	a := &compressResponse{slot: c.spec.slot, offers: offeredCodings}
	if !c.has("algorithms") {
		a.offers = slices.DeleteFunc(slices.Clone(offeredCodings), func(s string) bool { return s == "compress" })
		return a
	}
	a.offers = nil
	v := c.get("algorithms")
	seen := map[string]bool{}
	for i, name := range c.words("algorithms") {
		switch {
		case !slices.Contains(offeredCodings, name):
			c.compiler.report(v.node.Content[i], index(v.path, i), CodeAlgorithm, fmt.Sprintf("%q is not a compression algorithm that is supported", name), "allowed: "+strings.Join(offeredCodings, ", "))
		case seen[name]:
			c.compiler.report(v.node.Content[i], index(v.path, i), CodeDuplicate, name+" is listed twice", "")
		case name != "compress":
			a.offers = append(a.offers, name)
		}
		seen[name] = true
	}
	return a
}

func (a *compressResponse) run(_ context.Context, r *Run) (*Outcome, error) {
	res := r.vars.Response
	encoded := len(coding.Parse(strings.Join(res.Header.Values("content-encoding"), ","))) > 0
	algorithm := ""
	if !encoded && compressible(r.vars.Request, res) {
		algorithm = coding.Negotiate(strings.Join(r.vars.Request.Header.Values("accept-encoding"), ","), a.offers)
	}
	r.vars.Publish(a.slot, types.Bool(encoded), types.String(algorithm))
	if algorithm == "" {
		r.facts.Compression.Algorithm = "none"
		return nil, nil //nolint:nilnil // the phase goes on
	}
	body, err := coding.Encode(res.Body, algorithm, res.ContentLength < 0)
	if err != nil {
		return nil, err
	}
	res.Body, res.ContentLength = body, -1
	encodedHeader(&res.Header, algorithm)
	r.facts.Compression.Algorithm, r.compressed = algorithm, body
	return nil, nil //nolint:nilnil // the phase goes on
}

// compressible reports whether there is a body that intermediaries may change.
// A part of a representation must stay the part it says it is.
func compressible(req *message.Request, res *message.Response) bool {
	return message.BodyAllowed(res.Status) && res.Status != 206 && req.Method != "HEAD" && res.Body != nil && res.ContentLength != 0 &&
		!strings.Contains(strings.ToLower(strings.Join(res.Header.Values("cache-control"), ",")), "no-transform")
}

// encodedHeader describes the encoded content in place of the plain one.
func encodedHeader(h *message.Header, algorithm string) {
	h.Set("content-encoding", algorithm)
	varyOn(h, "accept-encoding")
	h.Del("content-length")
	h.Del("accept-ranges")
	contentChanged(h)
}

// contentChanged drops what described the bytes of the content as they were,
// and weakens their entity tag (RFC 9110 section 8.8.1).
func contentChanged(h *message.Header) {
	for _, name := range []string{"content-md5", "digest", "content-digest", "repr-digest"} {
		h.Del(name)
	}
	if tag := h.Get("etag"); strings.HasPrefix(tag, `"`) {
		h.Set("etag", "W/"+tag)
	}
}

func varyOn(h *message.Header, name string) {
	for _, value := range h.Values("vary") {
		for item := range strings.SplitSeq(value, ",") {
			if item = strings.TrimSpace(item); item == "*" || message.EqualName(item, name) {
				return
			}
		}
	}
	h.Add("vary", name)
}
