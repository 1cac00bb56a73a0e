package capture

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/errs"
	"sluice.dev/platform/lifecycle"
	"sluice.dev/services/capture/internal/accounting"
	"sluice.dev/services/capture/internal/follow"
	"sluice.dev/services/capture/internal/heads"
	"sluice.dev/services/capture/internal/ingest"
	"sluice.dev/services/capture/internal/janitor"
	"sluice.dev/services/capture/internal/query"
	"sluice.dev/services/capture/internal/rollup"
	"sluice.dev/services/capture/internal/store"
)

type metrics struct {
	ingest *ingest.Metrics
	follow *follow.Metrics
	trim   *janitor.Metrics
}

func newMetrics(r prometheus.Registerer) *metrics {
	return &metrics{ingest.NewMetrics(r), follow.NewMetrics(r), janitor.NewMetrics(r)}
}

// backend is all that needs ClickHouse.
type backend struct {
	service   *Service
	store     *store.Store
	tenure    *heads.Tenure
	committer *ingest.Committer
	caretaker *heads.Caretaker
	accounts  *accounting.Book
	query     *query.Service
	counter   *rollup.Runner
	janitor   *janitor.Janitor
}

// openBackend opens the table, claims the writer's log and finds its end.
func openBackend(ctx context.Context, s *Service) (*backend, error) {
	table, err := s.cfg.store().Open(ctx, s.cfg.ClickHouse, clock.System{}, s.tel.Log)
	if err != nil {
		return nil, err
	}
	b := &backend{service: s, store: table, tenure: heads.NewTenure(s.redis, s.cfg.Writer, s.tel.Log)}
	head, err := b.recover(ctx)
	if err != nil {
		b.close()
		return nil, err
	}
	clk, log := clock.System{}, s.tel.Log
	b.accounts = accounting.NewBook(s.redis, clk)
	shared := ingest.Redis{Publisher: s.board, Claims: heads.NewClaims(s.redis, s.cfg.Writer), Permit: b.tenure}
	b.committer = ingest.NewCommitter(s.cfg.Writer, head, s.cfg.QueueBytes, table, s.routes, shared, clk, log, s.parts.ingest)
	b.caretaker = heads.NewCaretaker(s.board, table, s.cfg.Writer, s.cfg.Retention, log)
	b.janitor = janitor.New(table, log, s.parts.trim)
	b.counter = rollup.New(table, s.redis, s.cfg.Writer, log)
	b.query = query.New(table, follow.NewFeed(table, s.board, s.parts.follow), b.accounts, clk)
	return b, nil
}

// recover finds the end of the log that an earlier run of this writer left, and
// publishes it: that run may have died before it did.
func (b *backend) recover(ctx context.Context) (uint64, error) {
	if err := b.tenure.Claim(ctx); err != nil {
		return 0, err
	}
	if err := b.service.board.Refresh(ctx); err != nil {
		return 0, err
	}
	known, _ := b.service.board.Heads()
	head, err := b.store.Head(ctx, b.service.cfg.Writer, known[b.service.cfg.Writer])
	if err != nil {
		return 0, err
	}
	return head, b.service.board.Publish(ctx, b.service.cfg.Writer, head)
}

func (b *backend) run(ctx context.Context) error {
	return lifecycle.Run(ctx, drain, b.tenure, b.caretaker, b.counter, b.janitor, b.committer)
}

func (b *backend) close() {
	if err := b.store.Close(); err != nil {
		b.service.tel.Log.Warn("closing ClickHouse failed", "error", err)
	}
}

func (b *backend) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if b.tenure.Lost() {
		return errs.Unavailable("another process uses the writer id %s", b.service.cfg.Writer)
	}
	if err := b.service.redis.Ping(ctx).Err(); err != nil {
		return errs.Unavailable("Redis does not answer").Because(err)
	}
	if err := b.store.Ping(ctx); err != nil {
		return errs.Unavailable("ClickHouse does not answer").Because(err)
	}
	return nil
}
