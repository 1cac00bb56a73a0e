package expr

import (
	"encoding/base64"
	"slices"
	"strconv"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// AppendCanonical appends one text for each distinct value: JSON, with times,
// durations and bytes tagged so that they differ from the same text as string.
// Numbers that CEL calls equal (1 and 1.0) give the same text.
func AppendCanonical(b []byte, v ref.Val) []byte {
	switch x := v.(type) {
	case types.String:
		return appendString(b, string(x))
	case types.Bool:
		return strconv.AppendBool(b, bool(x))
	case types.Int:
		return strconv.AppendInt(b, int64(x), 10)
	case types.Uint:
		return strconv.AppendUint(b, uint64(x), 10)
	case types.Double:
		return appendDouble(b, float64(x))
	case types.Null:
		return append(b, "null"...)
	case types.Timestamp:
		return append(append(append(b, "t("...), x.Time.UTC().Format(time.RFC3339Nano)...), ')')
	case types.Duration:
		return append(append(append(b, "d("...), x.Duration.String()...), ')')
	case types.Bytes:
		return append(append(append(b, "b("...), base64.StdEncoding.EncodeToString(x)...), ')')
	case traits.Mapper:
		return appendMap(b, x)
	case traits.Lister:
		return appendList(b, x)
	}
	return appendString(append(b, v.Type().TypeName()...), Text(v))
}

func appendDouble(b []byte, f float64) []byte {
	if f == float64(int64(f)) && f > -1e15 && f < 1e15 {
		return strconv.AppendInt(b, int64(f), 10)
	}
	return strconv.AppendFloat(b, f, 'g', -1, 64)
}

func appendList(b []byte, l traits.Lister) []byte {
	b = append(b, '[')
	if texts, ok := l.Value().([]string); ok { // header values, without boxing each
		for i, s := range texts {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, s)
		}
		return append(b, ']')
	}
	n := l.Size().(types.Int)
	for i := types.Int(0); i < n; i++ {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendCanonical(b, l.Get(i))
	}
	return append(b, ']')
}

func appendMap(b []byte, m traits.Mapper) []byte {
	var entries []string
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		entry := append(AppendCanonical(nil, key), ':')
		entries = append(entries, string(AppendCanonical(entry, m.Get(key))))
	}
	slices.Sort(entries)
	b = append(b, '{')
	for i, e := range entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, e...)
	}
	return append(b, '}')
}

// appendString quotes without allocating when nothing needs an escape.
func appendString(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return strconv.AppendQuote(b, s) // tells invalid UTF-8 apart, which JSON would not
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
