package expr

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"sluice.dev/platform/message"
)

func responseVariables() []Variable {
	vars := []Variable{
		number("res.status_code", OnResponse, "Status of the response.", func(v *Vars) int64 { return int64(v.Response.Status) }),
		{Name: "res.headers", Type: multi, Scope: OnResponse, Description: "Header fields; names ignore case, values are lists.", get: func(v *Vars) ref.Val { return &v.responseHeaders }},
		{Name: "res.trailers", Type: multi, Scope: OnResponse, Description: "Trailer fields that have arrived.", get: func(v *Vars) ref.Val { return &headerMap{header: &v.Response.Trailer} }},
		{Name: "res.cookies", Type: cel.MapType(str, cel.ListType(cel.MapType(str, dynamic))), Scope: OnResponse,
			Description: "Cookies that the response sets, longest path first: name, value, domain, path, same_site, expires, max_age, http_only, secure, unparsed_attributes.", get: responseCookies},
		text("res.location", OnResponse, "Location header of the response.", func(v *Vars) string { return v.Response.Header.Get("location") }),
		optionalLength("res.content_length", OnResponse, func(v *Vars) int64 { return v.Response.ContentLength }),
		stamp("res.ts.header_received", OnResponse, "When the response head was complete.", func(v *Vars) time.Time { return v.Response.Received }),
		stamp("res.ts.body_received", OnResponse, "When the response body was complete; absent until then.", func(v *Vars) time.Time { return v.Response.BodyReceived }),
	}
	return append(vars, contentVariables("res", OnResponse, func(v *Vars) message.Header { return v.Response.Header })...)
}

func responseCookies(v *Vars) ref.Val {
	cookies := v.Response.Cookies()
	slices.SortStableFunc(cookies, func(a, b *http.Cookie) int { return len(b.Path) - len(a.Path) })
	byName := make(map[string][]map[string]any)
	for _, c := range cookies {
		byName[c.Name] = append(byName[c.Name], cookieFields(c))
	}
	return types.NewDynamicMap(types.DefaultTypeAdapter, byName)
}

func cookieFields(c *http.Cookie) map[string]any {
	return map[string]any{
		"name": c.Name, "value": c.Value, "domain": c.Domain, "path": c.Path,
		"same_site": sameSite(c.SameSite), "expires": c.Expires.UTC(), "max_age": time.Duration(c.MaxAge) * time.Second,
		"http_only": c.HttpOnly, "secure": c.Secure, "unparsed_attributes": attributes(c.Unparsed),
	}
}

func sameSite(s http.SameSite) string {
	switch s {
	case http.SameSiteLaxMode:
		return "lax"
	case http.SameSiteStrictMode:
		return "strict"
	case http.SameSiteNoneMode:
		return "none"
	}
	return ""
}

func attributes(unparsed []string) map[string]string {
	out := make(map[string]string, len(unparsed))
	for _, a := range unparsed {
		name, value, _ := strings.Cut(a, "=")
		out[name] = value
	}
	return out
}
