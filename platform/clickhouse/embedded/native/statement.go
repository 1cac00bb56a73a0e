package native

import "strings"

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
	l := &lexer{sql: sql}
	first := l.next()
	for first.text == "(" {
		first = l.next()
	}
	switch {
	case first.isAny("SELECT", "WITH", "FROM", "VALUES"):
		return statement{kind: rows, sql: sql}
	case first.isAny("SHOW", "EXPLAIN", "DESCRIBE", "DESC", "EXISTS", "CHECK"):
		return statement{kind: listing, sql: sql}
	case first.is("INSERT"):
		return parseInsert(l)
	}
	return statement{kind: other, sql: sql}
}

// dropFormat cuts off a closing semicolon and, from statements that give rows,
// "FORMAT name": over the native protocol the format is the client's business.
func dropFormat(sql string) string {
	l := &lexer{sql: sql}
	var last [2]token
	end, first := 0, ""
	for t := l.next(); t.text != ""; t = l.next() {
		if first == "" {
			first = strings.ToUpper(t.text)
		}
		if t.text != ";" {
			last[0], last[1] = last[1], t
			end = t.end
		}
	}
	if last[0].is("FORMAT") && first != "INSERT" && first != "CREATE" {
		end = last[0].start
	}
	return sql[:end]
}

// parseInsert reads on after INSERT. What isn't followed by the client's data
// is of the kind other: a SELECT, or rows written in the statement.
func parseInsert(l *lexer) statement {
	asWritten := statement{kind: other, sql: l.sql}
	if !l.next().is("INTO") {
		return asWritten
	}
	if t := l.peek(); t.is("TABLE") {
		l.next()
	}
	target := insertTarget{table: insertTable(l)}
	if l.peek().text == "(" {
		l.next()
		if l.peek().isAny("SELECT", "WITH", "(") {
			return asWritten
		}
		target.columns = insertColumns(l)
	}
	for {
		switch t := l.next(); {
		case t.text == "":
			return statement{kind: insert, sql: l.sql, insertTarget: target}
		case t.isAny("SELECT", "WITH", "FROM", "WATCH", "("):
			return asWritten
		case t.isAny("VALUES", "VALUE", "FORMAT"):
			if t.is("FORMAT") {
				l.next()
			}
			if l.peek().text != "" {
				return asWritten
			}
			return statement{kind: insert, sql: l.sql[:t.start], insertTarget: target}
		}
	}
}

// insertTable reads "db.table" or "FUNCTION name(arguments)".
func insertTable(l *lexer) string {
	t := l.next()
	start, end := t.start, t.end
	if t.is("FUNCTION") {
		start = l.next().start
		if l.next().text == "(" {
			end = l.skipParens()
		}
		return l.sql[start:end]
	}
	if t.text == "{" { // a parameter: {name:Identifier}
		end = skipBraces(l)
	}
	for l.peek().text == "." {
		l.next()
		if t = l.next(); t.text == "{" {
			end = skipBraces(l)
			continue
		}
		end = t.end
	}
	return l.sql[start:end]
}

func skipBraces(l *lexer) int {
	for t := l.next(); t.text != "" && t.text != "}"; t = l.next() {
	}
	return l.pos
}

// insertColumns reads "a, b.c)" after its opening parenthesis.
func insertColumns(l *lexer) []string {
	columns, name := []string{}, ""
	for {
		switch t := l.next(); t.text {
		case "", ")":
			return append(columns, name)
		case ",":
			columns, name = append(columns, name), ""
		default:
			name += t.identifier()
		}
	}
}
