package expr

import (
	"encoding/base64"
	"strconv"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"google.golang.org/protobuf/types/known/structpb"
)

// Text renders a value inside a template: times as RFC 3339 in UTC, durations
// as Go writes them, bytes as base64, null as nothing, lists and maps as JSON.
func Text(v ref.Val) string {
	switch x := v.(type) {
	case types.String:
		return string(x)
	case types.Bool:
		return strconv.FormatBool(bool(x))
	case types.Int:
		return strconv.FormatInt(int64(x), 10)
	case types.Uint:
		return strconv.FormatUint(uint64(x), 10)
	case types.Double:
		return strconv.FormatFloat(float64(x), 'g', -1, 64)
	case types.Timestamp:
		return x.Time.UTC().Format(time.RFC3339Nano)
	case types.Duration:
		return x.Duration.String()
	case types.Bytes:
		return base64.StdEncoding.EncodeToString(x)
	case types.Null:
		return ""
	}
	if s, err := JSON(v); err == nil {
		return s
	}
	if s, ok := v.ConvertToType(types.StringType).(types.String); ok {
		return string(s)
	}
	return v.Type().TypeName()
}

// Plain turns a value into what encoding/json would decode, with whole numbers
// as int64: for records and traces.
func Plain(v ref.Val) any {
	switch x := v.(type) {
	case types.Int:
		return int64(x)
	case types.Bool:
		return bool(x)
	case types.String:
		return string(x)
	case types.Timestamp, types.Duration, types.Bytes:
		return Text(v)
	}
	switch x := v.Value().(type) { // what actions publish most
	case map[string]string:
		out := make(map[string]any, len(x))
		for key, value := range x {
			out[key] = value
		}
		return out
	case []string:
		out := make([]any, len(x))
		for i, value := range x {
			out[i] = value
		}
		return out
	}
	native, err := v.ConvertToNative(jsonValue)
	if err != nil {
		return Text(v)
	}
	return native.(*structpb.Value).AsInterface()
}
