package store

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

var granules = regexp.MustCompile(`Granules: (\d+)/(\d+)`)

// Plan says in short which indexes serve the first page of a list, with the
// granules that each leaves of those before it.
func (s *Store) Plan(ctx context.Context, l ListQuery) (string, error) {
	q := &statement{}
	q.add("EXPLAIN indexes = 1 SELECT id FROM exchanges WHERE ", q.within(s.visible(l.Range)), " AND ", s.matching(q, l.Filter, s.clock.Now()))
	var used []string
	name := ""
	err := s.query(ctx, q, func(rows driver.Rows) error {
		var line string
		if err := rows.Scan(&line); err != nil {
			return err
		}
		line = strings.TrimLeft(line, " │├└─")
		if one, ok := strings.CutPrefix(line, "Name: "); ok {
			name = one
		}
		if line == "PrimaryKey" {
			name = "ts"
		}
		if m := granules.FindStringSubmatch(line); m != nil && name != "" && m[1] != m[2] {
			used, name = append(used, fmt.Sprintf("%s %s/%s", name, m[1], m[2])), ""
		}
		return nil
	})
	return strings.Join(used, ", "), err
}
