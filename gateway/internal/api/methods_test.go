package api_test

import (
	"strings"
	"testing"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/gateway/internal/api"
	"sluice.dev/platform/errs"
)

func find(t *testing.T, name string) api.Method {
	t.Helper()
	for _, m := range api.Methods() {
		if strings.HasSuffix(m.FullName(), "/"+name) {
			return m
		}
	}
	t.Fatalf("%s is not offered", name)
	return api.Method{}
}

func TestScopes(t *testing.T) {
	const read, write, admin = policyv1.Scope_SCOPE_READ, policyv1.Scope_SCOPE_WRITE, policyv1.Scope_SCOPE_ADMIN
	for name, want := range map[string]policyv1.Scope{
		"GetEndpoint": read, "ListEndpoints": read, "TailExchanges": read, "ValidatePolicy": read, "TestPolicy": read, "AggregateExchanges": read,
		"GetCaptureSettings": read, "ListAuditEvents": read, "GetAccounting": read,
		"CreateEndpoint": write, "UpdateMonitor": write, "DeleteDashboard": write, "ReplayExchange": write, "TestMonitor": write,
		"GetSecret": read, "ListVaults": read, "CreateSecret": write, "DeleteVault": write, "ReencryptSecrets": admin, "ReencryptEventSecrets": admin,
		"CreateApiKey": admin, "ListApiKeys": admin, "DeleteApiKey": admin, "UpdateCaptureSettings": admin,
	} {
		if got := find(t, name).Scope; got != want {
			t.Errorf("%s needs %s, want %s", name, got, want)
		}
	}
}

func TestInternalMethodsAreNotOffered(t *testing.T) {
	for _, m := range api.Methods() {
		switch m.Desc.Name() {
		case "AuthenticateApiKey", "FollowLog", "Ingest", "Decide", "Watch", "GetReplayKey":
			t.Errorf("%s is offered", m.FullName())
		}
	}
}

func TestAllow(t *testing.T) {
	m := find(t, "CreateEndpoint")
	if err := m.Allow(api.Local); err != nil {
		t.Error(err)
	}
	err := m.Allow(api.Caller{Principal: "ak_1", Scope: policyv1.Scope_SCOPE_READ})
	if !errs.Is(err, errs.ReasonScope) || !strings.Contains(err.Error(), "scope write") {
		t.Errorf("got %v", err)
	}
}
