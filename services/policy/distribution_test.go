package policy_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/testenv"
)

type watcher struct {
	t      testing.TB
	stream policyv1.DistributionService_WatchClient
}

func (r *replica) watch(t testing.TB) watcher {
	t.Helper()
	stream, err := policyv1.NewDistributionServiceClient(r).Watch(within(t), &policyv1.WatchRequest{ProxyId: "px_1"})
	if err != nil {
		t.Fatal(err)
	}
	return watcher{t, stream}
}

// next is the next update that is no heartbeat.
func (w watcher) next() *policyv1.WatchResponse {
	w.t.Helper()
	for {
		m, err := w.stream.Recv()
		if err != nil {
			w.t.Fatal(err)
		}
		if _, beat := m.Update.(*policyv1.WatchResponse_HeartbeatRevision); !beat {
			return m
		}
	}
}

func TestWatchGivesASnapshotThenDeltasFromAnyReplica(t *testing.T) {
	url := testenv.SharedRedis(t).URL()
	one, other := ready(t, url), ready(t, url)
	first := one.create(t, &policyv1.Endpoint{Url: "a.example", Upstream: upstream("1")})

	testenv.Eventually(t, 10*time.Second, func() bool {
		list, err := other.endpoints().ListEndpoints(within(t), &policyv1.ListEndpointsRequest{})
		return err == nil && len(list.Endpoints) == 1
	}, "the other replica reads the same store")
	w := other.watch(t)
	snap := w.next().GetSnapshot()
	if snap.GetRevision() == 0 { // it was on its way
		if d := w.next().GetDelta(); d.GetRevision() != first.Revision || d.Changed[0].Id != first.Id {
			t.Fatalf("got %v", d)
		}
	} else if len(snap.Endpoints) != 1 || snap.Endpoints[0].Name != "a.example" {
		t.Fatalf("got %v", snap)
	}
	if c := snap.GetCapture(); c.GetMode() != policyv1.CaptureMode_CAPTURE_MODE_METADATA || c.GetRequestBodyLimit() != 10240 || c.GetSamplePercent() != 100 || len(snap.ReplayKey) != 32 {
		t.Errorf("capture %v, replay key of %d bytes", c, len(snap.ReplayKey))
	}
	key, err := policyv1.NewDistributionServiceClient(one).GetReplayKey(within(t), &policyv1.GetReplayKeyRequest{})
	if err != nil || !bytes.Equal(key.GetReplayKey(), snap.ReplayKey) {
		t.Errorf("the replicas disagree about the replay key (%v)", err)
	}

	second := one.create(t, &policyv1.Endpoint{Url: "b.example", Upstream: upstream("2")})
	if d := w.next().GetDelta(); d.GetRevision() != second.Revision || len(d.Changed) != 1 || d.Changed[0].Id != second.Id || d.Changed[0].Revision != second.Revision || d.Capture != nil {
		t.Errorf("got %v", d)
	}
	if _, err := one.endpoints().DeleteEndpoint(within(t), &policyv1.DeleteEndpointRequest{Id: first.Id}); err != nil {
		t.Fatal(err)
	}
	if d := w.next().GetDelta(); fmt.Sprint(d.GetDeletedIds()) != fmt.Sprint([]string{first.Id}) {
		t.Errorf("got %v", d)
	}
}

func TestCaptureSettingsReachProxies(t *testing.T) {
	r := ready(t, testenv.SharedRedis(t).URL())
	client := policyv1.NewSettingsServiceClient(r)
	w := r.watch(t)
	w.next()

	got, err := client.UpdateCaptureSettings(within(t), &policyv1.UpdateCaptureSettingsRequest{
		Settings: &policyv1.CaptureSettings{
			Mode: policyv1.CaptureMode_CAPTURE_MODE_FULL, RequestBodyLimit: 5, RedactHeaders: []string{"X-B", "x-a", " X-b"},
		},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"mode", "redact_headers"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := got.GetSettings()
	if want.GetMode() != policyv1.CaptureMode_CAPTURE_MODE_FULL || want.GetRequestBodyLimit() != 10240 || fmt.Sprint(want.RedactHeaders) != "[x-a x-b]" || want.GetUpdatedAt() == nil {
		t.Errorf("got %v", want)
	}
	if d := w.next().GetDelta(); fmt.Sprint(d.GetCapture()) != fmt.Sprint(want) || d.GetRevision() != want.GetRevision() {
		t.Errorf("the proxy got %v, want %v", d, want)
	}
	read, err := client.GetCaptureSettings(within(t), &policyv1.GetCaptureSettingsRequest{})
	if err != nil || fmt.Sprint(read.GetSettings()) != fmt.Sprint(want) {
		t.Errorf("read %v, %v", read, err)
	}
}

func TestBadCaptureSettings(t *testing.T) {
	r := ready(t, testenv.SharedRedis(t).URL())
	client := policyv1.NewSettingsServiceClient(r)
	for field, s := range map[string]*policyv1.CaptureSettings{
		"redact_headers":     {RedactHeaders: []string{"x y"}},
		"sample_percent":     {SamplePercent: 101},
		"request_body_limit": {RequestBodyLimit: 1<<30 + 1},
		"keep":               {Keep: &policyv1.CaptureKeep{Expression: "res."}},
		"redaction_rules":    {RedactionRules: []*policyv1.RedactionRule{{Name: "x"}}},
	} {
		_, err := client.UpdateCaptureSettings(within(t), &policyv1.UpdateCaptureSettingsRequest{Settings: s, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{field}}})
		if !errs.Is(err, errs.ReasonInvalid) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestWatchOverARestartOfRedis(t *testing.T) {
	server := testenv.Redis(t)
	r := ready(t, server.URL())
	made := r.create(t, &policyv1.Endpoint{Url: "a.example", Upstream: upstream("1")})
	w := r.watch(t)
	w.next()
	awaitAOF(t, server)
	server.Kill()
	testenv.Eventually(t, 10*time.Second, func() bool { return r.service.Ready() != nil }, "the service notices")
	server.Restart()
	testenv.Eventually(t, 10*time.Second, func() bool { return r.service.Ready() == nil }, "the service recovers")
	r.create(t, &policyv1.Endpoint{Url: "b.example", Upstream: upstream("2")})

	seen := map[string]bool{}
	for len(seen) < 2 {
		m := w.next()
		for _, e := range append(m.GetSnapshot().GetEndpoints(), m.GetDelta().GetChanged()...) {
			seen[e.GetUrl()] = true
		}
	}
	if got, err := r.endpoints().GetEndpoint(within(t), &policyv1.GetEndpointRequest{Id: made.Id}); err != nil {
		t.Errorf("the endpoint is lost: %v, %v", got, err)
	}
}

func TestStartsWithoutRedis(t *testing.T) {
	server := testenv.Redis(t)
	server.Kill()
	r := start(t, server.URL())
	if err := r.service.Ready(); err == nil {
		t.Error("ready without Redis")
	}
	w := r.watch(t) // waits for the snapshot
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	if _, err := r.endpoints().ListEndpoints(ctx, &policyv1.ListEndpointsRequest{}); !errs.Is(err, errs.ReasonUnavailable) {
		t.Errorf("got %v", err)
	}
	server.Restart()
	if w.next().GetSnapshot() == nil {
		t.Error("no snapshot came")
	}
}

func TestStopIsQuickWithOpenStreams(t *testing.T) {
	r := ready(t, testenv.SharedRedis(t).URL())
	w := r.watch(t)
	w.next()
	limits := r.decide(t)
	before := time.Now()
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(before); took > 3*time.Second {
		t.Errorf("stopping took %v", took)
	}
	if _, err := w.stream.Recv(); err == nil {
		t.Error("the stream goes on")
	}
	if _, err := limits.Recv(); err == nil {
		t.Error("the stream of limits goes on")
	}
}

// awaitAOF waits until what was written is in the append-only file: Redis puts
// that off while an earlier fsync is under way.
func awaitAOF(t testing.TB, server *testenv.RedisServer) {
	t.Helper()
	client := server.Client()
	testenv.Eventually(t, 10*time.Second, func() bool {
		info, err := client.InfoMap(context.Background(), "persistence").Result()
		return err == nil && info["Persistence"]["aof_buffer_length"] == "0" && info["Persistence"]["aof_pending_bio_fsync"] == "0"
	}, "the append-only file is written")
}
