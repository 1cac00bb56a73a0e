package endpoint

import (
	"strings"

	"gopkg.in/yaml.v3"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/redact"
)

// secretFields are the fields of policy actions that hold secrets.
var secretFields = map[string]bool{
	"credentials": true, "password": true, "secret": true, "client_secret": true, "token": true, "api_key": true, "private_key": true, "auth": true,
}

// Audited returns a copy of e for the audit log: passwords and their like inside
// the policy are replaced. A policy without any keeps its text.
func Audited(e *policyv1.Endpoint) *policyv1.Endpoint {
	out := redact.Message(e)
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(e.GetTrafficPolicy()), &doc); err != nil || !hideSecrets(&doc) {
		return out
	}
	text, err := yaml.Marshal(&doc)
	if err != nil {
		out.TrafficPolicy = redact.Mark
		return out
	}
	out.TrafficPolicy = string(text)
	return out
}

// hideSecrets replaces secrets below n and reports whether there were any.
func hideSecrets(n *yaml.Node) bool {
	found := false
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode {
			if i%2 == 0 {
				continue
			}
			name := strings.ToLower(strings.ReplaceAll(n.Content[i-1].Value, "-", "_"))
			if secretFields[name] || isSecretHeader(name) {
				found = hideScalars(child) || found
				continue
			}
		}
		found = hideSecrets(child) || found
	}
	return found
}

func isSecretHeader(name string) bool {
	_, rule := headerRules.Redact(strings.ReplaceAll(name, "_", "-"), "x")
	return rule != "" && rule != redact.RuleURL
}

var headerRules = redact.Headers(nil)

func hideScalars(n *yaml.Node) bool {
	if n.Kind == yaml.ScalarNode {
		n.Value, n.Tag, n.Style = redact.Mark, "!!str", 0
		return true
	}
	if n.Kind == yaml.AliasNode {
		return hideScalars(n.Alias)
	}
	found := false
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			continue
		}
		found = hideScalars(child) || found
	}
	return found
}
