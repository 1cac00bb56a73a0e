// Package query answers the questions of CaptureService: it reads requests,
// fills in what they leave out, and lets the store and the feed find the answer.
package query

import (
	"context"

	"google.golang.org/protobuf/proto"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/search"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/accounting"
	"sluice.dev/services/capture/internal/follow"
	"sluice.dev/services/capture/internal/store"
)

// Service answers once the store is open.
type Service struct {
	store    *store.Store
	feed     *follow.Feed
	accounts *accounting.Book
	clock    clock.Clock
}

// New returns a service over a store, the feed of its log and the accounts.
func New(s *store.Store, feed *follow.Feed, accounts *accounting.Book, clk clock.Clock) *Service {
	return &Service{store: s, feed: feed, accounts: accounts, clock: clk}
}

// Get returns one exchange.
func (s *Service) Get(ctx context.Context, req *capturev1.GetExchangeRequest) (*capturev1.GetExchangeResponse, error) {
	e, err := s.store.Get(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	return &capturev1.GetExchangeResponse{Exchange: e}, nil
}

// Accounting returns the counts of all proxies.
func (s *Service) Accounting(ctx context.Context) (*capturev1.GetAccountingResponse, error) {
	total, proxies, err := s.accounts.All(ctx)
	if err != nil {
		return nil, err
	}
	return &capturev1.GetAccountingResponse{Total: total, Proxies: proxies}, nil
}

// Tail sends matching exchanges one by one.
func (s *Service) Tail(ctx context.Context, req *capturev1.TailExchangesRequest, send func(*capturev1.TailExchangesResponse) error) error {
	filter, err := search.Parse(req.GetFilter())
	if err != nil {
		return err
	}
	o := follow.Options{Filter: filter, Position: req.GetPosition(), Batch: tailBatch}
	return s.feed.Follow(ctx, o, func(p follow.Page) error {
		for _, e := range p.Entries {
			if err := send(&capturev1.TailExchangesResponse{Exchange: e.Exchange, Position: p.After(e)}); err != nil {
				return err
			}
		}
		return nil
	})
}

const (
	tailBatch   = 200
	followBatch = 500
	// maxMessage is from how many bytes on an answer is cut: gRPC takes 64 MiB.
	maxMessage = 16 << 20
)

// Follow sends matching exchanges in pages.
func (s *Service) Follow(ctx context.Context, req *capturev1.FollowLogRequest, send func(*capturev1.FollowLogResponse) error) error {
	filter, err := search.Parse(req.GetFilter())
	if err != nil {
		return err
	}
	o := follow.Options{Filter: filter, Position: req.GetPosition(), Batch: orDefault(req.GetBatchSize(), followBatch), Bodies: req.GetIncludeBodies()}
	return s.feed.Follow(ctx, o, func(p follow.Page) error { return sendPage(p, send) })
}

// sendPage sends a page, in several messages if it is large.
func sendPage(p follow.Page, send func(*capturev1.FollowLogResponse) error) error {
	out, size := &capturev1.FollowLogResponse{}, 0
	for i, e := range p.Entries {
		if size += proto.Size(e.Exchange); size > maxMessage && len(out.Exchanges) > 0 {
			out.Position = p.After(p.Entries[i-1])
			if err := send(out); err != nil {
				return err
			}
			out, size = &capturev1.FollowLogResponse{}, proto.Size(e.Exchange)
		}
		out.Exchanges = append(out.Exchanges, e.Exchange)
	}
	out.Position = p.Position
	return send(out)
}

func orDefault(n int32, fallback int) int {
	if n == 0 {
		return fallback
	}
	return int(n)
}
