package dashboard

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/search"
	"sluice.dev/platform/trafficpolicy/nearest"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
)

// gridWidth is the width of a board; height is open.
const gridWidth = 12

const (
	maxRange  = 31 * 24 * time.Hour
	maxHeight = 100
)

var units = []string{"", "ns", "bytes", "percent"}

// Check gives ids to widgets that have none and says what is wrong with a board,
// but for filters, which checkFilter judges.
func Check(d *eventsv1.Dashboard, checkFilter func(field, filter string) error) error {
	seen := map[string]bool{}
	for i, w := range d.GetWidgets() {
		field := "widgets[" + strconv.Itoa(i) + "]"
		if w.GetId() == "" {
			w.Id = freeID(d)
		}
		if seen[w.GetId()] {
			return errs.InvalidField(field+".id", "another widget has the id %q", w.GetId())
		}
		seen[w.GetId()] = true
		if err := checkFilter(field+".filter", w.GetFilter()); err != nil {
			return err
		}
		if err := checkWidget(field, w); err != nil {
			return err
		}
	}
	return nil
}

func freeID(d *eventsv1.Dashboard) string {
	for n := 1; ; n++ {
		id := "w" + strconv.Itoa(n)
		if !slices.ContainsFunc(d.GetWidgets(), func(w *eventsv1.Widget) bool { return w.GetId() == id }) {
			return id
		}
	}
}

func checkWidget(field string, w *eventsv1.Widget) error {
	switch {
	case w.GetKind() == eventsv1.WidgetKind_WIDGET_KIND_UNSPECIFIED:
		return errs.InvalidField(field+".kind", "say how it draws, such as WIDGET_KIND_QUERY_VALUE")
	case w.GetKind() == top && len(w.GetGroupBy()) == 0:
		return errs.InvalidField(field+".group_by", "a top list needs a field to group by")
	case w.GetKind() == value && len(w.GetGroupBy()) > 0:
		return errs.InvalidField(field+".group_by", "one number has no groups; use a top list")
	case !slices.Contains(units, w.GetUnit()):
		return errs.InvalidField(field+".unit", `%q is none of "ns", "bytes", "percent" and empty`, w.GetUnit())
	case w.GetWidth() > gridWidth || w.GetX()+max(1, w.GetWidth()) > gridWidth || w.GetHeight() > maxHeight:
		return errs.InvalidField(field+".width", "the widget does not fit on a grid that is %d wide", gridWidth)
	}
	if r := w.GetTimeRange(); r != nil && (r.AsDuration() <= 0 || r.AsDuration() > maxRange) {
		return errs.InvalidField(field+".time_range", "%s is not above 0 and at most 31 days", r.AsDuration())
	}
	for i, name := range w.GetGroupBy() {
		if _, err := lookup(fmt.Sprintf("%s.group_by[%d]", field, i), name); err != nil {
			return err
		}
	}
	return checkAggregation(field, w)
}

func checkAggregation(field string, w *eventsv1.Widget) error {
	a := w.GetAggregation()
	if a == capturev1.Aggregation_AGGREGATION_UNSPECIFIED {
		return errs.InvalidField(field+".aggregation", "say what is computed, such as AGGREGATION_COUNT")
	}
	if a == capturev1.Aggregation_AGGREGATION_COUNT {
		return nil
	}
	f, err := lookup(field+".field", w.GetField())
	if err != nil {
		return err
	}
	if a != capturev1.Aggregation_AGGREGATION_CARDINALITY && !f.Measure {
		return errs.InvalidField(field+".field", "%s is no number to compute with", w.GetField())
	}
	if p := w.GetPercentile(); a == capturev1.Aggregation_AGGREGATION_PERCENTILE && !(p > 0 && p < 100) {
		return errs.InvalidField(field+".percentile", "%v is not above 0 and below 100", p)
	}
	return nil
}

// lookup finds a field that exchanges have.
func lookup(field, name string) (search.Field, error) {
	f, _, ok := search.Lookup(name)
	switch {
	case name == "":
		return f, errs.InvalidField(field, "a field of the search syntax is needed, such as @duration")
	case ok && f.Unsupported != "":
		return f, errs.InvalidField(field, "%s is not available: %s", name, f.Unsupported)
	case ok:
		return f, nil
	}
	var names []string
	for _, known := range search.Fields() {
		names = append(names, known.Names()...)
	}
	err := errs.InvalidField(field, "exchanges have no field %q", name)
	if meant := nearest.Word(name, names); meant != "" {
		err.Violations[0].Hint = `did you mean "` + meant + `"?`
	}
	return f, err
}
