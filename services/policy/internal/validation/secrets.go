package validation

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

// Codes of references to what does not exist.
const (
	codeNoVault  = "SLUICE_24008"
	codeNoSecret = "SLUICE_24009"
)

// Secrets knows which vaults and secrets exist.
type Secrets interface {
	// HasVault and HasSecret look a name up as secrets.get() does.
	HasVault(ctx context.Context, vault string) (bool, error)
	HasSecret(ctx context.Context, vault, name string) (bool, error)
}

const (
	literal = `(?:\\?'([^'"\\]*)\\?'|\\?"([^'"\\]*)\\?")`
	// maxReferences bounds the look-ups for one document.
	maxReferences = 200
)

// getSecret finds secrets.get() of two literals; what is computed shows only at
// run time.
var getSecret = regexp.MustCompile(`secrets\.get\(\s*` + literal + `\s*,\s*` + literal + `\s*\)`)

// reference is one secrets.get() in a document.
type reference struct {
	vault, name  string
	path         string
	line, column int
}

// references finds them all. A document that is no YAML has none.
func references(policy string) []reference {
	var root yaml.Node
	if !strings.Contains(policy, "secrets") || yaml.Unmarshal([]byte(policy), &root) != nil {
		return nil
	}
	f := &finder{lines: strings.Split(policy, "\n")}
	for _, n := range root.Content {
		f.walk(n, "")
	}
	return f.found
}

type finder struct {
	lines []string
	found []reference
}

func (f *finder) walk(n *yaml.Node, path string) {
	switch n.Kind {
	case yaml.SequenceNode:
		for i, item := range n.Content {
			f.walk(item, path+"["+strconv.Itoa(i)+"]")
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			f.walk(n.Content[i+1], strings.TrimPrefix(path+"."+n.Content[i].Value, "."))
		}
	case yaml.ScalarNode:
		f.scalar(n, path)
	}
}

func (f *finder) scalar(n *yaml.Node, path string) {
	for _, m := range getSecret.FindAllStringSubmatch(n.Value, -1) {
		if len(f.found) == maxReferences {
			return
		}
		r := reference{vault: m[1] + m[2], name: m[3] + m[4], path: path, line: n.Line, column: n.Column}
		for i := n.Line - 1; i < len(f.lines); i++ {
			if at := strings.Index(f.lines[i], m[0]); at >= 0 {
				r.line, r.column = i+1, utf8.RuneCountInString(f.lines[i][:at])+1
				break
			}
		}
		f.found = append(f.found, r)
	}
}

// missingSecrets are warnings about what the policy reads and is not there: it
// may be made later, and until then those rules fail. When the store does not
// answer there are none.
func (s *Service) missingSecrets(ctx context.Context, policy string) []*policyv1.PolicyProblem {
	var out []*policyv1.PolicyProblem
	for _, r := range references(policy) {
		p := &policyv1.PolicyProblem{Severity: policyv1.PolicyProblem_SEVERITY_WARNING, Path: r.path, Line: int32(r.line), Column: int32(r.column)} // #nosec G115 -- within a document
		known, err := s.secrets.HasVault(ctx, r.vault)
		p.Code, p.Message = codeNoVault, fmt.Sprintf("there is no vault %q", r.vault)
		if err == nil && known {
			known, err = s.secrets.HasSecret(ctx, r.vault, r.name)
			p.Code, p.Message = codeNoSecret, fmt.Sprintf("there is no secret %q in the vault %q", r.name, r.vault)
		}
		if err != nil {
			return nil
		}
		if !known {
			p.Hint = "create it, or correct the name; until then the expression fails and the request is answered with an error"
			out = append(out, p)
		}
	}
	return out
}
