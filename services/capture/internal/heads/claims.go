package heads

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"sluice.dev/platform/redisdb"
)

// claimFor is how long a claim lasts. It outlives an insert that begins with it,
// and the time for which ingest takes a batch for new.
const claimFor = 75 * time.Second

// Claims say which process inserts a batch. A proxy whose stream broke may send a
// batch to another process while the first still inserts it: without claims both
// would find it missing.
type Claims struct {
	db     *redisdb.DB
	writer string
}

// NewClaims returns the claims of writer.
func NewClaims(db *redisdb.DB, writer string) *Claims { return &Claims{db: db, writer: writer} }

// Claim is the answer for one batch.
type Claim int

// Claims are new, held by this writer already (perhaps by an earlier run of its
// process), or another's.
const (
	Fresh Claim = iota
	Held
	Foreign
)

var claim = redis.NewScript(`
local answers = {}
for i, key in ipairs(KEYS) do
  local owner = redis.call('GET', key)
  if owner and owner ~= ARGV[1] then
    answers[i] = 2
  else
    redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
    answers[i] = owner and 1 or 0
  end
end
return answers`)

// Take claims batches, or extends the claims, and says for each what came of it.
func (c *Claims) Take(ctx context.Context, batches []string) ([]Claim, error) {
	keys := make([]string, len(batches))
	for i, b := range batches {
		keys[i] = c.db.Key("capture", "batch", b)
	}
	answers, err := claim.Run(ctx, c.db, keys, c.writer, claimFor.Milliseconds()).Int64Slice()
	if err != nil {
		return nil, fmt.Errorf("claim batches: %w", err)
	}
	claims := make([]Claim, len(answers))
	for i, a := range answers {
		claims[i] = Claim(a)
	}
	return claims, nil
}
