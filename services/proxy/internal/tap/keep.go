package tap

import (
	"context"

	"sluice.dev/platform/trafficpolicy"
)

// Why an exchange is recorded although the sample leaves it out.
const (
	keptByRule        = "rule"
	keptByServerError = "server_error"
	keptBySlow        = "slow"
	keptByExpression  = "expression"
)

// decide says, at the end, whether the exchange is recorded.
func (r *Recording) decide() bool {
	if r.sampled() {
		return true
	}
	k := r.plan.keep
	switch {
	case r.kept:
		r.keptBy = keptByRule
	case k.serverErrors && (!r.response || r.status >= 500):
		r.keptBy = keptByServerError
	case k.slowerThan > 0 && r.end.Sub(r.start) >= k.slowerThan:
		r.keptBy = keptBySlow
	case k.condition != nil && r.holds(k.condition):
		r.keptBy = keptByExpression
	}
	return r.keptBy != ""
}

// sampled reports whether the exchange is part of the sample. Once parts of it are
// on their way it stays so.
func (r *Recording) sampled() bool {
	return r.lot < r.plan.share || r.reqBody.handed() || r.resBody.handed()
}

// holds evaluates an expression. One that fails, such as for want of a response,
// does not hold.
func (r *Recording) holds(c *trafficpolicy.Condition) bool {
	yes, err := c.Holds(context.Background(), r.Run, trafficpolicy.Input{Conn: r.conn, Endpoint: r.Endpoint, Request: r.req, ID: r.id}, r.res)
	return err == nil && yes
}
