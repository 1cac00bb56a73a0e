package clickhouse

import (
	"context"
	"fmt"
	"io/fs"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"sluice.dev/platform/clickhouse/internal/sqltext"
)

// Cluster is a ClickHouse cluster of one shard whose replicas each have all tables.
// Its servers must define the macros {shard} and {replica} and have a Keeper. The
// zero value is a server of its own.
type Cluster struct{ Name string }

// replicaPath is where the replicas of a table meet in Keeper.
const replicaPath = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'"

// Clause is " ON CLUSTER name", which follows the table's name in DDL, or nothing.
func (c Cluster) Clause() string {
	if c.Name == "" {
		return ""
	}
	return " ON CLUSTER " + quoteName(c.Name)
}

// Statement is DDL for a server of its own, made into DDL for the cluster: CREATE,
// ALTER and DROP of tables and views run on all replicas, and tables of the
// MergeTree family are replicated.
func (c Cluster) Statement(sql string) string {
	if c.Name == "" {
		return sql
	}
	tokens := tokensOf(sql)
	var b strings.Builder
	done := 0
	insert := func(at int, text string) {
		b.WriteString(sql[done:at])
		b.WriteString(text)
		done = at
	}
	if i := nameEnd(tokens); i >= 0 {
		insert(tokens[i].End, c.Clause())
	}
	for i := 0; i+2 < len(tokens); i++ {
		switch t := tokens[i+2]; {
		case tokens[i].Is("ENGINE") && tokens[i+1].Is("=") && isMergeTree(t.Text):
			insert(t.Start, "Replicated"+t.Text+"("+replicaPath)
			done = t.End
			if i+3 < len(tokens) && tokens[i+3].Is("(") { // the engine's own arguments follow
				done = tokens[i+3].End
				b.WriteString(separator(tokens, i+4))
			} else {
				b.WriteString(")")
			}
		case tokens[i].Is("non_replicated_deduplication_window"):
			insert(tokens[i].Start, "replicated_deduplication_window")
			done = tokens[i].End
		}
	}
	return b.String() + sql[done:]
}

func separator(tokens []sqltext.Token, next int) string {
	if next < len(tokens) && tokens[next].Is(")") {
		return ""
	}
	return ", "
}

func isMergeTree(engine string) bool {
	return strings.HasSuffix(engine, "MergeTree") && !strings.HasPrefix(engine, "Replicated")
}

func tokensOf(sql string) (all []sqltext.Token) {
	l := &sqltext.Lexer{SQL: sql}
	for t := l.Next(); t.Text != ""; t = l.Next() {
		all = append(all, t)
	}
	return all
}

// nameEnd is the last token of the name of the table or view that DDL is about; -1
// for other statements.
func nameEnd(tokens []sqltext.Token) int {
	if len(tokens) == 0 || !tokens[0].IsAny("CREATE", "ALTER", "DROP") {
		return -1
	}
	i := 1
	for i < len(tokens) && tokens[i].IsAny("OR", "REPLACE", "MATERIALIZED", "TABLE", "VIEW", "IF", "NOT", "EXISTS") {
		i++
	}
	for i+2 < len(tokens) && tokens[i+1].Is(".") {
		i += 2
	}
	if i >= len(tokens) {
		return -1
	}
	return i
}

// Migrate is [Migrate] on all replicas of the cluster.
func (c Cluster) Migrate(ctx context.Context, conn driver.Conn, migrations fs.FS) error {
	known, err := readMigrations(migrations)
	if err != nil {
		return err
	}
	if err := conn.Exec(ctx, c.Statement(createMigrations)); err != nil {
		return fmt.Errorf("creating the table of migrations: %w", err)
	}
	applied, err := appliedMigrations(ctx, conn)
	if err != nil {
		return err
	}
	if err := compare(known, applied); err != nil {
		return err
	}
	for _, m := range known {
		if _, ok := applied[m.version]; ok {
			continue
		}
		if err := m.apply(ctx, conn, c); err != nil {
			return err
		}
	}
	return nil
}
