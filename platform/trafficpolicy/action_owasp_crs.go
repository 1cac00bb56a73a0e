package trafficpolicy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	waftypes "github.com/corazawaf/coraza/v3/types"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy/coding"
)

func init() {
	request := firewallInfo("owasp-crs-request", "request", OnHTTPRequest, 5)
	request.Fields = append(request.Fields, Field{Name: "allowed_methods", Kind: Texts, Min: 1, Max: 20,
		Description: "Methods that are no attack; when not given, those of the rule set: GET, HEAD, POST and OPTIONS.", Example: "[GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS]"})
	register(request, func(c *config) action { return newOWASP(c, false) })
	register(firewallInfo("owasp-crs-response", "response", OnHTTPResponse, 4), func(c *config) action { return newOWASP(c, true) })
}

func firewallInfo(name, subject string, ph Phase, threshold int64) ActionInfo {
	return ActionInfo{
		Type:        name,
		Summary:     "Refuses a " + subject + " that the OWASP Core Rule Set takes for an attack or a leak.",
		Phases:      []Phase{ph},
		Terminating: Sometimes,
		Fields: []Field{
			{Name: "on_error", Kind: Enum, Default: "halt", Values: []string{"halt", "continue"}, Description: "continue lets the " + subject + " through in any case, and only publishes."},
			{Name: "process_body", Kind: Boolean, Default: false, Description: "Whether to look at the beginning of the body, too."},
			{Name: "exclude_rule_ids", Kind: Custom, Description: "Rules to leave out, 900000 to 999999.", Example: "[920350]"},
			{Name: "max_body_bytes", Kind: Integer, Default: int64(4096), Min: 1, Max: 1 << 20, Description: "How much of the body is looked at."},
			{Name: "paranoia_level", Kind: Integer, Default: int64(1), Min: 1, Max: 4, Description: "Higher levels find more, and more that is harmless."},
			{Name: "anomaly_score_threshold", Kind: Integer, Default: threshold, Min: 1, Max: 1000, Description: "The score from which a " + subject + " is refused."},
		},
		Results: []ResultInfo{
			{"decision", cel.StringType, "allow or deny."},
			{"anomaly_score", cel.IntType, "Sum of what the matched rules count."},
			{"anomaly_score_threshold", cel.IntType, "The score from which it is refused."},
			{"matched_rules", cel.ListType(cel.MapType(cel.StringType, cel.DynType)), "Rules that raised the score: id, message, severity, data."},
			{"error.code", cel.StringType, "Code of the refusal."},
			{"error.message", cel.StringType, "Text of the refusal."},
		},
	}
}

// owasp is either action; they differ in what they look at.
type owasp struct {
	wafConfig
	slot        int
	firewall    *firewall
	halt        bool
	processBody bool
}

func newOWASP(c *config, response bool) action {
	a := &owasp{slot: c.spec.slot, halt: c.word("on_error") == "halt", processBody: c.boolean("process_body"), wafConfig: wafConfig{
		response: response, paranoia: c.integer("paranoia_level"), threshold: c.integer("anomaly_score_threshold"), maxBody: c.integer("max_body_bytes"),
		allowedMethods: c.words("allowed_methods"), excluded: c.ruleIDs("exclude_rule_ids"),
	}}
	for i, method := range a.allowedMethods {
		if !message.ValidName(method) {
			v := c.get("allowed_methods")
			c.compiler.report(v.node.Content[i], index(v.path, i), CodeValue, fmt.Sprintf("%q is not a method", method), "such as PUT")
			return a // it must not reach the directives
		}
	}
	if len(c.compiler.problems.Errors()) > 0 {
		return a // rules take a while to compile, and this policy will not run
	}
	var err error
	if a.firewall, err = newFirewall(&a.wafConfig); err != nil {
		c.compiler.report(c.node, c.path, CodeActionFailed, "the rule set cannot be prepared: "+err.Error(), "")
	}
	return a
}

// ruleIDs reads a list of rule numbers.
func (c *config) ruleIDs(field string) []int64 {
	v := c.get(field)
	if !c.has(field) {
		return nil
	}
	var out []int64
	for i, n := range c.items(Field{Name: field}, v) {
		item := &value{node: resolve(n), path: index(v.path, i)}
		before := len(c.compiler.problems)
		c.decodeInteger(Field{Min: 900000, Max: 999999}, item)
		if len(c.compiler.problems) == before {
			if !ruleIDs()[item.integer] {
				c.compiler.warn(item.node, item.path, CodeValue, fmt.Sprintf("the rule set has no rule %d", item.integer), "")
			}
			out = append(out, item.integer)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (a *owasp) run(_ context.Context, r *Run) (*Outcome, error) {
	tx := a.firewall.waf.NewTransaction()
	defer func() { _ = tx.Close() }() // nothing but temporary files can fail to go
	var err error
	if a.response {
		err = a.inspectResponse(tx, r)
	} else {
		err = a.inspectRequest(tx, r)
	}
	decision := "allow"
	fact := &r.facts.OWASPRequest
	code := CodeWAFRequest
	if a.response {
		fact, code = &r.facts.OWASPResponse, CodeWAFResponse
	}
	if err != nil {
		*fact = "error"
		if a.halt {
			return nil, &failure{CodeWAF, err}
		}
		a.publish(r, "allow", wafVerdict{}, CodeWAF)
		return nil, nil //nolint:nilnil // the phase goes on
	}
	v := verdict(tx, &a.wafConfig)
	if !v.deny {
		code = ""
	} else {
		decision = "deny"
	}
	*fact = decision
	a.publish(r, decision, v, code)
	if !v.deny || !a.halt {
		return nil, nil //nolint:nilnil // the phase goes on
	}
	return refuse(code), nil
}

func (a *owasp) inspectRequest(tx waftypes.Transaction, r *Run) error {
	req := r.vars.Request
	describeRequest(tx, r.vars.Conn, req)
	if tx.ProcessRequestHeaders() != nil {
		return nil
	}
	if a.processBody {
		begin, err := a.beginning(&req.Body, req.Header)
		if err != nil {
			return err
		}
		if _, _, err := tx.WriteRequestBody(begin); err != nil {
			return fmt.Errorf("owasp-crs-request: %w", err)
		}
	}
	// Most rules are of this phase, also those that read no body.
	if _, err := tx.ProcessRequestBody(); err != nil {
		return fmt.Errorf("owasp-crs-request: %w", err)
	}
	return nil
}

func (a *owasp) inspectResponse(tx waftypes.Transaction, r *Run) error {
	res := r.vars.Response
	describeRequest(tx, r.vars.Conn, r.vars.Request)
	tx.ProcessRequestHeaders() // prepares the variables; no rule for requests is loaded
	for _, f := range res.Header {
		// The rules pass over bodies that are encoded; this one will be decoded.
		if !a.processBody || !message.EqualName(f.Name, "content-encoding") {
			tx.AddResponseHeader(f.Name, f.Value)
		}
	}
	if tx.ProcessResponseHeaders(res.Status, res.Proto) != nil {
		return nil
	}
	if a.processBody && tx.IsResponseBodyProcessable() && mediaType(res.Header) != "text/event-stream" {
		begin, err := a.beginning(&res.Body, res.Header)
		if err != nil {
			return err
		}
		if _, _, err := tx.WriteResponseBody(begin); err != nil {
			return fmt.Errorf("owasp-crs-response: %w", err)
		}
	}
	if _, err := tx.ProcessResponseBody(); err != nil {
		return fmt.Errorf("owasp-crs-response: %w", err)
	}
	return nil
}

var errInspect = errors.New("owasp-crs: the body cannot be read")

// beginning is as much of the body as is looked at, with its coding undone.
func (a *owasp) beginning(body *io.ReadCloser, h message.Header) ([]byte, error) {
	begin, _, err := hold(body, int(a.maxBody))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errInspect, err)
	}
	encoding := strings.Join(h.Values("content-encoding"), ",")
	if len(coding.Parse(encoding)) == 0 {
		return begin, nil
	}
	return coding.Beginning(begin, encoding, int(a.maxBody)), nil
}

func (a *owasp) publish(r *Run, decision string, v wafVerdict, code Code) {
	rules := make([]any, len(v.matches))
	for i, m := range v.matches {
		rules[i] = map[string]any{"id": m.id, "message": m.message, "severity": m.severity, "data": m.data}
	}
	var errorCode, text ref.Val
	if code != "" {
		errorCode, text = types.String(code), types.String(code.info().Meaning)
	}
	r.vars.Publish(a.slot, types.String(decision), types.Int(v.score), types.Int(a.threshold), types.DefaultTypeAdapter.NativeToValue(rules), errorCode, text)
}
