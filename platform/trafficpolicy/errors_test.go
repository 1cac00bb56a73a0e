package trafficpolicy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/trafficpolicy"
)

// TestProblems holds faulty policies with every problem each must give.
func TestProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/errors/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var cases []struct {
			Name, Policy string
			Want         []string
		}
		if err := yaml.Unmarshal(text, &cases); err != nil {
			t.Fatal(file, err)
		}
		for _, c := range cases {
			t.Run(filepath.Base(file)+"/"+c.Name, func(t *testing.T) {
				_, problems := trafficpolicy.Compile(c.Policy)
				if len(problems) != len(c.Want) {
					t.Errorf("%d problems, want %d", len(problems), len(c.Want))
				}
				for i, want := range c.Want {
					if i >= len(problems) || !gives(problems[i], want) {
						t.Errorf("want %s", want)
					}
				}
				if t.Failed() {
					t.Logf("got\n%s", lines(problems))
				}
			})
		}
	}
}

// gives compares a problem with "line:column code part of its text".
func gives(p trafficpolicy.Problem, want string) bool {
	position, rest, _ := strings.Cut(want, " ")
	code, part, _ := strings.Cut(rest, " ")
	return position == fmt.Sprintf("%d:%d", p.Line, p.Column) && code == string(p.Code) && strings.Contains(p.String(), part)
}

func TestProblemsBecomeViolations(t *testing.T) {
	_, problems := trafficpolicy.Compile("inbound:\n  - actions: [{type: denny}]\n")
	e := errs.As(problems.Err())
	if e == nil || len(e.Violations) != 1 {
		t.Fatalf("Err() = %v, want one violation (the warning is none)", problems.Err())
	}
	want := errs.Violation{Field: "traffic_policy", Message: `inbound[0].actions[0].type: unknown action type "denny"`, Hint: "did you mean deny?", Line: 2, Column: 22, Code: "SLUICE_2201"}
	if e.Violations[0] != want {
		t.Errorf("violation %+v, want %+v", e.Violations[0], want)
	}
	if _, warned := trafficpolicy.Compile("inbound: []"); warned.Err() != nil || len(warned.Warnings()) != 1 {
		t.Errorf("a warning alone gave %v", warned)
	}
}

func TestOptions(t *testing.T) {
	const open = "on_http_request:\n  - expressions: [req.method == 'GET']\n    actions: [{type: deny}]\n"
	tests := []struct {
		name, policy string
		option       trafficpolicy.Option
		want         trafficpolicy.Code
	}{
		{"may not terminate", open, trafficpolicy.RequireTerminating(), trafficpolicy.CodeTermination},
		{"terminates", open + "  - expressions: ['true']\n    actions: [{type: log, config: {metadata: {a: 1}}}, {type: custom-response}]\n", trafficpolicy.RequireTerminating(), ""},
		{"no rules do not terminate", "{}", trafficpolicy.RequireTerminating(), trafficpolicy.CodeTermination},
		{"HTTP phase on TCP", open, trafficpolicy.ForProtocol(trafficpolicy.TCP), trafficpolicy.CodePhase},
		{"too many rules", open, trafficpolicy.Limits(0, 10), trafficpolicy.CodeRules},
		{"too many actions", open, trafficpolicy.Limits(10, 0), trafficpolicy.CodeActions},
	}
	for _, tt := range tests {
		_, problems := trafficpolicy.Compile(tt.policy, tt.option)
		if bad := problems.Errors(); tt.want == "" && len(bad) > 0 || tt.want != "" && (len(bad) != 1 || bad[0].Code != tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, problems, tt.want)
		}
	}
}

func TestIPDataIsConfigured(t *testing.T) {
	const source = "on_http_request: [{expressions: [\"conn.geo.city == 'x'\"], actions: [{type: deny}]}]"
	if p, problems := trafficpolicy.Compile(source); p == nil || len(problems.Warnings()) != 1 {
		t.Error(problems)
	}
	if _, problems := trafficpolicy.Compile(source, trafficpolicy.WithIPData()); len(problems) > 0 {
		t.Error(problems)
	}
}

func TestHostileDocuments(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
	for name, text := range map[string]string{
		"alias bomb":  bomb,
		"cycle":       "on_http_request: &a [*a]",
		"deep":        "on_http_request: " + strings.Repeat("[", 200) + strings.Repeat("]", 200),
		"deep JSON":   `{"on_http_request":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "}",
		"long":        "# " + strings.Repeat("x", trafficpolicy.MaxSource),
		"deep parens": "on_http_request: [{expressions: [\"" + strings.Repeat("(", 5000) + "\"], actions: [{type: deny}]}]",
	} {
		if p, problems := trafficpolicy.Compile(text); p != nil || len(problems.Errors()) == 0 {
			t.Errorf("%s: accepted", name)
		}
	}
}
