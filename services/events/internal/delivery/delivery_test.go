package delivery

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/events/internal/event"
	"sluice.dev/services/events/internal/sender"
)

// entries makes one entry per position; "-" stands for none.
func entries(positions ...string) []entry {
	out := make([]entry, len(positions))
	for i, p := range positions {
		out[i] = entry{record: sender.Record{Event: event.Event{ID: strconv.Itoa(i)}, Body: []byte(`{}`)}, position: strings.Trim(p, "-")}
	}
	return out
}

func verdicts(kinds string) []sender.Verdict {
	out := make([]sender.Verdict, len(kinds))
	for i, k := range kinds {
		out[i] = sender.Verdict{Kind: sender.Kind(strings.IndexRune("DrRSXM", k)), Reason: string(k), After: time.Duration(i) * time.Second}
	}
	return out
}

func TestSettle(t *testing.T) {
	cases := []struct {
		positions, kinds   string
		position           string
		delivered, refused int
		again              string // id@position of each
		halve, stuck       bool
	}{
		{"- - 3", "DDD", "3", 3, 0, "", false, false},
		{"1 - 3", "DDR", "1", 2, 0, "2@3", false, false},
		{"1 2 3", "DrD", "1", 2, 0, "1@3", false, false},
		{"- 2 3", "rDX", "", 1, 1, "0@3", false, false},
		{"- 2", "RR", "", 0, 0, "0@ 1@2", false, false},
		{"- 2", "SS", "", 0, 0, "0@ 1@2", true, false},
		{"2", "S", "2", 0, 1, "", false, false},
		{"2", "X", "2", 0, 1, "", false, false},
		{"- 2", "MM", "", 0, 0, "0@ 1@2", false, true},
	}
	for _, c := range cases {
		s, again := settle(entries(strings.Fields(c.positions)...), verdicts(c.kinds))
		var left []string
		for _, e := range again {
			left = append(left, e.record.Event.ID+"@"+e.position)
		}
		if s.position != c.position || s.delivered != c.delivered || len(s.refused) != c.refused || strings.Join(left, " ") != c.again || s.halve != c.halve || s.stuck != c.stuck {
			t.Errorf("%s %s: %+v, left %v", c.positions, c.kinds, s, left)
		}
	}
}

// No position is stored before all up to it are settled, and in the end the last
// one is.
func TestPositionsNeverOvertake(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "n")
		var positions []string
		for i := range n {
			if i == n-1 || rapid.Bool().Draw(t, "end of chunk") {
				positions = append(positions, strconv.Itoa(i))
			} else {
				positions = append(positions, "-")
			}
		}
		open := map[int]bool{}
		for i := range n {
			open[i] = true
		}
		left, stored := entries(positions...), -1
		for round := 0; len(left) > 0; round++ {
			kinds := "DDXrRM"
			if round > 5 {
				kinds = "D"
			}
			v := make([]sender.Verdict, len(left))
			for i := range v {
				k := rapid.IntRange(0, len(kinds)-1).Draw(t, "kind")
				v[i].Kind = sender.Kind(strings.IndexByte("DrRSXM", kinds[k]))
				if v[i].Kind == sender.Delivered || v[i].Kind == sender.Reject {
					id, _ := strconv.Atoi(left[i].record.Event.ID)
					delete(open, id)
				}
			}
			var s settled
			s, left = settle(left, v)
			if s.position == "" {
				continue
			}
			stored, _ = strconv.Atoi(s.position)
			for id := range open {
				if id <= stored {
					t.Fatalf("position %d is stored while %d is open", stored, id)
				}
			}
		}
		if stored != n-1 {
			t.Fatalf("the last position stored is %d of %d", stored, n-1)
		}
	})
}

func TestBackoffStaysWithinItsBounds(t *testing.T) {
	b := backoff{first: time.Second, most: 5 * time.Minute}
	for i := range 100 {
		bound := 5 * time.Minute
		if i < 8 {
			bound = time.Second << i
		}
		if d := b.next(); d < 100*time.Millisecond || d > bound {
			t.Errorf("wait %d is %s, the bound is %s", i, d, bound)
		}
	}
	b.reset()
	if d := b.next(); d > time.Second {
		t.Errorf("after a reset it waits %s", d)
	}
}

func newQueue(l sender.Limits) *queue {
	choose, _ := event.Select("fields", []string{"http.request.id"})
	return &queue{choose: choose, limits: l, encode: func(e event.Event) (sender.Record, error) {
		body, err := json.Marshal(e.Object)
		return sender.Record{Event: e, Body: body}, err
	}}
}

func exchange(id string) *capturev1.Exchange { return &capturev1.Exchange{Id: id} }

func TestBatchesKeepWithinLimits(t *testing.T) {
	q := newQueue(sender.Limits{Records: 3, Bytes: 100, Record: 60})
	in := make(chan chunk, 1)
	var list []*capturev1.Exchange
	for i := range 7 {
		list = append(list, exchange("ex_"+strconv.Itoa(i)))
	}
	list[4] = exchange(strings.Repeat("x", 80)) // too large for a record
	in <- chunk{list, "p"}
	var sizes []int
	for n := 0; n < 7; {
		batch := q.next(context.Background(), in)
		sizes = append(sizes, len(batch))
		n += len(batch)
	}
	if len(sizes) < 3 || sizes[0] != 2 && sizes[0] != 3 {
		t.Errorf("batches of %v", sizes)
	}
	for _, s := range sizes {
		if s > 3 {
			t.Errorf("batches of %v", sizes)
		}
	}
}

func TestAnEventTooLargeIsRefusedHere(t *testing.T) {
	q := newQueue(sender.Limits{Records: 3, Bytes: 100, Record: 60})
	q.add(chunk{[]*capturev1.Exchange{exchange(strings.Repeat("x", 80))}, "p"})
	if q.entries[0].refusal == "" || q.entries[0].position != "p" {
		t.Errorf("entry is %+v", q.entries[0])
	}
}

func TestBatchesWaitForCompanyButNotLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(sender.Limits{Records: 10, Bytes: 1000, Record: 1000, Linger: 200 * time.Millisecond})
		in := make(chan chunk)
		go func() {
			for i := range 3 {
				in <- chunk{[]*capturev1.Exchange{exchange(strconv.Itoa(i))}, strconv.Itoa(i)}
				time.Sleep(150 * time.Millisecond)
			}
		}()
		began := time.Now()
		if batch := q.next(context.Background(), in); len(batch) != 2 || time.Since(began) != 200*time.Millisecond {
			t.Errorf("%d entries after %s", len(batch), time.Since(began))
		}
		if batch := q.next(context.Background(), in); len(batch) != 1 || batch[0].position != "2" {
			t.Errorf("then %d", len(batch))
		}
	})
}

func TestAPositionThatMovesPastNothingIsStoredNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(sender.Limits{Records: 10, Bytes: 1000, Record: 1000})
		in := make(chan chunk, 2)
		in <- chunk{nil, "1"}
		in <- chunk{nil, "2"}
		began := time.Now()
		if batch := q.next(context.Background(), in); batch != nil || q.moved != "2" || time.Since(began) != idleCommit {
			t.Errorf("%v, moved %q after %s", batch, q.moved, time.Since(began))
		}
	})
}

func TestStartsSurviveStorage(t *testing.T) {
	for _, s := range []start{{position: "a|b"}, {since: time.UnixMilli(1_800_000_000_123)}, {position: "x", since: time.UnixMilli(5)}} {
		got, err := parseStart(s.position + "|" + strconv.FormatInt(millis(s.since), 10))
		if err != nil || got.position != s.position || !got.since.Equal(s.since) {
			t.Errorf("%+v became %+v, %v", s, got, err)
		}
	}
	if _, err := parseStart("junk"); err == nil {
		t.Error("junk is a start")
	}
}
