package upstream

import (
	"fmt"
	"slices"
	"strings"
	"time"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

// check says how the health of targets is found out.
type check struct {
	path              string
	host              string // "": the target's own
	interval, timeout time.Duration
	rise, fall        int // successes and failures in a row that change it
	statuses          [6]statuses
}

// statuses are those of one class, by first digit.
type statuses struct {
	all  bool
	some []int
}

func newCheck(doc *policyv1.HealthCheck) (*check, error) {
	if doc == nil {
		return nil, nil //nolint:nilnil // none is wanted
	}
	c := &check{path: doc.GetPath(), host: doc.GetHost(), interval: 10 * time.Second, timeout: 2 * time.Second, rise: 2, fall: 3}
	if c.path == "" {
		c.path = "/"
	}
	if d := doc.GetInterval(); d != nil {
		c.interval = d.AsDuration()
	}
	if d := doc.GetTimeout(); d != nil {
		c.timeout = d.AsDuration()
	}
	if n := doc.GetHealthyThreshold(); n > 0 {
		c.rise = int(n)
	}
	if n := doc.GetUnhealthyThreshold(); n > 0 {
		c.fall = int(n)
	}
	if c.interval < time.Second || c.timeout <= 0 || !strings.HasPrefix(c.path, "/") {
		return nil, fmt.Errorf("health check: the interval %s must be 1s or more, the timeout %s more than 0, and the path %q begin with /", c.interval, c.timeout, c.path)
	}
	expected := doc.GetExpectedStatuses()
	if len(expected) == 0 {
		expected = []string{"2xx", "3xx"}
	}
	for _, s := range expected {
		if err := c.expect(s); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// expect takes one status, or a class of them.
func (c *check) expect(s string) error {
	if len(s) != 3 || s[0] < '1' || s[0] > '5' {
		return fmt.Errorf("health check: %q is not a status such as 200 or 2xx", s)
	}
	class := &c.statuses[s[0]-'0']
	if strings.EqualFold(s[1:], "xx") {
		class.all = true
		return nil
	}
	if s[1] < '0' || s[1] > '9' || s[2] < '0' || s[2] > '9' {
		return fmt.Errorf("health check: %q is not a status such as 200 or 2xx", s)
	}
	class.some = append(class.some, int(s[0]-'0')*100+int(s[1]-'0')*10+int(s[2]-'0'))
	return nil
}

func (c *check) expects(status int) bool {
	if status < 100 || status > 599 {
		return false
	}
	class := c.statuses[status/100]
	return class.all || slices.Contains(class.some, status)
}

// equal reports whether both find out the same.
func (c *check) equal(o *check) bool {
	if c.path != o.path || c.host != o.host || c.interval != o.interval || c.timeout != o.timeout || c.rise != o.rise || c.fall != o.fall {
		return false
	}
	for i := range c.statuses {
		if c.statuses[i].all != o.statuses[i].all || !slices.Equal(c.statuses[i].some, o.statuses[i].some) {
			return false
		}
	}
	return true
}

// verdict is what checks in a row come to.
type verdict struct{ successes, failures int }

// note takes the outcome of one check of m, and reports whether that changed m's
// health.
func (v *verdict) note(c *check, m *member, ok bool) (changed bool) {
	if ok {
		v.successes, v.failures = v.successes+1, 0
	} else {
		v.successes, v.failures = 0, v.failures+1
	}
	switch down := m.unhealthy.Load(); {
	case down && v.successes >= c.rise:
		m.unhealthy.Store(false)
	case !down && v.failures >= c.fall:
		m.unhealthy.Store(true)
	default:
		return false
	}
	return true
}
