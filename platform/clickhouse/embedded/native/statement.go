package native

import (
	"strings"

	"sluice.dev/platform/clickhouse/internal/sqltext"
)

// kind says how a statement is run.
type kind int

const (
	other   kind = iota // for its effect; the result, if any, comes at once
	rows                // SELECT: streams
	listing             // SHOW and the like: rows, but they don't stream
	insert              // INSERT whose data the client sends
)

// statement is one SQL statement, as far as running it needs to know it.
type statement struct {
	kind kind
	sql  string // without a closing semicolon and FORMAT clause
	insertTarget
}

// insertTarget is where an INSERT puts the client's data.
type insertTarget struct {
	table   string   // as written: a name or a table function
	columns []string // the columns named, nil when none are
}

func parseStatement(sql string) statement {
	sql = dropFormat(sql)
	l := &sqltext.Lexer{SQL: sql}
	first := l.Next()
	for first.Text == "(" {
		first = l.Next()
	}
	switch {
	case first.IsAny("SELECT", "WITH", "FROM"):
		return statement{kind: rows, sql: sql}
	case first.IsAny("SHOW", "EXPLAIN", "DESCRIBE", "DESC", "EXISTS", "CHECK"):
		return statement{kind: listing, sql: sql}
	case first.Is("INSERT"):
		return parseInsert(l)
	}
	return statement{kind: other, sql: sql}
}

// dropFormat cuts off a closing semicolon and, from statements that give rows,
// "FORMAT name": over the native protocol the format is the client's business.
func dropFormat(sql string) string {
	l := &sqltext.Lexer{SQL: sql}
	var last [2]sqltext.Token
	end, first := 0, ""
	for t := l.Next(); t.Text != ""; t = l.Next() {
		if first == "" {
			first = strings.ToUpper(t.Text)
		}
		if t.Text != ";" {
			last[0], last[1] = last[1], t
			end = t.End
		}
	}
	if last[0].Is("FORMAT") && first != "INSERT" && first != "CREATE" {
		end = last[0].Start
	}
	return sql[:end]
}

// parseInsert reads on after INSERT. What isn't followed by the client's data
// is of the kind other: a SELECT, or rows written in the statement.
func parseInsert(l *sqltext.Lexer) statement {
	asWritten := statement{kind: other, sql: l.SQL}
	if !l.Next().Is("INTO") {
		return asWritten
	}
	if t := l.Peek(); t.Is("TABLE") {
		l.Next()
	}
	target := insertTarget{table: insertTable(l)}
	if l.Peek().Text == "(" {
		l.Next()
		if l.Peek().IsAny("SELECT", "WITH", "(") {
			return asWritten
		}
		target.columns = insertColumns(l)
	}
	for {
		switch t := l.Next(); {
		case t.Text == "":
			return statement{kind: insert, sql: l.SQL, insertTarget: target}
		case t.IsAny("SELECT", "WITH", "FROM", "WATCH", "("):
			return asWritten
		case t.IsAny("VALUES", "VALUE", "FORMAT"):
			if t.Is("FORMAT") {
				l.Next()
			}
			if l.Peek().Text != "" {
				return asWritten
			}
			return statement{kind: insert, sql: l.SQL[:t.Start], insertTarget: target}
		}
	}
}

// insertTable reads "db.table" or "FUNCTION name(arguments)".
func insertTable(l *sqltext.Lexer) string {
	t := l.Next()
	start, end := t.Start, t.End
	if t.Is("FUNCTION") {
		name := l.Next()
		start, end = name.Start, name.End
		if l.Peek().Text == "(" {
			l.Next()
			end = l.SkipParens()
		}
		return l.SQL[start:end]
	}
	if t.Text == "{" { // a parameter: {name:Identifier}
		end = skipBraces(l)
	}
	for l.Peek().Text == "." {
		l.Next()
		if t = l.Next(); t.Text == "{" {
			end = skipBraces(l)
			continue
		}
		end = t.End
	}
	return l.SQL[start:end]
}

func skipBraces(l *sqltext.Lexer) int {
	for {
		if t := l.Next(); t.Text == "" || t.Text == "}" {
			return t.End
		}
	}
}

// insertColumns reads "a, b.c)" after its opening parenthesis.
func insertColumns(l *sqltext.Lexer) []string {
	columns, name := []string{}, ""
	for {
		switch t := l.Next(); t.Text {
		case "", ")":
			return append(columns, name)
		case ",":
			columns, name = append(columns, name), ""
		default:
			name += t.Identifier()
		}
	}
}
