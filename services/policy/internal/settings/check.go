package settings

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/redact"
	"sluice.dev/platform/trafficpolicy"
)

// check normalises doc and tells everything that is wrong with it.
func check(doc *policyv1.CaptureSettings) error {
	violations := checkHeaders(doc)
	violations = append(violations, CheckKeep("keep", doc.GetKeep())...)
	violations = append(violations, checkRules(doc.GetRedactionRules())...)
	violations = append(violations, checkDisabled(doc)...)
	if len(violations) == 0 {
		return nil
	}
	return errs.Invalid("%s: %s", violations[0].Field, violations[0].Message).With(violations...)
}

// checkHeaders refuses what is no header name (RFC 9110 section 5.1).
func checkHeaders(doc *policyv1.CaptureSettings) []errs.Violation {
	var out []errs.Violation
	for i, name := range doc.GetRedactHeaders() {
		plain := strings.ToLower(strings.TrimSpace(name))
		if !httpguts.ValidHeaderFieldName(plain) || len(plain) > 255 {
			out = append(out, errs.Violation{Field: fmt.Sprintf("redact_headers[%d]", i), Message: fmt.Sprintf("%q is not the name of a header", name)})
		}
		doc.RedactHeaders[i] = plain
	}
	if len(out) == 0 {
		slices.Sort(doc.RedactHeaders)
		doc.RedactHeaders = slices.Compact(doc.RedactHeaders)
	}
	return out
}

// CheckKeep tells what is wrong with the conditions in a field.
func CheckKeep(field string, k *policyv1.CaptureKeep) []errs.Violation {
	var out []errs.Violation
	if d := k.GetSlowerThan(); d != nil && (d.CheckValid() != nil || d.AsDuration() <= 0) {
		out = append(out, errs.Violation{Field: field + ".slower_than", Message: "must be a time above 0", Hint: "such as 1.5s; leave it out to keep none for their duration"})
	}
	text := k.GetExpression()
	if text == "" {
		return out
	}
	_, faults := trafficpolicy.CompileCondition(text)
	for _, f := range faults {
		before := text[:min(f.Offset, len(text))]
		out = append(out, errs.Violation{
			Field: field + ".expression", Message: f.Message, Hint: f.Hint,
			Line: 1 + strings.Count(before, "\n"), Column: len(before) - strings.LastIndexByte(before, '\n'),
		})
	}
	return out
}

func checkRules(rules []*policyv1.RedactionRule) []errs.Violation {
	var out []errs.Violation
	first := map[string]int{}
	for i, rule := range rules {
		field := fmt.Sprintf("redaction_rules[%d]", i)
		for _, f := range redact.CheckRule(rule) {
			at := field
			if f.Field != "" {
				at += "." + f.Field
			}
			out = append(out, errs.Violation{Field: at, Message: f.Message, Hint: f.Hint})
		}
		if before, again := first[rule.GetName()]; again {
			out = append(out, errs.Violation{Field: field + ".name", Message: fmt.Sprintf("%q is the name of redaction_rules[%d] too", rule.GetName(), before), Hint: "names are unique"})
			continue
		}
		first[rule.GetName()] = i
	}
	return out
}

func checkDisabled(doc *policyv1.CaptureSettings) []errs.Violation {
	var out []errs.Violation
	known := redact.DefaultRules()
	for i, name := range doc.GetDisabledRedactionRules() {
		v := errs.Violation{Field: fmt.Sprintf("disabled_redaction_rules[%d]", i), Hint: "these can be: " + strings.Join(known, ", ")}
		switch {
		case name == redact.RuleCredentials:
			v.Message = "the rule for credential headers cannot be turned off"
		case !slices.Contains(known, name):
			v.Message = fmt.Sprintf("%q is no default rule", name)
		default:
			continue
		}
		out = append(out, v)
	}
	if len(out) == 0 {
		slices.Sort(doc.DisabledRedactionRules)
		doc.DisabledRedactionRules = slices.Compact(doc.DisabledRedactionRules)
	}
	return out
}
