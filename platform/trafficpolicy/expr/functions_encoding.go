package expr

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
)

func encodingFunctions() []cel.EnvOption {
	encode := cel.UnaryBinding(encodeJSON)
	opts := method("encodeBase64", "", str, func(s string) ref.Val { return types.String(base64.StdEncoding.EncodeToString([]byte(s))) })
	opts = append(opts, method("decodeBase64", "", str, decodeBase64)...)
	opts = append(opts, method("decodeJson", "json.decode", dynamic, decodeJSON)...)
	opts = append(opts, method("isJson", "", boolean, func(s string) ref.Val { return types.Bool(json.Valid([]byte(s))) })...)
	return append(opts,
		cel.Function("encodeJson",
			cel.MemberOverload("dyn_encodeJson", []*cel.Type{dynamic}, str, encode)),
		cel.Function("json.encode", cel.Overload("json_encode_dyn", []*cel.Type{dynamic}, str, encode)),
		cel.Function("basic_auth.encode", cel.Overload("basic_auth_encode", []*cel.Type{str, str}, str, cel.BinaryBinding(func(user, password ref.Val) ref.Val {
			pair := string(user.(types.String)) + ":" + string(password.(types.String))
			return types.String("Basic " + base64.StdEncoding.EncodeToString([]byte(pair)))
		}))))
}

func decodeBase64(s string) ref.Val {
	out, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return failure("not base64: %v", err)
	}
	return types.String(out)
}

// encodeJSON writes any value as JSON: bytes as base64, times as RFC 3339,
// durations as seconds ("1.5s"), map keys in order.
func encodeJSON(v ref.Val) ref.Val {
	text, err := JSON(v)
	if err != nil {
		return types.WrapErr(err)
	}
	return bounded(text)
}

var jsonValue = reflect.TypeFor[*structpb.Value]()

// JSON renders a value as compact JSON.
func JSON(v ref.Val) (string, error) {
	native, err := v.ConvertToNative(jsonValue)
	if err != nil {
		return "", err
	}
	raw, err := protojson.Marshal(native.(*structpb.Value))
	if err != nil {
		return "", err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return "", err
	}
	return compact.String(), nil
}

func decodeJSON(s string) ref.Val {
	d := json.NewDecoder(bytes.NewReader([]byte(s)))
	var out any
	if err := d.Decode(&out); err != nil {
		return failure("not JSON: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return failure("not JSON: something follows the value")
	}
	return types.DefaultTypeAdapter.NativeToValue(out)
}
