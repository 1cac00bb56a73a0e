package expr

import (
	"reflect"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"sluice.dev/platform/message"
)

// headerMap shows a header as map(string, list(string)) without building one:
// lookups ignore case and read the live header, iteration gives lower-case
// names. host, when set, is the value of "host" whether or not the header has
// such a line (HTTP/2 carries it elsewhere).
type headerMap struct {
	header *message.Header
	host   *string
}

var _ traits.Mapper = (*headerMap)(nil)

// HeaderMap shows a header as expressions see that of a request.
func HeaderMap(h *message.Header) ref.Val { return &headerMap{header: h} }

// Find implements traits.Mapper.
func (m *headerMap) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(key), false
	}
	if m.isHost(string(name)) {
		return oneString(*m.host), true
	}
	if m.header == nil {
		return nil, false
	}
	switch m.header.Count(string(name)) {
	case 0:
		return nil, false
	case 1:
		return oneString(m.header.Get(string(name))), true
	}
	return types.NewStringList(types.DefaultTypeAdapter, m.header.Values(string(name))), true
}

func (m *headerMap) isHost(name string) bool {
	return m.host != nil && *m.host != "" && message.EqualName(name, "host")
}

// Get implements traits.Indexer.
func (m *headerMap) Get(key ref.Val) ref.Val {
	if v, found := m.Find(key); found || v != nil {
		return v
	}
	return types.NewErr("no such key: %v", key)
}

// Contains implements traits.Container.
func (m *headerMap) Contains(key ref.Val) ref.Val {
	name, ok := key.(types.String)
	if !ok {
		return types.False
	}
	return types.Bool(m.isHost(string(name)) || m.header != nil && m.header.Has(string(name)))
}

// Size implements traits.Sizer: the number of distinct names.
func (m *headerMap) Size() ref.Val { return types.Int(len(m.names())) }

// Iterator implements traits.Iterable over the lower-case names.
func (m *headerMap) Iterator() traits.Iterator {
	return types.NewStringList(types.DefaultTypeAdapter, m.names()).Iterator()
}

func (m *headerMap) names() []string {
	var names []string
	if m.header != nil {
		names = m.header.Names()
	}
	if m.isHost("host") && (m.header == nil || !m.header.Has("host")) {
		names = append([]string{"host"}, names...)
	}
	return names
}

// plain is an ordinary map of the same content, for what needs one.
func (m *headerMap) plain() map[string][]string {
	out := make(map[string][]string)
	for _, name := range m.names() {
		if m.isHost(name) {
			out[name] = []string{*m.host}
			continue
		}
		out[name] = m.header.Values(name)
	}
	return out
}

func (m *headerMap) asMap() traits.Mapper {
	return types.NewDynamicMap(types.DefaultTypeAdapter, m.plain())
}

// ConvertToNative implements ref.Val.
func (m *headerMap) ConvertToNative(t reflect.Type) (any, error) { return m.asMap().ConvertToNative(t) }

// ConvertToType implements ref.Val.
func (m *headerMap) ConvertToType(t ref.Type) ref.Val {
	if t == types.MapType {
		return m
	}
	return m.asMap().ConvertToType(t)
}

// Equal implements ref.Val.
func (m *headerMap) Equal(other ref.Val) ref.Val { return m.asMap().Equal(other) }

// Type implements ref.Val.
func (m *headerMap) Type() ref.Type { return types.MapType }

// Value implements ref.Val.
func (m *headerMap) Value() any { return m.plain() }

// oneString is a list of one string, by far the commonest header value.
func oneString(s string) ref.Val {
	return types.NewStringList(types.DefaultTypeAdapter, []string{s})
}

// lists gives list(string) the method contains(part): true when any element
// contains it, so that header values can be tested like strings.
func anyContains(list, part ref.Val) ref.Val {
	items, ok := list.(traits.Lister)
	sub, isString := part.(types.String)
	if !ok || !isString {
		return types.MaybeNoSuchOverloadErr(part)
	}
	for it := items.Iterator(); it.HasNext() == types.True; {
		if s, ok := it.Next().(types.String); ok && strings.Contains(string(s), string(sub)) {
			return types.True
		}
	}
	return types.False
}
