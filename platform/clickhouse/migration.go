package clickhouse

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"

	"sluice.dev/platform/clickhouse/internal/sqltext"
)

// migration is one file.
type migration struct {
	version  uint32
	name     string
	sql      string
	checksum string // SHA-256 of the file in hex
}

func (m migration) file() string { return fmt.Sprintf("%04d_%s.sql", m.version, m.name) }

var migrationFile = regexp.MustCompile(`^(\d{4})_([a-z0-9_]+)\.sql$`)

// readMigrations reads the folder's files in the order of their versions,
// which begin with 1 and leave no gap.
func readMigrations(folder fs.FS) ([]migration, error) {
	entries, err := fs.ReadDir(folder, ".") // sorted by name
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	var migrations []migration
	for _, entry := range entries {
		m, err := readMigration(folder, entry.Name())
		if err != nil {
			return nil, err
		}
		if want := uint32(len(migrations) + 1); m.version != want {
			return nil, fmt.Errorf("the migration %s has the version %d where %d is next", entry.Name(), m.version, want)
		}
		migrations = append(migrations, m)
	}
	return migrations, nil
}

func readMigration(folder fs.FS, name string) (migration, error) {
	match := migrationFile.FindStringSubmatch(name)
	if match == nil {
		return migration{}, fmt.Errorf("the migration %q is not named like 0001_what_it_does.sql", name)
	}
	version, err := strconv.ParseUint(match[1], 10, 32)
	if err != nil {
		return migration{}, fmt.Errorf("the migration %q: %w", name, err)
	}
	data, err := fs.ReadFile(folder, name)
	if err != nil {
		return migration{}, fmt.Errorf("reading the migration %s: %w", name, err)
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")) // a checkout may change line ends
	sum := sha256.Sum256(data)
	m := migration{version: uint32(version), name: match[2], sql: string(data), checksum: hex.EncodeToString(sum[:])}
	return m, m.check()
}

// check refuses statements that can't be repeated.
func (m migration) check() error {
	for i, statement := range sqltext.Statements(m.sql) {
		if fault := unrepeatable(statement); fault != "" {
			return fmt.Errorf("migration %s, statement %d: %s; a migration may be applied more than once", m.file(), i+1, fault)
		}
	}
	return nil
}

// unrepeatable says why a statement does something else when it is repeated;
// empty when it doesn't, as far as its words show.
func unrepeatable(statement string) string {
	words := words(statement)
	has := func(phrase ...string) bool { return containsPhrase(words, phrase) }
	switch words[0] {
	case "CREATE":
		if !has("IF", "NOT", "EXISTS") && !has("OR", "REPLACE") {
			return "CREATE needs IF NOT EXISTS or OR REPLACE"
		}
	case "DROP":
		if !has("IF", "EXISTS") {
			return "DROP needs IF EXISTS"
		}
	case "ALTER":
		return unrepeatableAlter(words)
	case "INSERT", "RENAME", "EXCHANGE", "ATTACH", "DETACH":
		return words[0] + " can't be repeated"
	}
	return ""
}

// unrepeatableAlter looks at each ADD, DROP and RENAME of an ALTER.
func unrepeatableAlter(words []string) string {
	things := map[string]bool{"COLUMN": true, "INDEX": true, "CONSTRAINT": true, "PROJECTION": true, "STATISTICS": true}
	for i := 0; i+2 < len(words); i++ {
		verb, thing, rest := words[i], words[i+1], words[i+2:]
		if !things[thing] {
			continue
		}
		switch {
		case verb == "ADD" && !startsWith(rest, "IF", "NOT", "EXISTS"):
			return "ADD " + thing + " needs IF NOT EXISTS"
		case (verb == "DROP" || verb == "RENAME" || verb == "CLEAR") && !startsWith(rest, "IF", "EXISTS"):
			return verb + " " + thing + " needs IF EXISTS"
		}
	}
	return ""
}
