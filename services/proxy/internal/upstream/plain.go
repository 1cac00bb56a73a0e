package upstream

import (
	"context"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/answer"
	"sluice.dev/services/proxy/internal/http1"
	"sluice.dev/services/proxy/internal/http1/transport"
)

// ownTrailers are names that only the gateway may use.
var ownTrailers = []string{answer.HeaderErrorCode, answer.HeaderExchangeID}

// doPlain is Do for targets without TLS.
func (p *Pool) doPlain(ctx context.Context, t *Target, req *message.Request, info Informational, call Call) (*message.Response, Call, error) {
	res, reused, err := p.plain.RoundTrip(ctx, transport.Target{Address: t.Address}, transport.Call{
		Request: req, Server: http1.Server{Prefix: t.Prefix, Host: t.Host}, Inform: transport.Informational(info), DropTrailers: ownTrailers,
	})
	call.Reused = reused
	if err != nil {
		return nil, call, failure(ctx, t, err)
	}
	return res, call, nil
}
