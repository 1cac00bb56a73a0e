package resource_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/resource"
	"sluice.dev/platform/testenv"
)

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestWatchSeesEveryChangeInOrder(t *testing.T) {
	c, db := shared(t)
	other := resource.New(db, "api_key", resource.Options[*policyv1.ApiKey]{})
	ctx := within(t)
	before := mustCreate(t, c, "ep_0", "https://0")
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := 1; i <= 3; i++ {
			if _, _, err := c.Create(ctx, fmt.Sprint("ep_", i), &policyv1.Endpoint{Url: fmt.Sprint("https://", i)}); err != nil {
				t.Error(err)
			}
			if _, _, err := other.Create(ctx, fmt.Sprint("ak_", i), &policyv1.ApiKey{}); err != nil {
				t.Error(err)
			}
		}
		if err := c.Delete(ctx, "ep_2"); err != nil {
			t.Error(err)
		}
	})

	var got []string
	for change, err := range c.Watch(ctx, before.Revision) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d %s %t %s", change.Revision, change.ID, change.Deleted, change.Doc.GetUrl()))
		if change.Deleted {
			break
		}
	}
	writer.Wait()
	want := "[2 ep_1 false https://1 4 ep_2 false https://2 6 ep_3 false https://3 8 ep_2 true ]"
	if fmt.Sprint(got) != want {
		t.Errorf("got %v\nwant %s", got, want)
	}
}

func TestWatchThatFellBehindIsToldToReload(t *testing.T) {
	c, _ := shared(t)
	ctx := within(t)
	mustCreate(t, c, "ep_1", "https://a")
	for i := range 1300 {
		_, _, err := c.Update(ctx, "ep_1", func(e *policyv1.Endpoint) (*policyv1.Endpoint, error) {
			e.Metadata = fmt.Sprint(i)
			return e, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for change, err := range c.Watch(ctx, 1) {
		if !errors.Is(err, resource.ErrReload) {
			t.Fatalf("got %+v, %v", change, err)
		}
	}
}

func TestWatchOfALostRevisionIsToldToReload(t *testing.T) {
	c, db := shared(t)
	ctx := within(t)
	mustCreate(t, c, "ep_1", "https://a")
	mustCreate(t, c, "ep_2", "https://b")
	if err := db.FlushDB(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	for _, err := range c.Watch(ctx, 2) {
		if !errors.Is(err, resource.ErrReload) {
			t.Fatal(err)
		}
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	c, _ := shared(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, err := range c.Watch(ctx, 0) {
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
}

// replica is a copy of the collection kept by Follow.
type replica struct {
	mu     sync.Mutex
	docs   map[string]string
	resets int
}

func (r *replica) reset(all []resource.Entry[*policyv1.Endpoint], _ uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.resets++
	r.docs = map[string]string{}
	for _, e := range all {
		r.docs[e.ID] = e.Doc.GetUrl()
	}
}

func (r *replica) apply(c resource.Change[*policyv1.Endpoint]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.Deleted {
		delete(r.docs, c.ID)
		return
	}
	r.docs[c.ID] = c.Doc.GetUrl()
}

func (r *replica) is(want map[string]string) func() bool {
	return func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return fmt.Sprint(r.docs) == fmt.Sprint(want)
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

// Documents and the watch survive a crash of Redis.
func TestFollowOverARestart(t *testing.T) {
	server := testenv.Redis(t)
	c := collection(open(t, server.URL()))
	ctx, cancel := context.WithCancel(context.Background())
	var copied replica
	done := make(chan error, 1)
	go func() { done <- c.Follow(ctx, copied.reset, copied.apply) }()

	mustCreate(t, c, "ep_1", "https://a")
	mustCreate(t, c, "ep_2", "https://b")
	testenv.Eventually(t, 10*time.Second, copied.is(map[string]string{"ep_1": "https://a", "ep_2": "https://b"}), "the copy has both")
	awaitAOF(t, server)
	server.Kill()
	server.Restart()
	if err := c.Delete(ctx, "ep_1"); err != nil {
		t.Fatal(err)
	}
	mustCreate(t, c, "ep_3", "https://c")
	testenv.Eventually(t, 10*time.Second, copied.is(map[string]string{"ep_2": "https://b", "ep_3": "https://c"}), "the copy follows after the restart")

	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Follow returned %v", err)
	}
}

func TestFollowOverAFreeze(t *testing.T) {
	server := testenv.Redis(t)
	c := collection(open(t, server.URL()))
	ctx, cancel := context.WithCancel(context.Background())
	var copied replica
	done := make(chan error, 1)
	go func() { done <- c.Follow(ctx, copied.reset, copied.apply) }()
	mustCreate(t, c, "ep_1", "https://a")
	testenv.Eventually(t, 10*time.Second, copied.is(map[string]string{"ep_1": "https://a"}), "the copy has it")

	server.Pause()
	frozen, stop := context.WithTimeout(ctx, 200*time.Millisecond)
	defer stop()
	if _, _, err := c.Create(frozen, "ep_2", &policyv1.Endpoint{Url: "https://b"}); err == nil {
		t.Error("a frozen server took a document")
	}
	server.Resume()
	testenv.Eventually(t, 10*time.Second, func() bool {
		_, _, err := c.Update(ctx, "ep_1", func(e *policyv1.Endpoint) (*policyv1.Endpoint, error) { e.Name = "x"; return e, nil })
		return err == nil
	}, "changes work again")
	mustCreate(t, c, "ep_3", "https://c")
	testenv.Eventually(t, 10*time.Second, func() bool {
		all, _, err := c.All(ctx)
		want := map[string]string{}
		for _, e := range all {
			want[e.ID] = e.Doc.GetUrl()
		}
		return err == nil && len(want) >= 2 && copied.is(want)()
	}, "the copy follows after the freeze")
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Follow returned %v", err)
	}
}
