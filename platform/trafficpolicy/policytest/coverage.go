package policytest

import (
	"sluice.dev/platform/trafficpolicy"
)

// RuleCoverage says what the exchanges of a suite did with a rule.
type RuleCoverage struct {
	Phase   trafficpolicy.Phase
	Index   int    // in its phase
	Name    string // may be empty
	Line    int    // in the policy
	Reached int    // exchanges that looked at it
	Matched int    // of those, whose expressions were all true
	Actions []ActionCoverage
}

// ActionCoverage says how often an action of a rule ran.
type ActionCoverage struct {
	Index int // in its rule
	Type  string
	Line  int
	Ran   int
}

// Coverage lists every rule of the policy in document order, phase by phase, with
// what the results of [Suite.Run] say of it.
func (s *Suite) Coverage(results []Result) []RuleCoverage {
	doc, _ := trafficpolicy.Parse(s.Policy)
	if doc == nil {
		return nil
	}
	var all []RuleCoverage
	first := map[trafficpolicy.Phase]int{}
	for _, ph := range trafficpolicy.Phases() {
		first[ph] = len(all)
		for i, rule := range doc.Rules[ph] {
			c := RuleCoverage{Phase: ph, Index: i, Name: rule.Name, Line: rule.Line}
			for j, a := range rule.Actions {
				c.Actions = append(c.Actions, ActionCoverage{Index: j, Type: a.Type, Line: a.Line})
			}
			all = append(all, c)
		}
	}
	for _, result := range results {
		for _, x := range result.Exchanges {
			for _, phase := range x.Trace.Phases {
				count(all[first[phase.Phase]:], phase.Rules)
			}
		}
	}
	return all
}

func count(all []RuleCoverage, rules []trafficpolicy.RuleTrace) {
	for _, rule := range rules {
		c := &all[rule.Index]
		c.Reached++
		if rule.Matched {
			c.Matched++
		}
		for _, a := range rule.Actions {
			c.Actions[a.Index].Ran++
		}
	}
}
