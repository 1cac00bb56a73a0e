package endpoint

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/message"
)

// checkUpstream normalises u in place and tells everything that is wrong with it.
func checkUpstream(u *policyv1.Upstream) (faults []error) {
	note := func(err error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	switch {
	case u.GetUrl() != "" && len(u.GetTargets()) > 0:
		note(field("upstream.targets", "make the URL one of the targets", "an upstream has a url or targets, not both"))
	case len(u.GetTargets()) == 0:
		var err error
		u.Url, err = upstreamURL("upstream.url", u.GetUrl())
		note(err)
	}
	faults = append(faults, checkTargets(u.GetTargets())...)
	if u.GetOutlierDetection() != nil && len(u.GetTargets()) == 0 {
		note(field("upstream.outlier_detection", "list the servers in upstream.targets instead of upstream.url", "needs targets: there is no other to ask while the only one is left out"))
	}
	note(checkSpan("upstream.outlier_detection.ejection_time", u.GetOutlierDetection().GetEjectionTime(), time.Second, 5*time.Minute))
	if c := u.GetHealthCheck(); c != nil {
		faults = append(faults, checkHealth(c)...)
	}
	if r := u.GetRetry(); r != nil {
		faults = append(faults, checkRetry(r)...)
	}
	note(checkSpan("upstream.timeouts.connect", u.GetTimeouts().GetConnect(), time.Millisecond, 5*time.Minute))
	note(checkSpan("upstream.timeouts.first_byte", u.GetTimeouts().GetFirstByte(), time.Millisecond, 24*time.Hour))
	note(checkSpan("upstream.timeouts.idle", u.GetTimeouts().GetIdle(), time.Millisecond, 24*time.Hour))
	return faults
}

func checkTargets(targets []*policyv1.UpstreamTarget) (faults []error) {
	seen := map[string]int{}
	for i, t := range targets {
		name := fmt.Sprintf("upstream.targets[%d].url", i)
		normal, err := upstreamURL(name, t.GetUrl())
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if first, twice := seen[normal]; twice {
			faults = append(faults, field(name, "give the first a larger weight instead", "%s is target %d already", normal, first))
		}
		t.Url, seen[normal] = normal, i
	}
	return faults
}

func checkHealth(c *policyv1.HealthCheck) (faults []error) {
	note := func(err error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	if p := c.GetPath(); p != "" && (!strings.HasPrefix(p, "/") || !visible(p)) {
		note(field("upstream.health_check.path", "such as /healthz", "%q is not a path: it begins with / and has no spaces", p))
	}
	if h := c.GetHost(); h != "" && (!visible(h) || strings.Contains(h, "/")) {
		note(field("upstream.health_check.host", "such as api.example.com", "%q is not a host", h))
	}
	note(checkSpan("upstream.health_check.interval", c.GetInterval(), time.Second, time.Hour))
	note(checkSpan("upstream.health_check.timeout", c.GetTimeout(), time.Millisecond, time.Minute))
	for i, s := range c.GetExpectedStatuses() {
		if !isStatus(s) {
			note(field(fmt.Sprintf("upstream.health_check.expected_statuses[%d]", i), "such as 200 or 2xx", "%q is neither a status nor a class of them", s))
		}
	}
	return faults
}

func checkRetry(r *policyv1.RetryPolicy) (faults []error) {
	for i, s := range r.GetStatuses() {
		if s < 400 || s > 599 {
			faults = append(faults, field(fmt.Sprintf("upstream.retry.statuses[%d]", i), "such as 503", "%d is not a failure: use a status from 400 to 599", s))
		}
	}
	for i, m := range r.GetMethods() {
		if r.Methods[i] = strings.ToUpper(m); !message.ValidName(m) {
			faults = append(faults, field(fmt.Sprintf("upstream.retry.methods[%d]", i), "such as GET", "%q is not a method", m))
		}
	}
	return faults
}

// checkSpan refuses what is set and not between the two.
func checkSpan(name string, d *durationpb.Duration, from, to time.Duration) error {
	if d == nil {
		return nil
	}
	if d.CheckValid() != nil || d.AsDuration() < from || d.AsDuration() > to {
		return field(name, "leave it out for the default", "%s is not from %s to %s", d.AsDuration(), from, to)
	}
	return nil
}

// isStatus reports whether s is a status such as 200, or a class such as 2xx.
func isStatus(s string) bool {
	if len(s) != 3 || s[0] < '1' || s[0] > '5' {
		return false
	}
	if strings.EqualFold(s[1:], "xx") {
		return true
	}
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// visible reports whether s has only characters that can stand in a request line.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// upstreamURL is raw in full: "8080" means http://localhost:8080, a host without
// scheme means http. A path stays, without a slash at its end.
func upstreamURL(name, raw string) (string, error) {
	text := strings.TrimSpace(raw)
	if _, err := strconv.ParseUint(text, 10, 64); err == nil {
		text = "localhost:" + text
	}
	u, err := split(name, text, "http")
	if err != nil {
		return "", err
	}
	host, err := normalHost(name, u.Hostname())
	if err != nil {
		return "", err
	}
	base, err := assemble(name, u, host)
	if err != nil {
		return "", err
	}
	return base + strings.TrimRight(u.EscapedPath(), "/"), nil
}
