package trafficpolicy

import "gopkg.in/yaml.v3"

// Document is the structure of a policy as written, for tools that show or
// change it. It says nothing about whether expressions and fields are right.
type Document struct {
	Rules map[Phase][]Rule
}

// Rule is a condition and what to do when it holds.
type Rule struct {
	Name        string
	Expressions []string // all must be true; none means always
	Actions     []Action
	Line        int

	path        string
	node        *yaml.Node
	expressions []*yaml.Node
}

// Action is one step of a rule.
type Action struct {
	Type string
	Name string // a label without meaning
	Line int

	path   string
	node   *yaml.Node // of the action
	config *yaml.Node // nil when there is none
}
