package expr_test

import (
	"slices"
	"testing"

	"sluice.dev/platform/trafficpolicy/expr"
)

func TestEveryFunctionCanBeShown(t *testing.T) {
	env, err := expr.NewEnv(expr.OnResponse, nil)
	if err != nil {
		t.Fatal(err)
	}
	infos := env.FunctionInfos()
	if len(infos) != len(env.Functions()) {
		t.Errorf("%d of %d functions are described", len(infos), len(env.Functions()))
	}
	for _, info := range infos {
		if len(info.Forms) == 0 || !slices.Contains(expr.FunctionGroups(), info.Group) {
			t.Errorf("%s: forms %v, group %q", info.Name, info.Forms, info.Group)
		}
		if info.Description == "" {
			t.Errorf("%s has no description", info.Name)
		}
	}
}
