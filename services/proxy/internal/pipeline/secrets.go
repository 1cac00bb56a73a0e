package pipeline

import (
	"context"
	"slices"
)

// Secret implements expr.SecretSource: the newest value, whatever was in force
// when the exchange began. What was read is remembered, to be kept out of records
// and logs.
func (x *exchange) Secret(ctx context.Context, vault, name string) (string, error) {
	if x.caller != nil {
		return x.caller.Secret(ctx, vault, name)
	}
	secret, err := x.states.State().Secret(vault, name)
	if err != nil {
		return "", err
	}
	if !slices.Contains(x.secrets, secret.Mask) {
		x.secrets = append(x.secrets, secret.Mask)
		x.record.Know(secret.Mask)
	}
	return secret.Value, nil
}

// hidden is an error as the log may have it.
func (x *exchange) hidden(err error) string {
	if x.caller != nil {
		return x.caller.hidden(err)
	}
	text := err.Error()
	for _, s := range x.secrets {
		text, _ = s.Mask(text)
	}
	return text
}
