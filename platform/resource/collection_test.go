package resource_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/resource"
)

func mustCreate(t testing.TB, c *endpoints, id, url string) resource.Meta {
	t.Helper()
	_, meta, err := c.Create(context.Background(), id, &policyv1.Endpoint{Url: url})
	if err != nil {
		t.Fatal(err)
	}
	return meta
}

func TestCreateGetUpdateDelete(t *testing.T) {
	c, _ := shared(t)
	ctx := context.Background()
	doc := &policyv1.Endpoint{Url: "https://a", Description: "line one\nline two\x00"}
	_, created, err := c.Create(ctx, "ep_1", doc)
	if err != nil {
		t.Fatal(err)
	}

	got, meta, err := c.Get(ctx, "ep_1")
	if err != nil || !proto.Equal(got, doc) || meta != created {
		t.Fatalf("Get: %v, %+v, %v; created %+v", got, meta, err, created)
	}

	_, changed, err := c.Update(ctx, "ep_1", func(e *policyv1.Endpoint) (*policyv1.Endpoint, error) {
		e.Name = "b"
		return e, nil
	})
	if err != nil || changed.Revision != created.Revision+1 || !changed.CreatedAt.Equal(created.CreatedAt) || changed.UpdatedAt.Before(created.UpdatedAt) {
		t.Fatalf("Update: %+v, %v", changed, err)
	}

	if err := c.Delete(ctx, "ep_1"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Get(ctx, "ep_1"); !errs.Is(err, errs.ReasonNotFound) {
		t.Errorf("Get after Delete: %v", err)
	}
	if err := c.Delete(ctx, "ep_1"); !errs.Is(err, errs.ReasonNotFound) {
		t.Errorf("second Delete: %v", err)
	}
}

func TestUpdateThatChangesNothingMakesNoRevision(t *testing.T) {
	c, _ := shared(t)
	created := mustCreate(t, c, "ep_1", "https://a")
	_, meta, err := c.Update(context.Background(), "ep_1", func(e *policyv1.Endpoint) (*policyv1.Endpoint, error) { return e, nil })
	if err != nil || meta != created {
		t.Errorf("got %+v, %v; want %+v", meta, err, created)
	}
}

func TestErrorOfChangeStoresNothing(t *testing.T) {
	c, _ := shared(t)
	created := mustCreate(t, c, "ep_1", "https://a")
	refused := errors.New("refused")
	_, _, err := c.Update(context.Background(), "ep_1", func(e *policyv1.Endpoint) (*policyv1.Endpoint, error) {
		e.Url = "https://b"
		return e, refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
	if got, meta, _ := c.Get(context.Background(), "ep_1"); got.Url != "https://a" || meta != created {
		t.Errorf("stored %v at %+v", got, meta)
	}
}

func TestUniqueValues(t *testing.T) {
	c, _ := shared(t)
	ctx := context.Background()
	mustCreate(t, c, "ep_1", "https://a")
	mustCreate(t, c, "ep_2", "https://b")

	_, _, err := c.Create(ctx, "ep_3", &policyv1.Endpoint{Url: "https://a"})
	if e := errs.As(err); e == nil || e.Code != codes.AlreadyExists || e.Message != `the endpoint ep_1 has "https://a" already` {
		t.Errorf("Create with a taken value: %v", err)
	}
	setURL := func(id, url string) error {
		_, _, err := c.Update(ctx, id, func(e *policyv1.Endpoint) (*policyv1.Endpoint, error) {
			e.Url = url
			return e, nil
		})
		return err
	}
	if err := setURL("ep_2", "https://a"); !errs.Is(err, errs.ReasonAlreadyExists) {
		t.Errorf("Update to a taken value: %v", err)
	}
	if err := setURL("ep_1", "https://c"); err != nil {
		t.Fatal(err)
	}
	if err := setURL("ep_2", "https://a"); err != nil {
		t.Errorf("the value that an update gave up stays taken: %v", err)
	}
	if err := c.Delete(ctx, "ep_2"); err != nil {
		t.Fatal(err)
	}
	mustCreate(t, c, "ep_3", "https://a")
	if got, err := c.GetUnique(ctx, "https://a"); err != nil || got.ID != "ep_3" || got.Doc.GetUrl() != "https://a" || got.Revision == 0 {
		t.Errorf("by unique value: %+v, %v", got, err)
	}
	if _, err := c.GetUnique(ctx, "https://b"); !errs.Is(err, errs.ReasonNotFound) {
		t.Errorf("by a value that nobody has: %v", err)
	}
}

func TestCreateWithTakenID(t *testing.T) {
	c, _ := shared(t)
	mustCreate(t, c, "ep_1", "https://a")
	if _, _, err := c.Create(context.Background(), "ep_1", &policyv1.Endpoint{Url: "https://b"}); !errs.Is(err, errs.ReasonAlreadyExists) {
		t.Errorf("got %v", err)
	}
}

func TestListIsNewestFirstInPages(t *testing.T) {
	c, _ := shared(t)
	ctx := context.Background()
	for i := range 7 {
		mustCreate(t, c, fmt.Sprint("ep_", i), fmt.Sprint("https://", i))
	}
	if err := c.Delete(ctx, "ep_3"); err != nil {
		t.Fatal(err)
	}
	var got []string
	for cursor, pages := "", 0; ; pages++ {
		page, next, err := c.List(ctx, 2, cursor)
		if err != nil || len(page) != 2 || pages > 3 {
			t.Fatalf("page %d: %v, %v", pages, page, err)
		}
		for _, e := range page {
			got = append(got, e.ID)
		}
		if cursor = next; next == "" {
			break
		}
	}
	if want := "[ep_6 ep_5 ep_4 ep_2 ep_1 ep_0]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if _, _, err := c.List(ctx, 2, "nonsense"); !errs.Is(err, errs.ReasonInvalid) {
		t.Errorf("bad cursor: %v", err)
	}
}

func TestAllIsOldestFirstWithTheRevision(t *testing.T) {
	c, _ := shared(t)
	if all, revision, err := c.All(context.Background()); err != nil || len(all) != 0 || revision != 0 {
		t.Fatalf("empty store: %v, %d, %v", all, revision, err)
	}
	for i := range 20 {
		mustCreate(t, c, fmt.Sprint("ep_", i), fmt.Sprint("https://", i))
	}
	all, revision, err := c.All(context.Background())
	if err != nil || revision != 20 || len(all) != 20 {
		t.Fatalf("%d entries, revision %d, %v", len(all), revision, err)
	}
	for i, e := range all {
		if e.ID != fmt.Sprint("ep_", i) || e.Revision != uint64(i+1) {
			t.Errorf("entry %d is %s of revision %d", i, e.ID, e.Revision)
		}
	}
}

// No update is lost among writers on connections of their own.
func TestNoLostUpdate(t *testing.T) {
	c, db := shared(t)
	mustCreate(t, c, "ep_1", "https://a")
	const writers, each = 8, 25
	var wg sync.WaitGroup
	for range writers {
		own := collection(db)
		wg.Go(func() {
			for range each {
				_, _, err := own.Update(context.Background(), "ep_1", func(e *policyv1.Endpoint) (*policyv1.Endpoint, error) {
					n, _ := strconv.Atoi(e.Metadata)
					e.Metadata = strconv.Itoa(n + 1)
					return e, nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got, meta, err := c.Get(context.Background(), "ep_1")
	if err != nil || got.Metadata != strconv.Itoa(writers*each) || meta.Revision != writers*each+1 {
		t.Errorf("counted to %s at revision %d, %v; want %d", got.GetMetadata(), meta.Revision, err, writers*each)
	}
}

// Of many that want the same unique value exactly one gets it.
func TestUniqueAmongWriters(t *testing.T) {
	c, _ := shared(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 16 {
		wg.Go(func() {
			_, _, err := c.Create(context.Background(), fmt.Sprint("ep_", i), &policyv1.Endpoint{Url: "https://one"})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case !errs.Is(err, errs.ReasonAlreadyExists):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d writers got the value", won)
	}
}
