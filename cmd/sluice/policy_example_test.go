package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/trafficpolicy/policytest"
)

const policyPackage = "../../platform/trafficpolicy"

// policySuite is a suite of package trafficpolicy's tests, and how it went.
type policySuite struct {
	name    string
	suite   *policytest.Suite
	results []policytest.Result
}

func policySuites(t *testing.T) []policySuite {
	t.Helper()
	files, err := filepath.Glob(policyPackage + "/testdata/policies/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no suites", err)
	}
	var out []policySuite
	for _, file := range files {
		suite, err := policytest.LoadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		results, _ := suite.Run(t.Context())
		out = append(out, policySuite{strings.TrimSuffix(filepath.Base(file), ".yaml"), suite, results})
	}
	return out
}

// exampleOf shows the first rule with the action, from the suite named after it or
// nearly so, or else from the first that uses it, with what happens in the suite.
func exampleOf(t *testing.T, action string, suites []policySuite) string {
	t.Helper()
	ordered := slices.Clone(suites)
	slices.SortStableFunc(ordered, func(a, b policySuite) int {
		return likeness(b.name, action) - likeness(a.name, action)
	})
	for _, s := range ordered {
		doc, _ := trafficpolicy.Parse(s.suite.Policy)
		if doc == nil {
			continue
		}
		for _, ph := range trafficpolicy.Phases() {
			for i, rule := range doc.Rules[ph] {
				if slices.ContainsFunc(rule.Actions, func(a trafficpolicy.Action) bool { return a.Type == action }) {
					return "\n## Example\n\n```yaml\n" + ruleText(s.suite.Policy, ph, doc, i) + "```\n" + stepsText(s)
				}
			}
		}
	}
	return ""
}

func likeness(suite, action string) int {
	switch {
	case suite == action:
		return 2
	case strings.Contains(suite, action), strings.Contains(action, suite):
		return 1
	}
	return 0
}

// ruleText is one rule of a policy as it is written, below its phase.
func ruleText(policy string, ph trafficpolicy.Phase, doc *trafficpolicy.Document, i int) string {
	lines := strings.Split(strings.TrimRight(policy, "\n"), "\n")
	start := doc.Rules[ph][i].Line - 1
	end := len(lines)
	for _, other := range trafficpolicy.Phases() {
		for _, r := range doc.Rules[other] {
			if at := r.Line - 1; at > start && at < end {
				end = at
			}
		}
	}
	body := lines[start:end]
	for len(body) > 1 && !strings.HasPrefix(body[len(body)-1], " ") { // the next phase's key
		body = body[:len(body)-1]
	}
	if strings.HasPrefix(body[0], string(ph)) { // the phase in one line
		return strings.Join(body, "\n") + "\n"
	}
	return string(ph) + ":\n" + strings.Join(body, "\n") + "\n"
}

// stepsText says what the suite shows, at most its first steps.
func stepsText(s policySuite) string {
	const most = 6
	link := fmt.Sprintf("\nFrom the suite [%s.yaml](../../../platform/trafficpolicy/testdata/policies/%[1]s.yaml)", s.name)
	if s.suite.About != "" {
		link += ": " + s.suite.About
	}
	var b strings.Builder
	b.WriteString(link + "\n\n| Step | What happens |\n| --- | --- |\n")
	for _, r := range s.results[:min(most, len(s.results))] {
		if n := len(r.Exchanges); n > 0 {
			fmt.Fprintf(&b, "| %s | %s |\n", cell(r.Step), happened(r.Exchanges[n-1]))
		}
	}
	return b.String()
}

func happened(x *policytest.Exchange) string {
	what := "the upstream is asked"
	switch {
	case x.Closed():
		what = "the connection is closed"
	case x.Final != nil && x.Final.Action != "":
		what = "`" + x.Final.Action + "` answers"
	case x.Final != nil:
		what = "an expression fails"
	}
	if x.Response != nil {
		what += ", " + strconv.Itoa(x.Response.Status)
	}
	if c := x.Code(); c != "" {
		what += ", `" + string(c) + "`"
	}
	return what
}

// actionCodes are the codes of responses that an action makes: those that the suites
// saw, and those that its file names when it registers nothing else.
func actionCodes(t *testing.T, action string, suites []policySuite) []trafficpolicy.CodeInfo {
	t.Helper()
	used := namedCodes(t, action)
	for _, s := range suites {
		for _, r := range s.results {
			for _, x := range r.Exchanges {
				if x.Final != nil && x.Final.Action == action && x.Code() != "" {
					used[x.Code()] = true
				}
			}
		}
	}
	for _, general := range []trafficpolicy.Code{trafficpolicy.CodeEvaluation, trafficpolicy.CodeTemplateFailed, trafficpolicy.CodeActionFailed} {
		delete(used, general)
	}
	return slices.DeleteFunc(trafficpolicy.Codes(), func(c trafficpolicy.CodeInfo) bool {
		return !used[c.Code] || c.Status == 0 && c.Code != trafficpolicy.CodeConnectionClosed
	})
}

// namedCodes reads the source file that registers the action.
func namedCodes(t *testing.T, action string) map[trafficpolicy.Code]bool {
	t.Helper()
	values := constants(t, policyPackage+"/codes.go")
	files, _ := filepath.Glob(policyPackage + "/action_*.go")
	registers := regexp.MustCompile(`Type:\s+"` + action + `",`)
	used := map[trafficpolicy.Code]bool{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(source), "register(ActionInfo{"); n != 1 || !registers.Match(source) {
			continue
		}
		ast.Inspect(parseFile(t, file), func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && values[id.Name].value != "" {
				used[trafficpolicy.Code(values[id.Name].value)] = true
			}
			return true
		})
	}
	return used
}

type constant struct{ name, value, comment string }

// constants are the text constants of a file by name, with the comments after them.
func constants(t *testing.T, file string) map[string]constant {
	t.Helper()
	all := map[string]constant{}
	ast.Inspect(parseFile(t, file), func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != len(spec.Names) {
			return true
		}
		for i, name := range spec.Names {
			if lit, ok := spec.Values[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				value, _ := strconv.Unquote(lit.Value)
				all[name.Name] = constant{name.Name, value, strings.TrimSpace(spec.Comment.Text())}
			}
		}
		return true
	})
	return all
}

func parseFile(t *testing.T, file string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// codeReference lists the codes of policies, and those that the proxy itself answers
// with, as its source tells them.
func codeReference(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("# Error codes\n\nMade from the program. A response that the gateway makes instead of the upstream carries its code in the header `sluice-error-code`; an upstream " +
		"cannot set it. Codes are stable.\n")
	head := "\n## %s\n\n| Code | Status | Meaning |\n| --- | --- | --- |\n"
	fmt.Fprintf(&b, head, "Responses that a policy makes")
	faults := &strings.Builder{}
	for _, c := range trafficpolicy.Codes() {
		if c.Status == 0 && c.Code != trafficpolicy.CodeConnectionClosed {
			fmt.Fprintf(faults, "| `%s` | %s |\n", c.Code, cell(c.Meaning))
			continue
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", c.Code, statusText(c.Status), cell(c.Meaning))
	}
	fmt.Fprintf(&b, head, "Responses of the proxy itself")
	for _, c := range proxyCodes(t) {
		status, meaning, _ := strings.Cut(c.comment, ": ")
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", c.value, cell(status), cell(meaning))
	}
	b.WriteString("\n## Faults of documents\n\nFound when a policy is checked or saved.\n\n| Code | Meaning |\n| --- | --- |\n" + faults.String())
	return b.String()
}

func proxyCodes(t *testing.T) []constant {
	t.Helper()
	files, err := filepath.Glob("../../services/proxy/internal/answer/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var out []constant
	for _, file := range files {
		for _, c := range constants(t, file) {
			if strings.HasPrefix(c.name, "Code") && strings.HasPrefix(c.value, "SLUICE_") {
				out = append(out, c)
			}
		}
	}
	if len(out) == 0 {
		t.Fatal("the proxy's codes were not found")
	}
	slices.SortFunc(out, func(a, b constant) int { return strings.Compare(a.value, b.value) })
	return out
}

// The policy and the suite that the overview shows work together as it says.
func TestOverviewExampleWorks(t *testing.T) {
	page := policyOverview(t)
	var blocks []string
	for i, part := range strings.Split(page, "```") {
		if i%2 == 1 {
			blocks = append(blocks, strings.TrimPrefix(part, "yaml\n"))
		}
	}
	if len(blocks) != 2 {
		t.Fatalf("%d examples, want a policy and a suite", len(blocks))
	}
	dir := t.TempDir()
	suite := filepath.Join(dir, "tests", "suite.yaml")
	if err := os.Mkdir(filepath.Dir(suite), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{filepath.Join(dir, "policy.yaml"): blocks[0], suite: blocks[1]} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	loaded, err := policytest.LoadFile(suite)
	if err != nil {
		t.Fatal(err)
	}
	results, problems := loaded.Run(t.Context())
	if len(problems) > 0 || len(results) != 2 {
		t.Fatal(results, problems)
	}
	for _, r := range results {
		for _, f := range r.Failures {
			t.Errorf("%s: %s", r.Step, f)
		}
	}
}
