package expr

import (
	"mime"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"sluice.dev/platform/message"
)

const rfc3339 = time.RFC3339

func requestVariables() []Variable {
	vars := []Variable{
		text("req.method", inHTTP, "Method of the request.", func(v *Vars) string { return v.Request.Method }),
		text("req.host", inHTTP, "Host that the client asked for, with its port if it named one.", func(v *Vars) string { return v.Request.Host }),
		text("req.version", inHTTP, "HTTP/1.1 or HTTP/2.0.", func(v *Vars) string { return v.Request.Proto }),
		{Name: "req.headers", Type: multi, Scope: inHTTP, Description: "Header fields; names ignore case, values are lists.", get: func(v *Vars) ref.Val { return &v.requestHeaders }},
		{Name: "req.trailers", Type: multi, Scope: inHTTP, Description: "Trailer fields that have arrived.", get: func(v *Vars) ref.Val { return &headerMap{header: &v.Request.Trailer} }},
		{Name: "req.cookies", Type: cel.MapType(str, cel.ListType(params)), Scope: inHTTP, Description: "Cookies by name, in header order: name, value.", get: requestCookies},
		text("req.location", inHTTP, "Location header of the request.", func(v *Vars) string { return v.Request.Header.Get("location") }),
		optionalLength("req.content_length", inHTTP, func(v *Vars) int64 { return v.Request.ContentLength }),
		stamp("req.ts.header_received", inHTTP, "When the request head was complete.", func(v *Vars) time.Time { return v.Request.Received }),
		stamp("req.ts.body_received", inHTTP, "When the request body was complete; absent until then.", func(v *Vars) time.Time { return v.Request.BodyReceived }),
	}
	return append(vars, contentVariables("req", inHTTP, func(v *Vars) message.Header { return v.Request.Header })...)
}

// contentVariables describe the body; they are alike for requests and responses.
func contentVariables(prefix string, scope Scope, header func(*Vars) message.Header) []Variable {
	return []Variable{
		text(prefix+".content_type", scope, "Media type in lower case, without parameters.", func(v *Vars) string { return mediaType(header(v).Get("content-type")) }),
		text(prefix+".content_type.raw", scope, "The content-type header as sent.", func(v *Vars) string { return header(v).Get("content-type") }),
		{Name: prefix + ".content_type.parameters", Type: params, Scope: scope, Description: "Parameters of the media type.", get: func(v *Vars) ref.Val {
			_, p, err := mime.ParseMediaType(header(v).Get("content-type"))
			if err != nil || p == nil {
				p = map[string]string{}
			}
			return types.NewStringStringMap(types.DefaultTypeAdapter, p)
		}},
		{Name: prefix + ".content_encoding", Type: stringList, Scope: scope, Description: "Content codings, in the order applied.", get: func(v *Vars) ref.Val {
			return list(commaList(header(v).Values("content-encoding")))
		}},
	}
}

func mediaType(raw string) string {
	typ, _, _ := strings.Cut(raw, ";")
	return strings.ToLower(strings.TrimSpace(typ))
}

func commaList(lines []string) []string {
	out := []string{}
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

// optionalLength is absent when the length is unknown.
func optionalLength(name string, scope Scope, get func(*Vars) int64) Variable {
	missing := absent(name)
	return Variable{Name: name, Type: integer, Scope: scope, Description: "Length of the body in bytes; absent when unknown.", get: func(v *Vars) ref.Val {
		if n := get(v); n >= 0 {
			return types.Int(n)
		}
		return missing
	}}
}

func stamp(name string, scope Scope, description string, get func(*Vars) time.Time) Variable {
	missing := absent(name)
	return Variable{Name: name, Type: timestamp, Scope: scope, Description: description, get: func(v *Vars) ref.Val {
		if t := get(v); !t.IsZero() {
			return moment(t)
		}
		return missing
	}}
}

func requestCookies(v *Vars) ref.Val {
	byName := make(map[string][]map[string]string)
	for _, c := range v.Request.Cookies() {
		byName[c.Name] = append(byName[c.Name], map[string]string{"name": c.Name, "value": c.Value})
	}
	return types.NewDynamicMap(types.DefaultTypeAdapter, byName)
}
