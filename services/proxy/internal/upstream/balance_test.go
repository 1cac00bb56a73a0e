package upstream

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

// pooled is an upstream of targets a.test, b.test and so on with these weights.
func pooled(tb testing.TB, by policyv1.Balancing, weights ...uint32) *Upstream {
	tb.Helper()
	doc := &policyv1.Upstream{Balancing: by}
	for i, w := range weights {
		doc.Targets = append(doc.Targets, &policyv1.UpstreamTarget{Url: fmt.Sprintf("http://t%d.test", i), Weight: w})
	}
	return parse(tb, doc, nil)
}

func everyone(u *Upstream) set {
	var all set
	for i := range u.members {
		all.add(i)
	}
	return all
}

func TestRoundRobinSpreadsByWeight(t *testing.T) {
	u := pooled(t, policyv1.Balancing_BALANCING_UNSPECIFIED, 5, 1, 1)
	var got strings.Builder
	for range 14 {
		fmt.Fprint(&got, u.balancer.choose(everyone(u), netip.Addr{}))
	}
	if want := "00102000010200"; got.String() != want {
		t.Errorf("got %s, want %s", got.String(), want)
	}
	some := everyone(u)
	some.drop(0)
	counts := map[int]int{}
	for range 10 {
		counts[u.balancer.choose(some, netip.Addr{})]++
	}
	if counts[1] != 5 || counts[2] != 5 {
		t.Errorf("without the first: %v", counts)
	}
}

func TestLeastRequestsPrefersTheLessBusy(t *testing.T) {
	u := pooled(t, policyv1.Balancing_BALANCING_LEAST_REQUESTS, 1, 1, 1)
	if !u.counted {
		t.Fatal("requests in flight are not counted")
	}
	u.members[1].active.Store(10)
	counts := make([]int, 3)
	for range 3000 {
		counts[u.balancer.choose(everyone(u), netip.Addr{})]++
	}
	// The busy one is taken only if it is drawn twice, which cannot happen.
	if counts[1] != 0 || counts[0] < 1200 || counts[2] < 1200 {
		t.Errorf("%v", counts)
	}
	heavy := pooled(t, policyv1.Balancing_BALANCING_LEAST_REQUESTS, 8, 1, 1)
	counts = make([]int, 3)
	for range 3000 {
		counts[heavy.balancer.choose(everyone(heavy), netip.Addr{})]++
	}
	if counts[0] < 2100 {
		t.Errorf("with weights: %v", counts)
	}
}

func client(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

func TestClientAddressIsConsistent(t *testing.T) {
	const clients = 6000
	u := pooled(t, policyv1.Balancing_BALANCING_CLIENT_ADDRESS, 1, 2, 1, 2)
	twin := pooled(t, policyv1.Balancing_BALANCING_CLIENT_ADDRESS, 1, 2, 1, 2) // of another proxy
	without := everyone(u)
	without.drop(1)
	counts := make([]int, 4)
	for i := range clients {
		first := u.balancer.choose(everyone(u), client(i))
		counts[first]++
		if again := twin.balancer.choose(everyone(twin), client(i)); again != first {
			t.Fatalf("%s goes to %d and to %d", client(i), first, again)
		}
		if moved := u.balancer.choose(without, client(i)); first != 1 && moved != first {
			t.Fatalf("%s moved from %d to %d when 1 left", client(i), first, moved)
		}
	}
	for i, weight := range []int{1, 2, 1, 2} {
		if want := clients * weight / 6; counts[i] < want*9/10 || counts[i] > want*11/10 {
			t.Errorf("%d has %d clients, want about %d", i, counts[i], want)
		}
	}
}

func TestPickPassesOverTheUnavailable(t *testing.T) {
	u := pooled(t, 0, 1, 1, 1)
	u.check, u.outliers = &check{}, newOutliers(&policyv1.OutlierDetection{})
	now := time.Unix(1000, 0)
	u.members[0].unhealthy.Store(true)
	u.members[1].ejectedUntil.Store(now.Add(time.Second).UnixNano())
	seen := func(now time.Time) (out []int) {
		for range 6 {
			out = append(out, u.pick(netip.Addr{}, now, &set{}))
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	if got := seen(now); !slices.Equal(got, []int{2}) {
		t.Errorf("got %v, want the one that is left", got)
	}
	if got := seen(now.Add(time.Second)); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("after the ejection: %v", got)
	}
	u.members[2].unhealthy.Store(true)
	if got := seen(now); !slices.Equal(got, []int{0, 1, 2}) {
		t.Errorf("none is available, so all are: %v", got)
	}
}

func TestPickTriesOthersFirst(t *testing.T) {
	u := pooled(t, 0, 1, 1)
	var tried set
	first := u.pick(netip.Addr{}, time.Time{}, &tried)
	tried.add(first)
	second := u.pick(netip.Addr{}, time.Time{}, &tried)
	tried.add(second)
	if first == second {
		t.Errorf("asked %d twice while another was left", first)
	}
	if third := u.pick(netip.Addr{}, time.Time{}, &tried); third < 0 {
		t.Error("all were tried: they may be asked again")
	}
}

func TestPickKeepsToMaxRequests(t *testing.T) {
	for _, targets := range []int{1, 3} {
		doc := &policyv1.Upstream{MaxRequests: 2}
		for i := range targets {
			doc.Targets = append(doc.Targets, &policyv1.UpstreamTarget{Url: fmt.Sprintf("http://t%d.test", i), Weight: uint32(1 + 9*i)})
		}
		u := parse(t, doc, nil)
		for range 2 * targets {
			if u.pick(netip.Addr{}, time.Time{}, &set{}) < 0 {
				t.Fatalf("of %d: full too early", targets)
			}
		}
		for _, m := range u.members {
			if m.active.Load() != 2 {
				t.Errorf("%s has %d", m, m.active.Load())
			}
		}
		if i := u.pick(netip.Addr{}, time.Time{}, &set{}); i >= 0 {
			t.Errorf("%d took more than it may", i)
		}
		u.release(0)
		if i := u.pick(netip.Addr{}, time.Time{}, &set{}); i != 0 {
			t.Errorf("got %d, want the one that has room", i)
		}
	}
}

func TestStatePassesOn(t *testing.T) {
	doc := &policyv1.Upstream{Targets: []*policyv1.UpstreamTarget{{Url: "http://a.test"}, {Url: "http://b.test"}}, Retry: &policyv1.RetryPolicy{}, OutlierDetection: &policyv1.OutlierDetection{}}
	before := parse(t, doc, nil)
	before.members[1].unhealthy.Store(true)
	doc.Targets = []*policyv1.UpstreamTarget{{Url: "http://b.test", Weight: 7}, {Url: "http://c.test"}}
	doc.Balancing = policyv1.Balancing_BALANCING_LEAST_REQUESTS
	after := parse(t, doc, before)
	if after.members[0] != before.members[1] || after.members[1] == before.members[0] || after.retry.budget != before.retry.budget || after.outliers.mu != before.outliers.mu {
		t.Error("what is known of a target was lost, or given to another")
	}
	doc.TlsSkipVerify = true
	if other := parse(t, doc, after); other.members[0] == after.members[0] {
		t.Error("a target that is called otherwise is another")
	}
}

func TestParseRefuses(t *testing.T) {
	for _, doc := range []*policyv1.Upstream{
		{}, {Url: "h:80"},
		{Targets: []*policyv1.UpstreamTarget{{Url: "http://a.test"}, {Url: "http://a.test/"}}},
		{Targets: slices.Repeat([]*policyv1.UpstreamTarget{{Url: "http://a.test"}}, 257)},
		{Url: "http://a.test", HealthCheck: &policyv1.HealthCheck{ExpectedStatuses: []string{"ok"}}},
		{Url: "http://a.test", HealthCheck: &policyv1.HealthCheck{Path: "x"}},
	} {
		if u, err := Parse("ep_1", doc, nil); err == nil {
			t.Errorf("%v became %+v", doc, u)
		}
	}
}

// BenchmarkPick is the choice of a target.
func BenchmarkPick(b *testing.B) {
	for name, by := range map[string]policyv1.Balancing{
		"round_robin": policyv1.Balancing_BALANCING_ROUND_ROBIN, "least_requests": policyv1.Balancing_BALANCING_LEAST_REQUESTS, "client_address": policyv1.Balancing_BALANCING_CLIENT_ADDRESS,
	} {
		for _, n := range []int{1, 3, 16, 256} {
			u := pooled(b, by, make([]uint32, n)...)
			u.check, u.outliers = &check{}, newOutliers(&policyv1.OutlierDetection{})
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				now, from := time.Now(), client(1)
				for b.Loop() {
					var tried set
					u.release(u.pick(from, now, &tried))
				}
			})
		}
	}
}
