package store

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"sluice.dev/platform/search"
)

// Facet is the most frequent values of a field, and how many it has.
type Facet struct {
	Values   []FacetValue
	Distinct uint64
}

// FacetValue is a value with the number of exchanges that have it.
type FacetValue struct {
	Value string
	Count uint64
}

// facetKey is a field that is counted: what to group by, and its text made of that.
type facetKey struct {
	column    string // what a rollup must know
	key, text string
}

// plainColumn is a column that can be grouped by as it is.
var plainColumn = regexp.MustCompile(`^[a-z_0-9]+$`)

// elementOf is an element of an array or a map: no key by itself.
var elementOf = regexp.MustCompile(`[a-z_]\[`)

// facetKey reads a field. Values are grouped as they are stored, and only the
// groups turned into text.
func (q *statement) facetKey(i int, name string) (facetKey, error) {
	where := "fields[" + strconv.Itoa(i) + "]"
	f, member, err := lookup(where, name)
	if err != nil {
		return facetKey{}, err
	}
	text, err := q.textOf(f, member, where)
	if err != nil {
		return facetKey{}, err
	}
	alias := "k" + strconv.Itoa(i)
	base := f.Column
	if derived := f.Column; strings.Contains(derived, "status") && byMinute.tells(derived) {
		base = "status"
	}
	if !plainColumn.MatchString(base) || elementOf.MatchString(text) || member != "" {
		return facetKey{column: f.Column + "/" + member, key: text, text: alias}, nil
	}
	return facetKey{column: f.Column, key: base, text: regexp.MustCompile(`\b`+base+`\b`).ReplaceAllString(text, alias)}, nil
}

func (r *rollup) tells(column string) bool { return slices.Contains(r.known(), column) }

// FacetQuery asks for the most frequent values of fields of the search syntax.
type FacetQuery struct {
	Range
	Filter *search.Query
	Fields []string // at most 16
	Limit  int      // values of each
}

// Facets counts the values of fields among matching exchanges. A missing value
// counts for none.
func (s *Store) Facets(ctx context.Context, f FacetQuery) ([]Facet, error) {
	sel := s.selected(f.Range, f.Filter, s.clock.Now())
	bySource := map[*rollup][]int{}
	for i, name := range f.Fields {
		key, err := (&statement{}).facetKey(i, name)
		if err != nil {
			return nil, err
		}
		var source *rollup
		for _, r := range rollups {
			if r.fits(sel, []string{key.column}) {
				source = r
				break
			}
		}
		bySource[source] = append(bySource[source], i)
	}
	facets := make([]Facet, len(f.Fields))
	for source, some := range bySource {
		if err := s.facetsFrom(ctx, sel, source, f, some, facets); err != nil {
			return nil, err
		}
	}
	return facets, nil
}

// facetsFrom counts some of the fields in one scan: each is a grouping of its own.
func (s *Store) facetsFrom(ctx context.Context, sel selection, source *rollup, f FacetQuery, some []int, facets []Facet) error {
	q := &statement{}
	var keys, aliases, sets, texts []string
	for place, i := range some {
		key, err := q.facetKey(i, f.Fields[i])
		if err != nil {
			return err
		}
		alias := "k" + strconv.Itoa(i)
		keys, aliases, sets = append(keys, key.key+" AS "+alias), append(aliases, alias), append(sets, "("+alias+")")
		// grouping() has a 0 bit for the key that is grouped by, the first key's the highest.
		mask := uint64(1)<<len(some) - 1 - uint64(1)<<(len(some)-1-place)
		texts = append(texts, "g = "+strconv.FormatUint(mask, 10)+", tuple(toUInt8("+strconv.Itoa(i)+"), "+key.text+")")
	}
	q.add("SELECT field, value, c, d FROM (SELECT v.1 AS field, v.2 AS value, sum(n) AS c, count() OVER (PARTITION BY field) AS d FROM (SELECT multiIf(",
		strings.Join(texts, ", "), ", tuple(toUInt8(255), '')) AS v, n FROM (SELECT ", commas(aliases), ", sum(n) AS n, grouping(", commas(aliases), ") AS g FROM ")
	s.from(q, sel, commas(keys), source)
	q.add(" GROUP BY GROUPING SETS (", commas(sets), "))) WHERE v.2 != '' GROUP BY field, value) ORDER BY c DESC, value LIMIT ", strconv.Itoa(f.Limit), " BY field")
	return s.query(ctx, q, func(rows driver.Rows) error {
		var field uint8
		var one FacetValue
		var distinct uint64
		if err := rows.Scan(&field, &one.Value, &one.Count, &distinct); err != nil {
			return err
		}
		if int(field) < len(facets) {
			facets[field].Values, facets[field].Distinct = append(facets[field].Values, one), distinct
		}
		return nil
	})
}
