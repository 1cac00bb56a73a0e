package patch_test

import (
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/patch"
)

func destination(t *testing.T, text string) *eventsv1.EventDestination {
	t.Helper()
	d := &eventsv1.EventDestination{}
	if err := protojson.Unmarshal([]byte(text), d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestApply(t *testing.T) {
	const stored = `{"id":"ed_1","description":"d","metadata":"m","webhook":{"url":"http://a","headers":{"A":"1","B":"2"}}}`
	cases := []struct {
		name, change string
		mask         []string
		want         string // empty: an error
	}{
		{"one field", `{"description":"x"}`, []string{"description"}, `{"id":"ed_1","description":"x","metadata":"m","webhook":{"url":"http://a","headers":{"A":"1","B":"2"}}}`},
		{"cleared", `{}`, []string{"description"}, `{"id":"ed_1","metadata":"m","webhook":{"url":"http://a","headers":{"A":"1","B":"2"}}}`},
		{"nested", `{"webhook":{"url":"http://b"}}`, []string{"webhook.url"}, `{"id":"ed_1","description":"d","metadata":"m","webhook":{"url":"http://b","headers":{"A":"1","B":"2"}}}`},
		{"map", `{"webhook":{"headers":{"C":"3"}}}`, []string{"webhook.headers"}, `{"id":"ed_1","description":"d","metadata":"m","webhook":{"url":"http://a","headers":{"C":"3"}}}`},
		{"output only", `{"id":"ed_2","status":{"delivered":"5"}}`, []string{"id", "status.delivered"}, stored},
		{"no mask", `{"metadata":"y"}`, nil, `{"id":"ed_1","description":"d","metadata":"y","webhook":{"url":"http://a","headers":{"A":"1","B":"2"}}}`},
		{"other member", `{"datadog":{"ddsite":"datadoghq.eu"}}`, []string{"datadog.ddsite"}, `{"id":"ed_1","description":"d","metadata":"m","datadog":{"ddsite":"datadoghq.eu"}}`},
		{"absent on both sides", `{}`, []string{"datadog.ddsite"}, stored},
		{"unknown", `{}`, []string{"webhook.uri"}, ""},
		{"into a scalar", `{}`, []string{"description.x"}, ""},
	}
	for _, c := range cases {
		got := destination(t, stored)
		err := patch.Apply(got, destination(t, c.change), &fieldmaskpb.FieldMask{Paths: c.mask}, "id", "status")
		if c.want == "" {
			if err == nil {
				t.Errorf("%s: no error", c.name)
			}
			continue
		}
		if want := destination(t, c.want); err != nil || !proto.Equal(got, want) {
			t.Errorf("%s: %v, %v, want %v", c.name, got, err, want)
		}
	}
}

func TestKeepSecrets(t *testing.T) {
	stored := destination(t, `{"webhook":{"url":"http://a","secret":"s","headers":{"A":"1","B":"2"}}}`)
	changed := destination(t, `{"webhook":{"url":"http://b","headers":{"A":"","C":"3"}}}`)
	patch.KeepSecrets(changed, stored)
	want := destination(t, `{"webhook":{"url":"http://b","secret":"s","headers":{"A":"1","C":"3"}}}`)
	if !proto.Equal(changed, want) {
		t.Errorf("got %v, want %v", changed, want)
	}
	replaced := destination(t, `{"webhook":{"url":"http://b","secret":"new"}}`)
	patch.KeepSecrets(replaced, stored)
	if replaced.GetWebhook().GetSecret() != "new" {
		t.Errorf("got %v", replaced)
	}
}
