package native

import (
	"errors"
	"sort"
	"strings"

	"sluice.dev/platform/clickhouse/embedded/engine"
)

// setting is one setting of a query. A client that marks it important wants an
// error when the server doesn't know it.
type setting struct {
	name, value string
	important   bool
	custom      bool // the value is a quoted literal already
}

func (s setting) literal() string {
	if s.custom {
		return s.value
	}
	return quote(s.value)
}

// quote makes a string literal of ClickHouse's SQL.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// quoteName makes an identifier of ClickHouse's SQL.
func quoteName(s string) string {
	return "`" + strings.NewReplacer(`\`, `\\`, "`", "\\`").Replace(s) + "`"
}

// tagSetting carries the session's tag, by which its queries are killed. No
// client may change it; without a query log it has no other use here.
const tagSetting = "log_comment"

// sessionSettings keeps the engine's session at the settings of the current
// query. Clients send them with every query and they hold for that one alone,
// but nearly always they're those of the query before.
type sessionSettings struct {
	conn    *engine.Conn
	applied map[string]setting
}

// apply makes the wanted settings, and no others, hold for the next query.
func (s *sessionSettings) apply(wanted []setting) error {
	want := make(map[string]setting, len(wanted))
	for _, w := range wanted {
		if w.name != tagSetting {
			want[w.name] = w
		}
	}
	if err := s.reset(want); err != nil {
		return err
	}
	for _, name := range sortedNames(want) {
		w := want[name]
		if has, ok := s.applied[name]; ok && has.value == w.value {
			continue
		}
		err := s.conn.Exec("SET " + quoteName(name) + " = " + w.literal())
		if unknown(err) && !w.important {
			continue
		}
		if err != nil {
			return err
		}
		s.applied[name] = w
	}
	return nil
}

// reset gives the settings that aren't wanted any more their defaults.
func (s *sessionSettings) reset(want map[string]setting) error {
	for _, name := range sortedNames(s.applied) {
		if _, ok := want[name]; ok {
			continue
		}
		if err := s.conn.Exec("SET " + quoteName(name) + " = DEFAULT"); err != nil {
			return err
		}
		delete(s.applied, name)
	}
	return nil
}

func unknown(err error) bool {
	var e *engine.Error
	return errors.As(err, &e) && e.Code == codeUnknownSetting
}

func sortedNames(settings map[string]setting) []string {
	names := make([]string, 0, len(settings))
	for name := range settings {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
