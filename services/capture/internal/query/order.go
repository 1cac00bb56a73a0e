package query

import (
	"slices"
	"strings"

	"sluice.dev/platform/errs"
	"sluice.dev/services/capture/internal/store"
)

// ParseOrder reads order_by: a name, and "asc" or "desc" after it. Empty is the
// newest first.
func ParseOrder(text string) (store.Order, error) {
	words := strings.Fields(text)
	o := store.Order{By: store.ByStart}
	if len(words) == 0 {
		return o, nil
	}
	o.By = store.Sort(words[0])
	if len(words) > 2 || !slices.Contains(store.Sorts(), o.By) || len(words) == 2 && words[1] != "asc" && words[1] != "desc" {
		e := errs.InvalidField("order_by", "lists cannot be ordered by %q", text)
		e.Violations[0].Hint = "use start_time, duration, status_code, request_size or response_size, and asc or desc after it"
		return o, e
	}
	o.Ascending = len(words) == 2 && words[1] == "asc"
	return o, nil
}

func errOtherOrder(o store.Order) error {
	direction := "desc"
	if o.Ascending {
		direction = "asc"
	}
	e := errs.InvalidField("cursor", "the cursor is of a list with another order")
	e.Violations[0].Hint = "go on with order_by=" + string(o.By) + " " + direction + ", or without a cursor"
	return e
}
