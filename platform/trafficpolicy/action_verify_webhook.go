package trafficpolicy

import (
	"context"
	"crypto/rsa"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"sluice.dev/platform/trafficpolicy/expr"
)

func init() {
	register(ActionInfo{
		Type:        "verify-webhook",
		Summary:     "Admits webhooks that their provider signed with the secret. A signed time must be recent, so a webhook that is replayed later is refused.",
		Phases:      []Phase{OnHTTPRequest},
		Terminating: Sometimes,
		Fields: []Field{
			{Name: "provider", Kind: Enum, Required: true, Values: webhookProviders(), Description: "Who sends the webhooks.", Example: "github"},
			{Name: "secret", Kind: Text, Template: true, Required: true, Min: 1, Description: "The secret shared with the provider; for sendgrid the public key it shows, for sns the ARN of the topic.", Example: "\"${secrets.get('webhooks', 'github')}\""},
			{Name: "enforce", Kind: Boolean, Default: true, Description: "false checks and publishes, and never refuses."},
			{Name: "tolerance", Kind: Duration, Default: 3 * time.Minute, Min: int64(time.Second), Max: int64(24 * time.Hour), Description: "How old a signed time may be, for providers that sign one."},
			{Name: "max_body_bytes", Kind: Integer, Default: int64(5 << 20), Min: 1, Max: 64 << 20, Description: "Larger bodies are refused; the whole body is held in memory to be checked."},
		},
		Results: []ResultInfo{
			{"verified", cel.BoolType, "Whether the signature is right."},
			{"error.code", cel.StringType, "Code of the refusal."},
			{"error.message", cel.StringType, "Text of the refusal."},
		},
	}, newVerifyWebhook)
}

func webhookProviders() []string {
	names := slices.Concat(slices.Collect(maps.Keys(webhookSchemes)), slices.Collect(maps.Keys(webhookAliases)), otherProviders)
	slices.Sort(names)
	return names
}

type verifyWebhook struct {
	slot      int
	scheme    webhookScheme
	secret    *expr.Template
	enforce   bool
	tolerance time.Duration
	maxBody   int
	keys      certificates // of providers that sign with one
}

func newVerifyWebhook(c *config) action {
	name := c.word("provider")
	if other, ok := webhookAliases[name]; ok {
		name = other
	}
	scheme, ok := webhookSchemes[name]
	if !ok && slices.Contains(otherProviders, name) {
		c.fault("provider", CodeNotSupported, "webhooks of "+name+" cannot be verified yet", "supported: "+strings.Join(slices.Sorted(maps.Keys(webhookSchemes)), ", "))
	}
	return &verifyWebhook{slot: c.spec.slot, scheme: scheme, secret: c.text("secret"), enforce: c.boolean("enforce"),
		tolerance: c.duration("tolerance"), maxBody: int(c.integer("max_body_bytes"))}
}

var errNoSecret = errors.New("verify-webhook: the secret is empty, so anyone could sign")

func (a *verifyWebhook) run(ctx context.Context, r *Run) (*Outcome, error) {
	secret, err := a.secret.Render(&r.vars)
	if err != nil {
		return nil, &failure{CodeTemplateFailed, err}
	}
	if secret == "" {
		return nil, &failure{CodeActionFailed, errNoSecret}
	}
	body, err := r.wholeRequest(a.maxBody)
	if err != nil {
		if f := asFailure(err); !a.enforce && f != nil && f.code == CodeRequestTooLarge {
			a.publish(r, false, types.String(f.code), types.String(f.code.info().Meaning))
			return nil, nil //nolint:nilnil // the phase goes on
		}
		return nil, err
	}
	q := &webhookRequest{Request: r.vars.Request, content: body, now: r.vars.Time(), tolerance: a.tolerance,
		fetch: func(url string) (*rsa.PublicKey, error) { return a.keys.fetch(ctx, r.services.HTTP, url) }}
	verified := a.scheme.verify(q, secret)
	if a.scheme.challenge != nil {
		if c := a.scheme.challenge(q, secret); c != nil && (verified || !c.signed) {
			a.publish(r, verified, nil, nil)
			r.facts.Webhook = "allow"
			return &Outcome{Response: c.response()}, nil
		}
	}
	if verified {
		a.publish(r, true, nil, nil)
		r.facts.Webhook = "allow"
		return nil, nil //nolint:nilnil // the phase goes on
	}
	a.publish(r, false, types.String(CodeWebhook), types.String(CodeWebhook.info().Meaning))
	r.facts.Webhook = "block"
	if !a.enforce {
		return nil, nil //nolint:nilnil // the phase goes on
	}
	out := refuse(CodeWebhook)
	if a.scheme.refusal != 0 {
		out.Response.Status = a.scheme.refusal
	}
	return out, nil
}

func (a *verifyWebhook) publish(r *Run, verified bool, code, message ref.Val) {
	r.vars.Publish(a.slot, types.Bool(verified), code, message)
}
