package store

import (
	"fmt"
	"slices"
	"strings"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/search"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// quantileAccuracy is the relative error of percentiles (ClickHouse quantileDD).
const quantileAccuracy = 0.002

// Measure is what is computed over the exchanges of a group.
type Measure struct {
	Kind       capturev1.Aggregation
	Field      string // not for COUNT
	Percentile float64
}

// sql is the aggregate as an expression that may be NULL or NaN over no values.
// CARDINALITY is exact up to 65,536 values and then within 1 % or so.
func (m Measure) sql(q *statement) (string, error) {
	switch m.Kind {
	case capturev1.Aggregation_AGGREGATION_UNSPECIFIED:
		return "", errs.InvalidField("aggregation", "say how exchanges become a number, such as AGGREGATION_COUNT")
	case capturev1.Aggregation_AGGREGATION_COUNT:
		return "count()", nil
	}
	f, member, err := lookup("field", m.Field)
	if err != nil {
		return "", err
	}
	if m.Kind == capturev1.Aggregation_AGGREGATION_CARDINALITY {
		text, err := q.textOf(f, member, "field")
		return "uniqIf(" + text + ", " + text + " != '')", err
	}
	return m.numeric(f)
}

func (m Measure) numeric(f search.Field) (string, error) {
	if !f.Measure {
		v := errs.InvalidField("field", "%s of %s is not a number that can be computed with; it is of type %s", word(m.Kind), m.Field, f.Type)
		v.Violations[0].Hint = "use one of " + strings.Join(measures(), ", ") + ", or the aggregation CARDINALITY or COUNT"
		return "", v
	}
	switch m.Kind {
	case capturev1.Aggregation_AGGREGATION_SUM:
		return "sum(toFloat64(" + f.Column + "))", nil
	case capturev1.Aggregation_AGGREGATION_AVG:
		return "avg(" + f.Column + ")", nil
	case capturev1.Aggregation_AGGREGATION_MIN:
		return "min(" + f.Column + ")", nil
	case capturev1.Aggregation_AGGREGATION_MAX:
		return "max(" + f.Column + ")", nil
	}
	if !(m.Percentile > 0 && m.Percentile < 100) {
		return "", errs.InvalidField("percentile", "%v is not above 0 and below 100", m.Percentile)
	}
	return fmt.Sprintf("quantileDD(%g, %g)(toFloat64(%s))", quantileAccuracy, m.Percentile/100, f.Column), nil
}

func word(k capturev1.Aggregation) string {
	return strings.TrimPrefix(k.String(), "AGGREGATION_")
}

func measures() []string {
	var names []string
	for _, f := range search.Fields() {
		if f.Measure {
			names = append(names, f.Name)
		}
	}
	return names
}

// lookup finds a field that captures have. Where names the part of the request.
func lookup(where, name string) (search.Field, string, error) {
	f, member, ok := search.Lookup(name)
	switch {
	case name == "":
		return f, "", errs.InvalidField(where, "a field of the search syntax is needed, such as @duration")
	case !ok:
		v := errs.InvalidField(where, "%q is no field of the search syntax", name)
		v.Violations[0].Hint = "fields to group by are " + strings.Join(facets(), ", ")
		return f, "", v
	case f.Unsupported != "":
		return f, "", errs.InvalidField(where, "%s is not available: %s", name, f.Unsupported)
	}
	return f, member, nil
}

func facets() []string {
	var names []string
	for _, f := range search.Fields() {
		if f.Facet {
			names = append(names, f.Name)
		}
	}
	return slices.Clip(names)
}

// textOf is a field's value as text, empty where it is missing. Of a header or a
// query parameter that comes several times it is the first.
func (q *statement) textOf(f search.Field, member, where string) (string, error) {
	if f.Type == search.Time {
		v := errs.InvalidField(where, "%s is a time, of which nearly every exchange has another", f.Name)
		v.Violations[0].Hint = "use interval for values over time"
		return "", v
	}
	return f.TextSQL(member, q.text), nil
}
