package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice.dev/e2e/harness"
)

// limit is a policy that admits capacity requests a minute for each value of key,
// and answers them itself.
func limit(capacity int, key, onStoreError string) string {
	return fmt.Sprintf(`on_http_request:
  - actions:
      - {type: rate-limit, config: {name: e2e, algorithm: sliding_window, capacity: %d, rate: 1m, bucket_key: ["%s"], on_store_error: %s}}
      - {type: custom-response, config: {body: admitted}}
`, capacity, key, onStoreError)
}

// publishLimit publishes an endpoint with such a policy.
func publishLimit(t *testing.T, sys *harness.System, name, policy string) (id, url string) {
	t.Helper()
	var e struct{ ID string }
	url = "http://" + name + ".localhost"
	sys.API.Must(t, "POST", "/api/v1/endpoints", harness.Object{"url": url, "traffic_policy": policy}, &e)
	return e.ID, url
}

// request is one that was answered.
type request struct {
	before, after time.Time
	status        int
}

// clients send requests at random times to the proxies in turn, pace a second all
// together, for d. Without pace each sends the next when it is answered.
func clients(t *testing.T, sys *harness.System, proxies, n int, url string, pace float64, d time.Duration) []request {
	t.Helper()
	var mu sync.Mutex
	var all []request
	var wg sync.WaitGroup
	end := time.Now().Add(d)
	for i := range n {
		v := sys.Visitor(i % proxies)
		wg.Go(func() {
			next := time.Now()
			for {
				if pace > 0 {
					next = next.Add(time.Duration(rand.ExpFloat64() * float64(n) / pace * float64(time.Second)))
					<-time.After(time.Until(next))
				}
				r := request{before: time.Now()}
				if r.before.After(end) {
					return
				}
				a, err := v.Try("GET", url+"/", "")
				r.after, r.status = time.Now(), a.Status
				mu.Lock()
				if err != nil {
					t.Errorf("no answer: %v", err)
				}
				all = append(all, r)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return all
}

func with(all []request, status int) []request {
	var out []request
	for _, r := range all {
		if r.status == status {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b request) int { return a.before.Compare(b.before) })
	return out
}

// In no minute are more admitted than the limit says, however many proxies count,
// and at saturation nearly all of them.
func TestLimitIsExactAcrossProxies(t *testing.T) {
	t.Setenv("SLUICE_RATE_LIMIT_TIMEOUT", "2s") // a busy machine is no outage
	sys := harness.Split(t, 4)
	const capacity = 400
	urls := map[int]string{}
	for _, proxies := range []int{1, 2, 4} {
		_, urls[proxies] = publishLimit(t, sys, fmt.Sprintf("exact-%d", proxies), limit(capacity, "req.host", "deny"))
	}
	sys.Settle()
	for _, proxies := range []int{1, 2, 4} {
		t.Run(fmt.Sprintf("proxies=%d", proxies), func(t *testing.T) {
			all := clients(t, sys, proxies, 8, urls[proxies], 150, 6*time.Second)
			admitted, refused, other := with(all, 200), with(all, 429), len(all)
			other -= len(admitted) + len(refused)
			share := float64(len(admitted)) / capacity
			t.Logf("%d requests: %d admitted, %.2f %% of the limit, %d refused", len(all), len(admitted), 100*share, len(refused))
			if other > 0 || len(refused) == 0 {
				t.Errorf("%d requests were neither admitted nor refused, %d refused", other, len(refused))
			}
			if len(admitted) > capacity && admitted[capacity].after.Sub(admitted[0].before) < time.Minute {
				t.Errorf("%d admitted in a minute, capacity %d", len(admitted), capacity)
			}
			if share < 0.97 {
				t.Errorf("only %.2f %% of the limit was admitted", 100*share)
			}
		})
	}
}

// A bucket with many requests costs Redis few calls.
func TestHotBucketIsCheap(t *testing.T) {
	t.Setenv("SLUICE_RATE_LIMIT_TIMEOUT", "2s")
	sys := harness.Split(t, 2)
	_, url := publishLimit(t, sys, "hot", limit(1_000_000, "'all'", "deny"))
	sys.Settle()
	before := sys.Metric("policy", "sluice_policy_rate_limit_batch_buckets_sum")
	all := clients(t, sys, 2, 8, url, 0, 4*time.Second)
	calls := sys.Metric("policy", "sluice_policy_rate_limit_batch_buckets_sum") - before
	t.Logf("%d requests, %.4f Redis calls a request", len(all), calls/float64(len(all)))
	if n := len(with(all, 200)); n != len(all) || calls/float64(len(all)) >= 0.1 {
		t.Errorf("%d of %d admitted with %.0f calls", n, len(all), calls)
	}
}

// While Redis hangs every rule decides as it says, within the deadline; afterwards
// the limits go on, and a Redis that was killed comes back with what it counted.
func TestLimitsWithoutRedis(t *testing.T) {
	const deadline = 100 * time.Millisecond
	t.Setenv("SLUICE_RATE_LIMIT_TIMEOUT", deadline.String())
	sys := harness.Split(t, 1)
	const capacity = 20
	urls := map[string]string{}
	for _, mode := range []string{"allow", "deny", "local"} {
		_, urls[mode] = publishLimit(t, sys, mode, limit(capacity, "'all'", mode))
	}
	sys.Settle()
	v := sys.Visitor(0)
	for _, url := range urls {
		if a := v.Get(url); a.Status != 200 {
			t.Fatalf("status %d", a.Status)
		}
	}
	sys.Procs["redis"].Pause()
	var waits []time.Duration
	got := map[string]map[int]int{"allow": {}, "deny": {}, "local": {}}
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); <-time.After(5 * time.Millisecond) {
		for mode, url := range urls {
			a := v.Get(url)
			waits = append(waits, a.Took)
			got[mode][a.Status]++
		}
	}
	sys.Procs["redis"].Resume()
	slices.Sort(waits)
	t.Logf("%d requests: half within %v, 99 of 100 within %v, all within %v; answers %v", len(waits), waits[len(waits)/2], waits[len(waits)*99/100], waits[len(waits)-1], got)
	for mode, status := range map[string]int{"allow": 200, "deny": 503} {
		if len(got[mode]) != 1 || got[mode][status] == 0 {
			t.Errorf("%s: %v, want only %d", mode, got[mode], status)
		}
	}
	// Its own share, and what it had leave for when Redis stopped answering.
	if n := got["local"][200]; n > capacity || n == 0 || got["local"][429] == 0 || len(got["local"]) != 2 {
		t.Errorf("local: %v", got["local"])
	}
	// A request waits for its answer at most once; the rest is what a busy machine costs.
	if p := waits[len(waits)*99/100]; p > deadline+150*time.Millisecond {
		t.Errorf("one in a hundred waited over %v", p)
	}
	counts(t, v, urls["deny"], capacity-1)
	killed(t, sys, v)
}

// counts waits until the shared counter decides again, and has it admit what is
// left, and no more. A check whose answer came too late may have been counted; its
// permit comes back, unless nobody got the answer.
func counts(t *testing.T, v *harness.Visitor, url string, left int) {
	t.Helper()
	admitted, decided := 0, false
	for end := time.Now().Add(8 * time.Second); admitted < left && time.Now().Before(end); <-time.After(25 * time.Millisecond) {
		switch a := v.Get(url); a.Status {
		case 200:
			admitted, decided = admitted+1, true
		case 429:
			decided = true
		}
	}
	if !decided || admitted < left/2 {
		t.Errorf("%d admitted after the outage, want %d", admitted, left)
	}
	if a := v.Get(url); a.Status != 429 {
		t.Errorf("after %d of %d: status %d", admitted, left, a.Status)
	}
}

// killed ends Redis without warning and starts it again.
func killed(t *testing.T, sys *harness.System, v *harness.Visitor) {
	t.Helper()
	_, url := publishLimit(t, sys, "killed", limit(10, "'all'", "deny"))
	sys.Settle()
	for range 3 {
		if a := v.Get(url); a.Status != 200 {
			t.Fatalf("before: status %d", a.Status)
		}
	}
	<-time.After(1500 * time.Millisecond) // Redis writes its append-only file every second
	sys.Procs["redis"].Kill()
	if a := v.Get(url); a.Status != 503 {
		t.Errorf("without Redis: status %d", a.Status)
	}
	sys.Procs["redis"].Restart()
	counts(t, v, url, 7)
	sys.WaitReady()
	sys.Settle()
}

// Lists of buckets and Redis itself show no credentials that buckets are made of.
func TestBucketsShowNoCredentials(t *testing.T) {
	sys := harness.Split(t, 1)
	id, url := publishLimit(t, sys, "keys", strings.Replace(limit(3, "req.headers['x-api-key'][0]", "deny"), `"]`, `", "req.headers['x-tenant'][0]"]`, 1))
	sys.Settle()
	v := sys.Visitor(0)
	for range 2 {
		a := v.Send("GET", url, "", "X-Api-Key: planted-77aa0b3d", "X-Tenant: acme")
		if a.Status != 200 || !strings.HasPrefix(a.Header.Get("RateLimit"), `"e2e";r=`) || a.Header.Get("RateLimit-Policy") != `"e2e";q=3;w=60` {
			t.Fatalf("%d %v", a.Status, a.Header)
		}
	}
	var got struct {
		Buckets []struct {
			Name, Count string
			BucketKey   string `json:"bucket_key"`
		}
	}
	harness.Eventually(t, 10*time.Second, "the bucket is listed", func() error {
		err := sys.API.Do("GET", "/api/v1/rate-limit-buckets?endpoint_id="+id, nil, &got)
		if err == nil && (len(got.Buckets) != 1 || got.Buckets[0].Count != "2") {
			err = fmt.Errorf("%+v", got)
		}
		return err
	})
	if key := got.Buckets[0].BucketKey; strings.Contains(key, "planted") || !strings.HasPrefix(key, `["sha256:`) || !strings.HasSuffix(key, `","acme"]`) {
		t.Errorf("the list shows %s", key)
	}
}
