package trafficpolicy

import (
	"context"
	"fmt"
	"net/netip"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"sluice.dev/platform/trafficpolicy/expr"
)

func init() {
	register(ActionInfo{
		Type:        "restrict-ips",
		Summary:     "Admits clients whose address is in an allowed range and in no denied one. The address is that of the connection; headers are not read.",
		Phases:      wholePhases,
		Terminating: Sometimes,
		Fields: []Field{
			{Name: "enforce", Kind: Boolean, Default: true, Description: "false checks and publishes, and never refuses."},
			{Name: "allow", Kind: Texts, Template: true, Description: "Allowed ranges in CIDR notation, IPv4 and IPv6.", Example: "[203.0.113.0/24]"},
			{Name: "deny", Kind: Texts, Template: true, Description: "Denied ranges in CIDR notation.", Example: "[203.0.113.7/32]"},
			{Name: "ip_policies", Kind: Texts, Description: "Ids of IP policies whose ranges are added."},
		},
		Results: []ResultInfo{
			{"action", cel.StringType, "allow or deny."},
			{"matched_cidr", cel.StringType, "The range that decided; empty when none did."},
			{"error.code", cel.StringType, "Code of the refusal."},
			{"error.message", cel.StringType, "Text of the refusal."},
		},
	}, newRestrictIPs)
}

type restrictIPs struct {
	slot        int
	allow, deny []cidr
	enforce     bool
}

// cidr is a range known when the policy was loaded, or a template for one.
type cidr struct {
	prefix   netip.Prefix
	template *expr.Template
}

func newRestrictIPs(c *config) action {
	a := &restrictIPs{slot: c.spec.slot, enforce: c.boolean("enforce"), allow: c.cidrs("allow"), deny: c.cidrs("deny")}
	for i, t := range c.get("ip_policies").texts {
		allow, deny, ok := c.ipPolicy(t)
		if !ok {
			c.compiler.report(c.get("ip_policies").node.Content[i], index(c.get("ip_policies").path, i), CodeIPPolicy, "no IP policy has this id", "list the ranges under allow and deny")
		}
		a.allow, a.deny = append(a.allow, allow...), append(a.deny, deny...)
	}
	if len(a.allow) == 0 && !c.has("ip_policies") {
		c.compiler.warn(c.node, c.path, CodeMissing, "admits nobody: no range is allowed", "add allow: [0.0.0.0/0, '::/0'] to admit all that deny does not name")
	}
	return a
}

func (c *config) ipPolicy(t *expr.Template) (allow, deny []cidr, ok bool) {
	if t == nil || c.compiler.ipPolicies == nil {
		return nil, nil, false
	}
	id, _ := t.Static()
	allowed, denied, ok := c.compiler.ipPolicies(id)
	for _, text := range allowed {
		if p, err := parseRange(text); err == nil {
			allow = append(allow, cidr{prefix: p.Masked()})
		}
	}
	for _, text := range denied {
		p, err := parseRange(text)
		if err != nil {
			return nil, nil, false // a denial must not be lost
		}
		deny = append(deny, cidr{prefix: p.Masked()})
	}
	return allow, deny, ok
}

func (c *config) cidrs(field string) []cidr {
	v := c.get(field)
	var out []cidr
	for i, t := range v.texts {
		if t == nil {
			continue
		}
		text, static := t.Static()
		if !static {
			out = append(out, cidr{template: t})
			continue
		}
		p, err := parseRange(text)
		if err != nil {
			c.compiler.report(v.node.Content[i], index(v.path, i), CodeCIDR, fmt.Sprintf("%q is not a range in CIDR notation", text), "such as 203.0.113.0/24 or 2001:db8::/32")
		}
		out = append(out, cidr{prefix: p.Masked()})
	}
	return out
}

// parseRange takes a single address for the range that holds only it.
func parseRange(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr.Unmap().Prefix(addr.Unmap().BitLen())
	}
	return netip.ParsePrefix(text)
}

func (a *restrictIPs) run(_ context.Context, r *Run) (*Outcome, error) {
	addr := r.vars.Conn.ClientAddr.Addr().Unmap().WithZone("")
	denied, inDenied, err := match(&r.vars, a.deny, addr)
	if err != nil {
		return nil, err
	}
	matched, inAllowed, err := match(&r.vars, a.allow, addr)
	if err != nil {
		return nil, err
	}
	if inDenied {
		matched = denied
	}
	if inAllowed && !inDenied {
		r.facts.IPPolicy = "allow"
		r.vars.Publish(a.slot, types.String("allow"), types.String(matched), nil, nil)
		return nil, nil //nolint:nilnil // the phase goes on
	}
	r.facts.IPPolicy = "deny"
	meaning := CodeRestrictedIP.info().Meaning
	r.vars.Publish(a.slot, types.String("deny"), types.String(matched), types.String(CodeRestrictedIP), types.String(meaning))
	switch {
	case !a.enforce:
		return nil, nil //nolint:nilnil // the phase goes on
	case r.current == OnTCPConnect:
		return &Outcome{Close: true, ErrorCode: CodeRestrictedIP}, nil
	}
	return refuse(CodeRestrictedIP), nil
}

// match returns the first range that holds addr.
func match(v *expr.Vars, ranges []cidr, addr netip.Addr) (text string, found bool, err error) {
	for _, c := range ranges {
		p := c.prefix
		if c.template != nil {
			text, err := c.template.Render(v)
			if err != nil {
				return "", false, &failure{CodeTemplateFailed, err}
			}
			if p, err = parseRange(text); err != nil {
				return "", false, &failure{CodeCIDR, fmt.Errorf("restrict-ips: %q is not a range in CIDR notation", v.Hide(text))}
			}
		}
		if p.Contains(addr) {
			return p.String(), true, nil
		}
	}
	return "", false, nil
}
