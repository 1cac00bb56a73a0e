package trafficpolicy

import (
	"context"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

func init() {
	fields := append([]Field{{Name: "field", Kind: Enum, Default: "data", Values: []string{"data", "retry"}, Description: "The field of the message to search; the lines of data are searched as one text."}}, replacementFields()...)
	register(ActionInfo{
		Type:        "sse-find-replace",
		Summary:     "Replaces parts of the messages of an event stream as they pass.",
		Phases:      []Phase{OnEventStreamMessage},
		Terminating: Never,
		Fields: []Field{{Name: "replacements", Kind: Objects, Required: true, Min: 1, Max: 100, Description: "Applied in order, each to what the one before left.",
			Example: "[{field: data, from: secret, to: '***'}]", Fields: fields}},
		Results: []ResultInfo{{"replacements", cel.ListType(cel.MapType(cel.StringType, cel.DynType)), "What was found in the last message: replacement_index, and matched_content for the first match of each."}},
	}, func(c *config) action {
		return &sseFindReplace{slot: c.spec.slot, replacements: c.replacements("replacements")}
	})
}

type sseFindReplace struct {
	slot         int
	replacements []replacement
}

func (a *sseFindReplace) run(_ context.Context, r *Run) (*Outcome, error) {
	var list []found
	for i := range a.replacements {
		text, present := &r.event.Data, r.event.hasData
		if a.replacements[i].field == "retry" {
			text, present = &r.event.Retry, r.event.hasRetry
		}
		if !present {
			continue
		}
		result, first, matched, err := a.replacements[i].apply(&r.vars, *text, 2*maxEvent)
		if err != nil {
			return nil, err
		}
		if matched {
			*text, list = result, append(list, found{i, first})
		}
	}
	r.vars.Publish(a.slot, types.DefaultTypeAdapter.NativeToValue(foundList(list)))
	return nil, nil //nolint:nilnil // the phase goes on
}
