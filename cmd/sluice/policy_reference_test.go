package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/trafficpolicy/expr"
)

const policyDocs = "../../docs/policy"

// The pages on policies are made from what actions, variables, functions and codes
// say of themselves; `make gen` writes them.
func TestReferenceIsCurrentForPolicies(t *testing.T) {
	suites := policySuites(t)
	pages := map[string]string{
		"README.md":    policyOverview(t),
		"variables.md": variableReference(),
		"functions.md": functionReference(),
		"errors.md":    codeReference(t),
	}
	for _, a := range trafficpolicy.Actions() {
		pages["actions/"+a.Type+".md"] = actionReference(t, a, suites)
	}
	writeOrCompare(t, policyDocs, pages)
}

// writeOrCompare keeps a folder of generated pages; it holds nothing else.
func writeOrCompare(t *testing.T, folder string, pages map[string]string) {
	t.Helper()
	for name, page := range pages {
		path := filepath.Join(folder, name)
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != page {
			t.Errorf("%s is not current: run `make gen`", path)
		}
	}
	found, _ := filepath.Glob(filepath.Join(folder, "actions", "*.md"))
	for _, path := range found {
		if _, ok := pages["actions/"+filepath.Base(path)]; ok {
			continue
		}
		if !*update {
			t.Errorf("%s describes what there is not: run `make gen`", path)
		} else if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

type overviewAction struct{ Type, Summary, Phases, Ends string }

type overviewPhase struct {
	Name trafficpolicy.Phase
	When string
}

// whenPhasesRun is the one thing that phases do not say of themselves.
var whenPhasesRun = map[trafficpolicy.Phase]string{
	trafficpolicy.OnTCPConnect:   "for the client's connection, before everything else",
	trafficpolicy.OnHTTPRequest:  "when the request's head has been received",
	trafficpolicy.OnHTTPResponse: "when the response's head is there, before it is sent to the client",
	"on_event_stream_message":    "for each message of an event stream",
}

func policyOverview(t *testing.T) string {
	t.Helper()
	page, err := template.ParseFiles("testdata/policy.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	data := struct {
		MaxSource, MaxRules, MaxActions int
		Phases                          []overviewPhase
		Actions                         []overviewAction
	}{MaxSource: trafficpolicy.MaxSource, MaxRules: trafficpolicy.DefaultMaxRules, MaxActions: trafficpolicy.DefaultMaxActions}
	for _, ph := range trafficpolicy.Phases() {
		data.Phases = append(data.Phases, overviewPhase{ph, whenPhasesRun[ph]})
	}
	for _, a := range trafficpolicy.Actions() {
		data.Actions = append(data.Actions, overviewAction{a.Type, cell(a.Summary), phaseNames(a.Phases), string(a.Terminating)})
	}
	var b strings.Builder
	if err := page.Execute(&b, data); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func phaseNames(phases []trafficpolicy.Phase) string {
	names := make([]string, len(phases))
	for i, ph := range phases {
		names[i] = code(string(ph))
	}
	return strings.Join(names, ", ")
}

func actionReference(t *testing.T, a trafficpolicy.ActionInfo, suites []policySuite) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\n", a.Type, a.Summary)
	fmt.Fprintf(&b, "Runs in %s. Ends the phase: %s.\n\n## Fields\n\n", phaseNames(a.Phases), a.Terminating)
	if len(a.Fields) == 0 {
		b.WriteString("None.\n")
	} else {
		b.WriteString("| Field | Kind | Default | Limits | Meaning |\n| --- | --- | --- | --- | --- |\n")
		writeFields(&b, "", a.Fields)
	}
	if len(a.Results) > 0 {
		b.WriteString("\n## Result variables\n\n| Variable | Type | Meaning |\n| --- | --- | --- |\n")
		for _, r := range a.Results {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", a.ResultName(r), code(r.Type.String()), cell(r.Description))
		}
	}
	if used := actionCodes(t, a.Type, suites); len(used) > 0 {
		b.WriteString("\n## Answers of its own\n\n| Code | Status | Meaning |\n| --- | --- | --- |\n")
		for _, c := range used {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", c.Code, statusText(c.Status), cell(c.Meaning))
		}
	}
	b.WriteString("\nAny action may also answer with a code for failed expressions and templates, see [errors](../errors.md).\n")
	b.WriteString(exampleOf(t, a.Type, suites))
	return b.String()
}

// writeFields writes a row for each field, and below it those of the mappings that
// it takes.
func writeFields(b *strings.Builder, prefix string, fields []trafficpolicy.Field) {
	for _, f := range fields {
		name := prefix + f.Name
		kind := string(f.Kind)
		if f.Template {
			kind += ", template"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", name, kind, fieldDefault(f), fieldLimits(f), fieldMeaning(f))
		if f.Kind == trafficpolicy.Objects {
			name += "[]"
		}
		writeFields(b, name+".", f.Fields)
	}
}

func fieldDefault(f trafficpolicy.Field) string {
	switch {
	case f.Required:
		return "required"
	case f.Default == nil || f.Default == "":
		return ""
	}
	if d, ok := f.Default.(time.Duration); ok {
		return code(short(d))
	}
	return code(fmt.Sprint(f.Default))
}

// short is a duration without parts that are zero.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func fieldLimits(f trafficpolicy.Field) string {
	var parts []string
	if len(f.Values) > 0 {
		parts = append(parts, "`"+strings.Join(f.Values, "`, `")+"`")
	}
	low, high, unit := fmt.Sprint(f.Min), fmt.Sprint(f.Max), map[trafficpolicy.Kind]string{
		trafficpolicy.Text: " characters", trafficpolicy.Texts: " entries", trafficpolicy.Expressions: " entries",
		trafficpolicy.TextMap: " entries", trafficpolicy.Objects: " entries",
	}[f.Kind]
	if f.Kind == trafficpolicy.Duration {
		low, high = short(time.Duration(f.Min)), short(time.Duration(f.Max))
	}
	switch {
	case f.Min == 1 && f.Max == 0 && unit != "":
		parts = append(parts, "not empty")
	case f.Min > 0 && f.Max == 0:
		parts = append(parts, "at least "+low+unit)
	case f.Max > 0 && f.Min == 0 && unit != "":
		parts = append(parts, "at most "+high+unit)
	case f.Max > 0:
		parts = append(parts, low+" to "+high+unit)
	}
	if f.Step > 0 {
		parts = append(parts, "a multiple of "+short(f.Step))
	}
	return strings.Join(parts, "; ")
}

func fieldMeaning(f trafficpolicy.Field) string {
	text := f.Description
	if len(f.Aliases) > 0 {
		text += " Also written " + code(strings.Join(f.Aliases, "`, `")) + "."
	}
	if f.Example != "" {
		text += " Such as " + code(f.Example) + "."
	}
	return cell(text)
}

func variableReference() string {
	var b strings.Builder
	b.WriteString("# Variables of expressions\n\nMade from the program. Result variables of actions, `actions.sluice.*`, stand on the pages of the [actions](README.md#actions).\n" +
		"A variable may have no value for an exchange: test that with `has()`.\n")
	known := map[string]expr.Variable{}
	for _, ph := range trafficpolicy.Phases() {
		for _, v := range trafficpolicy.Variables(ph) {
			if !strings.HasPrefix(v.Name, "actions.") {
				known[v.Name] = v
			}
		}
	}
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	slices.Sort(names)
	group := ""
	for _, name := range names {
		v := known[name]
		if root, _, _ := strings.Cut(name, "."); root != group {
			group = root
			fmt.Fprintf(&b, "\n## `%s`\n\n| Name | Type | Readable in | Meaning |\n| --- | --- | --- | --- |\n", group)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, code(v.Type.String()), v.Scope, cell(v.Description))
	}
	return b.String()
}

func functionReference() string {
	var b strings.Builder
	b.WriteString("# Functions of expressions\n\nMade from the program. Expressions are [CEL](https://cel.dev), with its operators and literals. Below, `s` is a string, `l` a list, " +
		"`m` a map, `t` a timestamp, `d` a duration and `x` any value.\n")
	infos := trafficpolicy.FunctionInfos()
	for _, group := range expr.FunctionGroups() {
		head := fmt.Sprintf("\n## %s\n\n| Function | Result |\n| --- | --- |\n", group)
		for _, f := range infos {
			if f.Group == group {
				fmt.Fprintf(&b, "%s| `%s` | %s |\n", head, cell(strings.Join(f.Forms, "`, `")), cell(f.Description))
				head = ""
			}
		}
	}
	return b.String()
}

func statusText(status int) string {
	if status == 0 {
		return "none"
	}
	return fmt.Sprint(status)
}
