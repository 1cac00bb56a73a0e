package auth

import (
	"context"

	"sluice.dev/gateway/internal/api"
)

// Gate stands before one listener.
type Gate struct {
	Keys *Keys
	// Required is false only where nobody but this machine can connect: callers
	// without a key are then the local user, who may do everything.
	Required bool
}

// Admit tells who calls, and refuses those who may not call m. A key that is
// presented counts, even where none is needed.
func (g Gate) Admit(ctx context.Context, authorization string, m api.Method) (api.Caller, error) {
	caller := api.Local
	if g.Required || authorization != "" {
		var err error
		if caller, err = g.Keys.Caller(ctx, authorization); err != nil {
			return api.Caller{}, err
		}
	}
	return caller, m.Allow(caller)
}
