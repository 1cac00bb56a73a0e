package settings

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
)

func TestFaultsNameTheirFields(t *testing.T) {
	doc := &policyv1.CaptureSettings{
		RedactHeaders: []string{"x-good", "x bad"},
		Keep:          &policyv1.CaptureKeep{SlowerThan: durationpb.New(-time.Second), Expression: "true &&\n  nobody == 1"},
		RedactionRules: []*policyv1.RedactionRule{
			{Name: "ok", JsonPath: "$..token"},
			{Name: "ok", Header: "X-A"},
			{Name: "Bad", FormField: "f"},
			{Name: "jwt", Pattern: "x"},
			{Name: "two", Header: "X-A", Pattern: "x"},
			{Name: "none"},
			{Name: "path", JsonPath: "a.b"},
			{Name: "pattern", Pattern: "("},
			{Name: "empty", Pattern: "x*"},
		},
		DisabledRedactionRules: []string{"card_number", "credential_headers", "nothing"},
	}
	e := errs.As(check(doc))
	if e == nil || e.Reason != errs.ReasonInvalid {
		t.Fatalf("%v", e)
	}
	var got []string
	for _, v := range e.Violations {
		got = append(got, v.Field)
		if v.Message == "" {
			t.Errorf("%s: no message", v.Field)
		}
		if v.Field == "keep.expression" && (v.Line != 2 || v.Column != 3) {
			t.Errorf("at %d:%d", v.Line, v.Column)
		}
	}
	want := "redact_headers[1] keep.slower_than keep.expression redaction_rules[1].name redaction_rules[2].name redaction_rules[3].name redaction_rules[4] " +
		"redaction_rules[5] redaction_rules[6].json_path redaction_rules[7].pattern redaction_rules[8].pattern disabled_redaction_rules[1] disabled_redaction_rules[2]"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
}

func TestGoodSettingsAreNormalised(t *testing.T) {
	doc := &policyv1.CaptureSettings{
		RedactHeaders: []string{"X-B", "x-a", " x-b "}, DisabledRedactionRules: []string{"jwt", "card_number", "jwt"},
		Keep:           &policyv1.CaptureKeep{ServerErrors: true, SlowerThan: durationpb.New(time.Second), Expression: "res.status_code == 404"},
		RedactionRules: []*policyv1.RedactionRule{{Name: "a", Header: "X-A"}, {Name: "b", Pattern: `\bT-\d+`}, {Name: "c", JsonPath: "$.cards[*].number"}, {Name: "d", QueryParameter: "pin"}},
	}
	if err := check(doc); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(doc.GetRedactHeaders(), doc.GetDisabledRedactionRules()); got != "[x-a x-b] [card_number jwt]" {
		t.Error(got)
	}
}
