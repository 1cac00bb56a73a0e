package proxy_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

func TestChangesTakeEffect(t *testing.T) {
	up := serve(t, hello)
	p, server := newPolicyServer(t, endpoint(up.URL, ""))
	r := run(t, t.TempDir(), server.address, nowhere).ready()
	if status, _, _ := r.get("/"); status != 200 {
		t.Fatal(status)
	}
	denying := endpoint(up.URL, "on_http_request: [{actions: [{type: deny, config: {status_code: 403}}]}]")
	denying.Revision = 2
	p.change(&policyv1.Delta{Revision: 2, Changed: []*policyv1.Endpoint{denying}})
	eventually(t, "the policy", func() bool { status, _, _ := r.get("/"); return status == 403 })

	// A revision that cannot be compiled leaves the one before in force.
	faulty := endpoint(up.URL, "on_http_request: [{actions: [{type: nonsense}]}]")
	faulty.Revision = 3
	p.change(&policyv1.Delta{Revision: 3, Changed: []*policyv1.Endpoint{faulty}})
	eventually(t, "revision 3", func() bool { return r.status().GetRevision() == 3 })
	if status, _, _ := r.get("/"); status != 403 {
		t.Errorf("with a faulty revision: %d", status)
	}
	if n := r.metric("sluice_proxy_faulty_endpoints"); n != 1 {
		t.Errorf("%v faulty endpoints", n)
	}
	other := &policyv1.Endpoint{Id: "ep_2", Url: "http://other.test", Revision: 4}
	p.change(&policyv1.Delta{Revision: 4, Changed: []*policyv1.Endpoint{other}})
	eventually(t, "revision 4", func() bool { return r.status().GetRevision() == 4 })
	if n := r.metric("sluice_proxy_faulty_endpoints"); n != 1 || r.status().GetEndpoints() != 2 {
		t.Errorf("%v faulty endpoints of %d", n, r.status().GetEndpoints())
	}
	p.change(&policyv1.Delta{Revision: 5, DeletedIds: []string{"ep_1"}})
	eventually(t, "the deletion", func() bool { status, code, _ := r.get("/"); return status == 404 && code == "SLUICE_3200" })
	if n := r.metric("sluice_proxy_faulty_endpoints"); n != 0 {
		t.Errorf("%v faulty endpoints after the deletion", n)
	}
}

func TestServesWithoutTheControlPlane(t *testing.T) {
	up := serve(t, hello)
	_, server := newPolicyServer(t, endpoint(up.URL, "on_http_response: [{actions: [{type: add-headers, config: {headers: {x-policy: yes}}}]}]"))
	dir := t.TempDir()
	first := run(t, dir, server.address, nowhere).ready()
	eventually(t, "the snapshot file", func() bool { _, err := os.Stat(filepath.Join(dir, "snapshot.pb")); return err == nil })
	server.stop()
	eventually(t, "the lost connection", func() bool { return !first.status().GetConnected() })
	if status, _, _ := first.get("/"); status != 200 {
		t.Errorf("after the policy service went away: %d", status)
	}
	first.end()

	second := run(t, dir, server.address, nowhere)
	if err := second.Ready(); err != nil {
		t.Fatalf("a proxy with a snapshot on disk is not ready: %v", err)
	}
	if res := second.send("GET", "/", ""); res.StatusCode != http.StatusOK || res.Header.Get("X-Policy") != "yes" {
		t.Errorf("from the snapshot: %d %v", res.StatusCode, res.Header)
	}
	if st := second.status(); st.GetConnected() || st.GetRevision() != 1 || st.GetEndpoints() != 1 {
		t.Errorf("%v", st)
	}
	server.start()
	eventually(t, "the reconnection", func() bool { return second.status().GetConnected() })
}

func TestDamagedSnapshotIsNotServed(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "snapshot.pb"), []byte("sluice-snapshot-1\nwhatever, but not what was written before"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, dir, nowhere, nowhere)
	if r.Ready() == nil {
		t.Error("ready without a configuration")
	}
	if status, code, _ := r.get("/"); status != 503 || code != "SLUICE_4526" {
		t.Errorf("%d %s", status, code)
	}
}
