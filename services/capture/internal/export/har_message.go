package export

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"sluice.dev/platform/trafficpolicy/coding"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// maxDecoded bounds a body after decoding, in bytes. Larger ones are written as
// they were sent.
const maxDecoded = 16 << 20

type harPair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type harRequest struct {
	Method      string    `json:"method"`
	URL         string    `json:"url"`
	HTTPVersion string    `json:"httpVersion"`
	Cookies     []harPair `json:"cookies"`
	Headers     []harPair `json:"headers"`
	QueryString []harPair `json:"queryString"`
	PostData    *harPost  `json:"postData,omitempty"`
	HeadersSize int       `json:"headersSize"` // -1: not known
	BodySize    uint64    `json:"bodySize"`
}

type harPost struct {
	MimeType string    `json:"mimeType"`
	Params   []harPair `json:"params"`
	Text     string    `json:"text"`
	Encoding string    `json:"_encoding,omitempty"`
	Comment  string    `json:"comment,omitempty"`
}

type harResponse struct {
	Status      uint32     `json:"status"` // 0: none was sent
	StatusText  string     `json:"statusText"`
	HTTPVersion string     `json:"httpVersion"`
	Cookies     []harPair  `json:"cookies"`
	Headers     []harPair  `json:"headers"`
	Content     harContent `json:"content"`
	RedirectURL string     `json:"redirectURL"`
	HeadersSize int        `json:"headersSize"`
	BodySize    uint64     `json:"bodySize"`
}

type harContent struct {
	Size     uint64 `json:"size"` // decoded
	MimeType string `json:"mimeType"`
	Text     string `json:"text,omitempty"`
	Encoding string `json:"encoding,omitempty"`
	Comment  string `json:"comment,omitempty"`
}

func requestOf(r *capturev1.Request, bodies bool) harRequest {
	out := harRequest{
		Method: r.GetMethod(), URL: r.GetUrl(), HTTPVersion: r.GetHttpVersion(), HeadersSize: -1, BodySize: r.GetBody().GetSize(),
		Headers: pairs(r.GetHeaders()), Cookies: requestCookies(r.GetHeaders()), QueryString: queryPairs(r.GetQuery()),
	}
	if bodies && len(r.GetBody().GetContent()) > 0 {
		text, encoding, _ := readable(r.GetBody(), r.GetHeaders())
		out.PostData = &harPost{
			MimeType: headerValue(r.GetHeaders(), "content-type"), Params: []harPair{},
			Text: text, Encoding: encoding, Comment: cutComment(r.GetBody()),
		}
	}
	return out
}

func responseOf(e *capturev1.Exchange, bodies bool) harResponse {
	r := e.GetResponse()
	out := harResponse{
		Status: r.GetStatusCode(), StatusText: http.StatusText(int(r.GetStatusCode())), HTTPVersion: e.GetRequest().GetHttpVersion(),
		Headers: pairs(r.GetHeaders()), Cookies: responseCookies(r.GetHeaders()), RedirectURL: headerValue(r.GetHeaders(), "location"),
		HeadersSize: -1, BodySize: r.GetBody().GetSize(),
		Content: harContent{Size: r.GetBody().GetSize(), MimeType: headerValue(r.GetHeaders(), "content-type")},
	}
	if bodies {
		text, encoding, size := readable(r.GetBody(), r.GetHeaders())
		out.Content.Text, out.Content.Encoding, out.Content.Comment = text, encoding, cutComment(r.GetBody())
		if !r.GetBody().GetTruncated() {
			out.Content.Size = uint64(size) //nolint:gosec // a length
		}
	}
	return out
}

// readable is a body after content decoding, in base64 where it is no text, and
// its length.
func readable(b *capturev1.Body, headers []*capturev1.Header) (text, encoding string, size int) {
	content := b.GetContent()
	if codings := headerValue(headers, "content-encoding"); codings != "" {
		if b.GetTruncated() {
			content = coding.Beginning(content, codings, maxDecoded)
		} else if decoded, err := coding.Decode(bytes.NewReader(content), codings, maxDecoded); err == nil {
			content = decoded
		}
	}
	if utf8.Valid(content) {
		return string(content), "", len(content)
	}
	return base64.StdEncoding.EncodeToString(content), "base64", len(content)
}

func cutComment(b *capturev1.Body) string {
	if b.GetTruncated() {
		return "not the whole body was recorded"
	}
	return ""
}

func pairs(headers []*capturev1.Header) []harPair {
	out := make([]harPair, len(headers))
	for i, h := range headers {
		out[i] = harPair{h.GetName(), h.GetValue()}
	}
	return out
}

func headerValue(headers []*capturev1.Header, name string) string {
	for _, h := range headers {
		if strings.EqualFold(h.GetName(), name) {
			return h.GetValue()
		}
	}
	return ""
}

// queryPairs keeps the order, and what cannot be decoded as it is.
func queryPairs(query string) []harPair {
	out := []harPair{}
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		out = append(out, harPair{unescaped(name), unescaped(value)})
	}
	return out
}

func unescaped(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// requestCookies lists what was not redacted.
func requestCookies(headers []*capturev1.Header) []harPair {
	out := []harPair{}
	for _, h := range headers {
		if !strings.EqualFold(h.GetName(), "cookie") || h.GetRedactedBy() != "" {
			continue
		}
		cookies, _ := http.ParseCookie(h.GetValue()) // a wrong header stays in the list of headers
		for _, c := range cookies {
			out = append(out, harPair{c.Name, c.Value})
		}
	}
	return out
}

func responseCookies(headers []*capturev1.Header) []harPair {
	out := []harPair{}
	for _, h := range headers {
		if !strings.EqualFold(h.GetName(), "set-cookie") || h.GetRedactedBy() != "" {
			continue
		}
		if c, err := http.ParseSetCookie(h.GetValue()); err == nil {
			out = append(out, harPair{c.Name, c.Value})
		}
	}
	return out
}
