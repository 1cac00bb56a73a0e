package store

import (
	"context"
	"fmt"
	"strings"
)

// What servers newer than 24.8 can do, or do unasked, by the name of their setting.
var (
	// tableSettings: no statistics that nothing uses, and all indexes of a part in one
	// file, for making files is what inserts and merges spend much time on.
	tableSettings = map[string]string{"auto_statistics_types": "''", "packed_skip_index_max_bytes": "1073741824"}
	// insertSettings: fresh parts are small; merges make their indexes.
	insertSettings = map[string]any{"materialize_skip_indexes_on_insert": 0, "materialize_statistics_on_insert": 0}
)

const textIndex = "by_text"

// tune adapts tables and inserts to the server's version.
func (s *Store) tune(ctx context.Context) error {
	known, err := s.column(ctx, "SELECT name FROM system.merge_tree_settings")
	if err != nil {
		return err
	}
	for _, table := range []string{"exchanges", "bodies", "messages"} {
		for setting, value := range tableSettings {
			if known[setting] {
				if err := s.setTable(ctx, table, setting, value); err != nil {
					return err
				}
			}
		}
	}
	if known, err = s.column(ctx, "SELECT name FROM system.settings"); err != nil {
		return err
	}
	for setting, value := range insertSettings {
		if known[setting] {
			s.insertSettings[setting] = value
		}
	}
	return s.indexText(ctx)
}

// indexText makes the text index where the server has such, or drops it when it is
// not wanted. Parts from before get it when they are merged.
func (s *Store) indexText(ctx context.Context) error {
	types, err := s.column(ctx, "SELECT name FROM system.data_skipping_index_types")
	if err != nil {
		return err
	}
	have, err := s.column(ctx, "SELECT name FROM system.data_skipping_indices WHERE database = currentDatabase() AND table = 'exchanges'")
	if err != nil {
		return err
	}
	want := types["text"] && !s.options.NoTextIndex
	switch {
	case want && !have[textIndex]:
		err = s.conn.Exec(ctx, "ALTER TABLE exchanges"+s.options.cluster()+" ADD INDEX IF NOT EXISTS "+textIndex+" everything TYPE text(tokenizer = 'splitByNonAlpha')")
	case !want && have[textIndex]:
		err = s.conn.Exec(ctx, "ALTER TABLE exchanges"+s.options.cluster()+" DROP INDEX IF EXISTS "+textIndex)
	}
	if err != nil {
		return fmt.Errorf("change the text index: %w", err)
	}
	s.textIndex = want
	return nil
}

// setTable changes a setting of a table when it differs.
func (s *Store) setTable(ctx context.Context, table, setting, value string) error {
	engine, err := s.engine(ctx, table)
	if err != nil || strings.Contains(engine, setting+" = "+value) {
		return err
	}
	if err := s.conn.Exec(ctx, "ALTER TABLE "+table+s.options.cluster()+" MODIFY SETTING "+setting+" = "+value); err != nil {
		return fmt.Errorf("set %s of %s: %w", setting, table, err)
	}
	return nil
}

// engine is the engine of a table with its clauses, as ClickHouse writes it.
func (s *Store) engine(ctx context.Context, table string) (text string, err error) {
	row := s.conn.QueryRow(ctx, "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = '"+table+"'")
	if err := row.Scan(&text); err != nil {
		return "", fmt.Errorf("read the engine of %s: %w", table, err)
	}
	return text, nil
}

// column is the texts that a query returns.
func (s *Store) column(ctx context.Context, query string) (map[string]bool, error) {
	rows, err := s.conn.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("ask what the server can do: %w", err)
	}
	defer rows.Close()
	texts := map[string]bool{}
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		texts[text] = true
	}
	return texts, rows.Err()
}
