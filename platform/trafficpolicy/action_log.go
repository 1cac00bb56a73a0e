package trafficpolicy

import (
	"context"
	"maps"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"gopkg.in/yaml.v3"
)

func init() {
	register(ActionInfo{
		Type:        "log",
		Summary:     "Adds an entry to the traffic policy log of the exchange's record.",
		Phases:      wholePhases,
		Terminating: Never,
		Fields:      []Field{{Name: "metadata", Kind: Any, Template: true, Required: true, Description: "A mapping of any values.", Example: "{tier: '${vars.tier}'}"}},
		Results:     []ResultInfo{{"metadata", cel.MapType(cel.StringType, cel.DynType), "What was logged."}},
	}, newLog)
}

type logEntry struct {
	slot     int
	metadata *tree
}

func newLog(c *config) action {
	v := c.get("metadata")
	if c.has("metadata") && v.node.Kind != yaml.MappingNode {
		c.fault("metadata", CodeConfig, "metadata must be a mapping, not "+describe(v.node), "such as metadata: {key: value}")
	}
	return &logEntry{slot: c.spec.slot, metadata: v.tree}
}

func (a *logEntry) run(_ context.Context, r *Run) (*Outcome, error) {
	value, err := a.metadata.value(&r.vars, false)
	if err != nil {
		return nil, &failure{CodeTemplateFailed, err}
	}
	entry, _ := value.(map[string]any)
	r.facts.Logs = append(r.facts.Logs, entry)
	r.vars.Publish(a.slot, types.DefaultTypeAdapter.NativeToValue(maps.Clone(entry)))
	return nil, nil //nolint:nilnil // the phase goes on
}
