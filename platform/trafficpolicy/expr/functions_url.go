package expr

import (
	"net/url"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

func urlFunctions() []cel.EnvOption {
	opts := method("escapeUrl", "url.escape", str, func(s string) ref.Val { return types.String(url.QueryEscape(s)) })
	opts = append(opts, method("unescapeUrl", "url.unescape", str, unescape)...)
	opts = append(opts, method("parseUrl", "url.parse", cel.MapType(str, dynamic), parseURL)...)
	opts = append(opts, method("decodeQueryString", "queryString.decode", cel.MapType(str, dynamic), decodeQuery)...)
	opts = append(opts, method("isURL", "", boolean, isURL)...)
	opts = append(opts, method("isQueryString", "", boolean, func(s string) ref.Val {
		values, err := url.ParseQuery(s)
		return types.Bool(err == nil && len(values) > 0 && strings.Contains(s, "="))
	})...)
	encode := cel.UnaryBinding(encodeQuery)
	return append(opts,
		cel.Function("encodeQueryString", cel.MemberOverload("map_encodeQueryString", []*cel.Type{cel.MapType(str, dynamic)}, str, encode)),
		cel.Function("queryString.encode", cel.Overload("queryString_encode_map", []*cel.Type{cel.MapType(str, dynamic)}, str, encode)))
}

func unescape(s string) ref.Val {
	out, err := url.QueryUnescape(s)
	if err != nil {
		return failure("%v", err)
	}
	return types.String(out)
}

func isURL(s string) ref.Val {
	u, err := url.ParseRequestURI(s)
	return types.Bool(err == nil && u.Scheme != "" && u.Host != "")
}

// parseURL splits a URL into the fields of Go's net/url, in lower case.
func parseURL(s string) ref.Val {
	u, err := url.Parse(s)
	if err != nil {
		return failure("not a URL: %v", err)
	}
	fields := map[string]any{
		"scheme": u.Scheme, "opaque": u.Opaque, "host": u.Host, "path": u.Path, "rawpath": u.EscapedPath(),
		"rawquery": u.RawQuery, "query": map[string][]string(u.Query()), "fragment": u.Fragment,
		"hostname": u.Hostname(), "port": u.Port(), "user": u.User.Username(),
	}
	return types.NewDynamicMap(types.DefaultTypeAdapter, fields)
}

// decodeQuery gives a string for a parameter that occurs once and a list for
// one that is repeated.
func decodeQuery(s string) ref.Val {
	values, err := url.ParseQuery(strings.TrimPrefix(s, "?"))
	if err != nil {
		return failure("not a query string: %v", err)
	}
	out := make(map[string]any, len(values))
	for name, v := range values {
		if len(v) == 1 {
			out[name] = v[0]
			continue
		}
		out[name] = v
	}
	return types.NewDynamicMap(types.DefaultTypeAdapter, out)
}

// encodeQuery writes parameters in order of their names; lists repeat a name.
func encodeQuery(v ref.Val) ref.Val {
	m, ok := v.(traits.Mapper)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	values := url.Values{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		value := m.Get(key)
		if items, ok := value.(traits.Lister); ok {
			for each := items.Iterator(); each.HasNext() == types.True; {
				values.Add(Text(key), Text(each.Next()))
			}
			continue
		}
		values.Add(Text(key), Text(value))
	}
	return bounded(values.Encode())
}
