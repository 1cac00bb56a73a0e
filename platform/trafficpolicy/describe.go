package trafficpolicy

import "sluice.dev/platform/trafficpolicy/expr"

// ResultName is the name that expressions read a result variable of the action by.
func (a ActionInfo) ResultName(r ResultInfo) string {
	return "actions.sluice." + snake(a.Type) + "." + r.Name
}

// FunctionInfos describes what expressions can call, sorted by name.
func FunctionInfos() []expr.FunctionInfo { return environments()[OnHTTPResponse].FunctionInfos() }
