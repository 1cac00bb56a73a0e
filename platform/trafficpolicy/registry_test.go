package trafficpolicy_test

import (
	"testing"

	"sluice.dev/platform/trafficpolicy"
)

// TestActionsDescribeThemselves: documentation and completion are made from
// these.
func TestActionsDescribeThemselves(t *testing.T) {
	actions := trafficpolicy.Actions()
	if len(actions) < 10 {
		t.Fatalf("only %d actions", len(actions))
	}
	for _, a := range actions {
		if a.Summary == "" || len(a.Phases) == 0 || a.Terminating == "" {
			t.Errorf("%s is not described: %+v", a.Type, a)
		}
		checkFields(t, a.Type, a.Fields)
		for _, r := range a.Results {
			if r.Description == "" || r.Type == nil {
				t.Errorf("%s: result %s is not described", a.Type, r.Name)
			}
		}
	}
}

func checkFields(t *testing.T, owner string, fields []trafficpolicy.Field) {
	t.Helper()
	for _, f := range fields {
		nested := f.Kind == trafficpolicy.Object || f.Kind == trafficpolicy.Objects
		if f.Description == "" || f.Kind == "" || f.Kind == trafficpolicy.Enum && len(f.Values) == 0 || nested == (len(f.Fields) == 0) {
			t.Errorf("%s.%s is not described: %+v", owner, f.Name, f)
		}
		if f.Required && f.Default != nil {
			t.Errorf("%s.%s is required and has a default", owner, f.Name)
		}
		checkFields(t, owner+"."+f.Name, f.Fields)
	}
}

func TestCodesAreUnique(t *testing.T) {
	seen := map[trafficpolicy.Code]bool{}
	for _, c := range trafficpolicy.Codes() {
		if seen[c.Code] || c.Meaning == "" {
			t.Errorf("%s is listed twice or has no meaning", c.Code)
		}
		seen[c.Code] = true
	}
}

func TestVariablesDependOnThePhase(t *testing.T) {
	names := func(ph trafficpolicy.Phase) map[string]bool {
		out := map[string]bool{}
		for _, v := range trafficpolicy.Variables(ph) {
			out[v.Name] = true
		}
		return out
	}
	request, response, connect := names(trafficpolicy.OnHTTPRequest), names(trafficpolicy.OnHTTPResponse), names(trafficpolicy.OnTCPConnect)
	if !request["req.url.path"] || request["res.status_code"] || !response["res.status_code"] || connect["req.method"] || !connect["conn.client_ip"] {
		t.Error("a variable is readable in the wrong phase")
	}
	if !request["actions.sluice.rate_limit.limited"] || !request["actions.ngrok.rate_limit.limited"] {
		t.Error("results are not listed under both names")
	}
}
