package native

import (
	"reflect"
	"testing"
)

func TestStatementsAreToldApart(t *testing.T) {
	for sql, want := range map[string]statement{
		"SELECT 1": {kind: rows, sql: "SELECT 1"},
		" /* SHOW */ -- INSERT\n ((select 1)) ; ":            {kind: rows, sql: " /* SHOW */ -- INSERT\n ((select 1))"},
		"SELECT 'x FORMAT CSV' FORMAT JSON;":                 {kind: rows, sql: "SELECT 'x FORMAT CSV' "},
		"WITH x AS (SELECT 1) SELECT * FROM x":               {kind: rows, sql: "WITH x AS (SELECT 1) SELECT * FROM x"},
		"show tables format Native":                          {kind: listing, sql: "show tables "},
		"CREATE TABLE t (a String) ENGINE = File FORMAT CSV": {kind: other, sql: "CREATE TABLE t (a String) ENGINE = File FORMAT CSV"},
		"":                                       {kind: other},
		"INSERT INTO t":                          {kind: insert, sql: "INSERT INTO t", insertTarget: insertTarget{table: "t"}},
		"INSERT INTO TABLE d.`t t` VALUES;":      {kind: insert, sql: "INSERT INTO TABLE d.`t t` ", insertTarget: insertTarget{table: "d.`t t`"}},
		"insert into t (a, `b,)`, n.x) format X": {kind: insert, sql: "insert into t (a, `b,)`, n.x) ", insertTarget: insertTarget{table: "t", columns: []string{"a", "b,)", "n.x"}}},
		"INSERT INTO t (a) SETTINGS x = 1 VALUES":           {kind: insert, sql: "INSERT INTO t (a) SETTINGS x = 1 ", insertTarget: insertTarget{table: "t", columns: []string{"a"}}},
		"INSERT INTO FUNCTION file('a)', 'CSV') (a) VALUES": {kind: insert, sql: "INSERT INTO FUNCTION file('a)', 'CSV') (a) ", insertTarget: insertTarget{table: "file('a)', 'CSV')", columns: []string{"a"}}},
		"INSERT INTO {db:Identifier}.{t:Identifier} VALUES": {kind: insert, sql: "INSERT INTO {db:Identifier}.{t:Identifier} ", insertTarget: insertTarget{table: "{db:Identifier}.{t:Identifier}"}},
		"INSERT INTO t SETTINGS a=1 VALUES (1)":             {kind: other, sql: "INSERT INTO t SETTINGS a=1 VALUES (1)"},
		"INSERT INTO t (a) SELECT 1":                        {kind: other, sql: "INSERT INTO t (a) SELECT 1"},
		"INSERT INTO t (SELECT 1)":                          {kind: other, sql: "INSERT INTO t (SELECT 1)"},
		"INSERT INTO t WITH 1 AS x SELECT x":                {kind: other, sql: "INSERT INTO t WITH 1 AS x SELECT x"},
		"INSERT INTO t FORMAT JSONEachRow {}":               {kind: other, sql: "INSERT INTO t FORMAT JSONEachRow {}"},
		"INSERT":                                            {kind: other, sql: "INSERT"},
	} {
		if got := parseStatement(sql); !reflect.DeepEqual(got, want) {
			t.Errorf("%q:\n got %+v\nwant %+v", sql, got, want)
		}
	}
}

func FuzzStatement(f *testing.F) {
	for _, seed := range []string{"INSERT INTO t (a, `b`) VALUES", "SELECT 'a''b' /* */ FORMAT X;", "(((", "INSERT INTO {", "INSERT INTO FUNCTION f(", "INSERT INTO FUNCTION 0", "`", "'\\"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		s := parseStatement(sql) // must neither panic nor hang
		if len(s.sql) > len(sql) {
			t.Errorf("%q became longer: %q", sql, s.sql)
		}
	})
}
