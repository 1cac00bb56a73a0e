package store

import (
	"slices"
	"strings"
)

// field is a column of a table whose rows are of type R: its name, its values of
// many rows for an insert, and where a select puts its value of one row.
type field[R any] struct {
	name   string
	values func([]*R) any
	target func(*R) any
	bulky  bool // contents of bodies
	detail bool // left out of lists
	single bool // only in reads of one exchange
}

func col[R, T any](name string, at func(*R) *T) field[R] {
	return field[R]{
		name: name,
		values: func(rows []*R) any {
			values := make([]T, len(rows))
			for i, r := range rows {
				values[i] = *at(r)
			}
			return values
		},
		target: func(r *R) any { return at(r) },
	}
}

// headerCol differs in that the driver fills and walks a *headerMap itself.
func headerCol(name string, at func(*row) *headerMap) field[row] {
	return field[row]{
		name: name,
		values: func(rows []*row) any {
			values := make([]*headerMap, len(rows))
			for i, r := range rows {
				values[i] = at(r)
			}
			return values
		},
		target: func(r *row) any { return at(r) },
	}
}

func bodyCol(name string, at func(*row) *[]byte) field[row] {
	f := col(name, at)
	f.bulky = true
	return f
}

func detail[R any](f field[R]) field[R] {
	f.detail = true
	return f
}

func singleCol(name string, at func(*row) *[]byte) field[row] {
	f := col(name, at)
	f.single = true
	return f
}

func names[R any](fields []field[R]) string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.name
	}
	return strings.Join(all, ", ")
}

func without[R any](all []field[R], left func(field[R]) bool) []field[R] {
	return slices.DeleteFunc(slices.Clone(all), left)
}

func targets[R any](r *R, fields []field[R]) []any {
	targets := make([]any, len(fields))
	for i, f := range fields {
		targets[i] = f.target(r)
	}
	return targets
}

// pointers adds the rows as an insert takes them: those of exchanges are large.
func pointers[R any](all []*R, rows []R) []*R {
	for i := range rows {
		all = append(all, &rows[i])
	}
	return all
}
