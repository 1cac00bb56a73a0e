package redact

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

// Fault is what is wrong with a rule.
type Fault struct {
	Field   string // of the rule; empty when it is the rule as a whole
	Message string
	Hint    string
}

var ruleName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// selectors are the fields of which a rule has exactly one.
func selectors(r *policyv1.RedactionRule) map[string]string {
	return map[string]string{"header": r.GetHeader(), "json_path": r.GetJsonPath(), "form_field": r.GetFormField(),
		"query_parameter": r.GetQueryParameter(), "pattern": r.GetPattern()}
}

// CheckRule tells what is wrong with a rule by itself; nil when it can be used.
func CheckRule(r *policyv1.RedactionRule) []Fault {
	var faults []Fault
	report := func(field, message, hint string) { faults = append(faults, Fault{field, message, hint}) }
	name := r.GetName()
	switch {
	case !ruleName.MatchString(name) || len(name) > 64:
		report("name", fmt.Sprintf("%q is no name: it has small letters, digits and underscores, begins with a letter, and is at most 64 long", name), "such as internal_ticket")
	case slices.Contains(DefaultRules(), name) || name == RuleCredentials || name == RuleSettings:
		report("name", fmt.Sprintf("%q is the name of a default rule", name), "choose another; a default rule is turned off with disabled_redaction_rules")
	}
	var given []string
	for field, value := range selectors(r) {
		if value != "" {
			given = append(given, field)
		}
	}
	slices.Sort(given)
	if len(given) != 1 {
		message := "says nothing of what is redacted"
		if len(given) > 1 {
			message = "has " + strings.Join(given, " and ")
		}
		report("", message, "give exactly one of header, json_path, form_field, query_parameter and pattern")
		return faults
	}
	if message := checkSelector(r); message != "" {
		report(given[0], message, "")
	}
	return faults
}

func checkSelector(r *policyv1.RedactionRule) string {
	switch {
	case r.GetJsonPath() != "":
		if _, err := parseJSONPath(r.GetJsonPath()); err != nil {
			return err.Error()
		}
	case r.GetPattern() != "":
		p, err := regexp.Compile(r.GetPattern())
		if err != nil {
			return "not a regular expression (RE2): " + strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		}
		if p.MatchString("") {
			return "it matches the empty text, so it would match everywhere"
		}
	case r.GetHeader() != "" && strings.ContainsFunc(r.GetHeader(), func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune("()<>@,;:\\\"/[]?={}", c) }):
		return fmt.Sprintf("%q is not the name of a header", r.GetHeader())
	}
	return ""
}
