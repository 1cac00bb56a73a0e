// Package policyreport runs suites of policy tests and tells how they went, to
// people or as JSON. What a suite is, package policytest says.
package policyreport

import (
	"context"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/trafficpolicy/policytest"
	"sluice.dev/platform/trafficpolicy/policytrace"
)

// Report is how all suites went.
type Report struct {
	Passed bool    `json:"passed"`
	Suites []Suite `json:"suites"`
}

// Suite is how one file went.
type Suite struct {
	File     string    `json:"file"`
	About    string    `json:"about,omitempty"`
	Passed   bool      `json:"passed"`
	Error    string    `json:"error,omitempty"`    // why the file could not be read
	Problems []string  `json:"problems,omitempty"` // of the policy; errors mean that nothing ran
	Steps    []Step    `json:"steps"`
	Coverage *Coverage `json:"coverage,omitempty"`
}

// Step is how one step went.
type Step struct {
	Name     string   `json:"name"`
	Passed   bool     `json:"passed"`
	Failures []string `json:"failures,omitempty"` // what differed
	Trace    Trace    `json:"trace"`              // of the first exchange that went wrong, else of the last
}

// Trace is a policy trace that is the API's JSON in reports.
type Trace struct{ *capturev1.PolicyTrace }

// MarshalJSON implements json.Marshaler.
func (t Trace) MarshalJSON() ([]byte, error) {
	if t.PolicyTrace == nil {
		return []byte("null"), nil
	}
	return protojson.MarshalOptions{UseProtoNames: true}.Marshal(t.PolicyTrace)
}

// Run takes the suites one after another.
func Run(ctx context.Context, files []string, coverage bool) Report {
	r := Report{Passed: true, Suites: []Suite{}}
	for _, file := range files {
		s := runFile(ctx, file, coverage)
		r.Suites = append(r.Suites, s)
		r.Passed = r.Passed && s.Passed
	}
	return r
}

func runFile(ctx context.Context, file string, coverage bool) Suite {
	out := Suite{File: file, Steps: []Step{}}
	suite, err := policytest.LoadFile(file)
	if err != nil {
		out.Error = err.Error()
		return out
	}
	out.About = suite.About
	results, problems := suite.Run(ctx)
	for _, p := range problems {
		out.Problems = append(out.Problems, p.String())
	}
	out.Passed = problems.Err() == nil
	for _, result := range results {
		out.Steps = append(out.Steps, step(result))
		out.Passed = out.Passed && len(result.Failures) == 0
	}
	if coverage && results != nil {
		out.Coverage = covered(suite.Coverage(results))
	}
	return out
}

// step keeps bodies in the trace: they come from the suite.
func step(r policytest.Result) Step {
	return Step{Name: r.Step, Passed: len(r.Failures) == 0, Failures: r.Failures, Trace: Trace{policytrace.Proto(r.Trace, policytrace.Mask{Bodies: true})}}
}

// Coverage says which rules matched and which actions ran.
type Coverage struct {
	Rules        int      `json:"rules"`
	RulesMatched int      `json:"rules_matched"`
	Actions      int      `json:"actions"`
	ActionsRan   int      `json:"actions_ran"`
	Missed       []Missed `json:"missed"`
}

// Missed is a rule that never matched or an action that never ran.
type Missed struct {
	Path    string `json:"path"` // such as on_http_request[2].actions[0]
	Name    string `json:"name"` // of the rule, or the action's type
	Line    int    `json:"line"` // in the policy
	Reached int    `json:"reached"`
}

func covered(rules []policytest.RuleCoverage) *Coverage {
	c := &Coverage{Rules: len(rules), Missed: []Missed{}}
	for _, r := range rules {
		path := place(r.Phase, r.Index)
		if c.Actions += len(r.Actions); r.Matched == 0 {
			c.Missed = append(c.Missed, Missed{Path: path, Name: r.Name, Line: r.Line, Reached: r.Reached})
			continue
		}
		c.RulesMatched++
		for _, a := range r.Actions {
			if a.Ran == 0 {
				c.Missed = append(c.Missed, Missed{Path: fmt.Sprintf("%s.actions[%d]", path, a.Index), Name: a.Type, Line: a.Line, Reached: r.Matched})
				continue
			}
			c.ActionsRan++
		}
	}
	return c
}

func place(ph trafficpolicy.Phase, index int) string { return fmt.Sprintf("%s[%d]", ph, index) }

// JSON is the report as indented JSON.
func (r Report) JSON() ([]byte, error) { return json.MarshalIndent(r, "", "  ") }
