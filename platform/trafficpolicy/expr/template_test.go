package expr_test

import (
	"strings"
	"testing"

	"cel.dev/cel-go/common/types"

	"sluice.dev/platform/trafficpolicy/expr"
)

func TestTemplates(t *testing.T) {
	tests := []struct{ source, want string }{
		{"plain $ {} $1", "plain $ {} $1"},
		{"", ""},
		{"${req.method}", "GET"},
		{"a${req.method}b${1 + 1}c", "aGETb2c"},
		{"${'}'}${\"}{\"}", "}}{"},
		{"${{'a': '}'}.a}", "}"},
		{`${'it\'s }'}`, "it's }"},
		{`${r'\'}x${'y'}`, `\xy`},
		{`${'''a'}'b'''}`, "a'}'b"},
		{`${req.headers[\"x-api-key\"][0]}`, "k1"},
		{`${"a\"b"}`, `a"b`},
		{"${timestamp('2024-07-13T00:10:16Z')}", "2024-07-13T00:10:16Z"},
		{"${[1, 'a']}", `[1,"a"]`},
		{"${{'k': [true, null]}}", `{"k":[true,null]}`},
		{"${null}|${b'hi'}|${1.5}|${duration('90s')}", "|aGk=|1.5|1m30s"},
		{"${// comment }\nreq.method}", "GET"},
	}
	for _, tt := range tests {
		tmpl, faults := environment().CompileTemplate(tt.source)
		if faults != nil {
			t.Errorf("%s: %v", tt.source, faults)
			continue
		}
		if got, err := tmpl.Render(fixture(environment())); err != nil || got != tt.want {
			t.Errorf("%s = %q, %v, want %q", tt.source, got, err, tt.want)
		}
	}
}

func TestTemplateKeepsTheTypeOfOneExpression(t *testing.T) {
	for source, want := range map[string]string{"${1 + 1}": "int", "${1 + 1} ": "string", "1": "string", "${[1]}": "list"} {
		tmpl, _ := environment().CompileTemplate(source)
		val, err := tmpl.Value(fixture(environment()))
		if err != nil || val.Type().TypeName() != want {
			t.Errorf("%q is %v, %v, want a %s", source, val, err, want)
		}
	}
}

func TestTemplateFaults(t *testing.T) {
	tests := []struct {
		source string
		offset int
		part   string
	}{
		{"ab ${req.method", 3, "not closed"},
		{"${'}", 0, "not closed"},
		{"${// }", 0, "not closed"},
		{"ab ${ req.hots }", 6, "did you mean req.host?"},
		{"${}", 2, "empty"},
	}
	for _, tt := range tests {
		_, faults := environment().CompileTemplate(tt.source)
		if len(faults) != 1 || faults[0].Offset != tt.offset || !strings.Contains(faults[0].String(), tt.part) {
			t.Errorf("%q: %+v, want offset %d and %q", tt.source, faults, tt.offset, tt.part)
		}
	}
}

// TestReadsOnlyWhatItNames: an expression about the method must not touch the
// headers.
func TestReadsOnlyWhatItNames(t *testing.T) {
	p, _ := environment().Compile("req.method == 'GET'")
	v := fixture(environment())
	if allocs := testing.AllocsPerRun(100, func() { _, _ = p.Eval(v) }); allocs > 1 {
		t.Errorf("%v allocations, want at most the boxed text", allocs)
	}
}

func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"${req.method}", `${req.headers[\"x\"]}`, "a${'}'}b", "${r'\\'}", "${{'a': 1}}", "${", "$${}}"} {
		f.Add(seed)
	}
	env, v := environment(), fixture(environment())
	f.Fuzz(func(t *testing.T, source string) {
		tmpl, faults := env.CompileTemplate(source)
		for _, fault := range faults {
			if fault.Offset < 0 || fault.Offset > len(source) {
				t.Errorf("offset %d of %q", fault.Offset, source)
			}
		}
		if tmpl == nil {
			return
		}
		if !strings.Contains(source, "${") {
			if s, ok := tmpl.Static(); !ok || s != source {
				t.Errorf("plain text %q became %q", source, s)
			}
		}
		_, _ = tmpl.Render(v)
	})
}

func FuzzExpression(f *testing.F) {
	for line := range strings.SplitSeq(trueExpressions, "\n") {
		f.Add(line)
	}
	env, v := environment(), fixture(environment())
	f.Fuzz(func(t *testing.T, source string) {
		p, faults := env.Compile(source)
		if (p == nil) == (len(faults) == 0) {
			t.Errorf("program %v with faults %v", p, faults)
		}
		for _, fault := range faults {
			if fault.Offset < 0 || fault.Offset > len(source) {
				t.Errorf("offset %d of %q", fault.Offset, source)
			}
		}
		if p == nil {
			return
		}
		if val, err := p.Eval(v); err == nil {
			_ = expr.Text(val)
			_ = expr.Plain(val)
			if types.IsError(val) {
				t.Errorf("an error as value: %v", val)
			}
		}
	})
}
