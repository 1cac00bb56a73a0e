package trafficpolicy

import (
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"weak"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"
	"github.com/corazawaf/coraza/v3/types"

	"sluice.dev/platform/message"
)

// wafConfig is what a firewall is made of: the Core Rule Set with these settings.
type wafConfig struct {
	response       bool // inspects responses rather than requests
	paranoia       int64
	threshold      int64
	maxBody        int64 // bytes that are looked at
	allowedMethods []string
	excluded       []int64
}

// directives is the configuration in the language of ModSecurity.
func (c *wafConfig) directives() string {
	var b strings.Builder
	// A body that was cut off cannot be parsed to its end: that is no attack.
	b.WriteString(`SecRule INBOUND_DATA_ERROR "@eq 1" "id:1,phase:2,pass,nolog,ctl:ruleRemoveById=200002,ctl:ruleRemoveById=200003"` + "\n")
	b.WriteString("Include @coraza.conf-recommended\n")
	b.WriteString("SecRuleEngine On\nSecAuditEngine Off\n")
	fmt.Fprintf(&b, "SecRequestBodyLimit %d\nSecRequestBodyInMemoryLimit %[1]d\nSecRequestBodyLimitAction ProcessPartial\n", c.maxBody)
	fmt.Fprintf(&b, "SecResponseBodyLimit %d\nSecResponseBodyLimitAction ProcessPartial\n", c.maxBody)
	b.WriteString("SecResponseBodyMimeType text/plain text/html text/xml application/json application/xml\n")
	b.WriteString("Include @crs-setup.conf.example\n")
	fmt.Fprintf(&b, `SecAction "id:900000,phase:1,pass,nolog,setvar:tx.blocking_paranoia_level=%d"`+"\n", c.paranoia)
	fmt.Fprintf(&b, `SecAction "id:900110,phase:1,pass,nolog,setvar:tx.inbound_anomaly_score_threshold=%d,setvar:tx.outbound_anomaly_score_threshold=%[1]d"`+"\n", c.threshold)
	if len(c.allowedMethods) > 0 {
		fmt.Fprintf(&b, `SecAction "id:900200,phase:1,pass,nolog,setvar:'tx.allowed_methods=%s'"`+"\n", strings.Join(c.allowedMethods, " "))
	}
	if c.response { // what prepares the variables, without the inspection of requests
		b.WriteString("Include @owasp_crs/REQUEST-901-INITIALIZATION.conf\nInclude @owasp_crs/RESPONSE-95*.conf\n")
	} else {
		b.WriteString("Include @owasp_crs/REQUEST-*.conf\n")
	}
	for _, id := range c.excluded {
		b.WriteString("SecRuleRemoveById " + strconv.FormatInt(id, 10) + "\n")
	}
	return b.String()
}

// firewall is a compiled rule set; the policies with the same settings share it.
type firewall struct {
	waf  coraza.WAF
	once sync.Once
	err  error
}

var (
	firewallsMu sync.Mutex
	firewalls   = map[string]weak.Pointer[firewall]{}
)

// newFirewall compiles the rules, or finds them compiled. The first takes a
// fifth of a second and 20 MB, others a tenth of that.
func newFirewall(c *wafConfig) (*firewall, error) {
	text := c.directives()
	f := sharedFirewall(text)
	f.once.Do(func() {
		cfg := coraza.NewWAFConfig().WithRootFS(coreruleset.FS).WithDirectives(text)
		f.waf, f.err = coraza.NewWAF(cfg)
	})
	return f, f.err
}

func sharedFirewall(key string) *firewall {
	firewallsMu.Lock()
	defer firewallsMu.Unlock()
	if f := firewalls[key].Value(); f != nil {
		return f
	}
	f := &firewall{}
	p := weak.Make(f)
	firewalls[key] = p
	runtime.AddCleanup(f, func(key string) {
		firewallsMu.Lock()
		defer firewallsMu.Unlock()
		if firewalls[key] == p {
			delete(firewalls, key)
		}
	}, key)
	return f
}

// ruleIDs are the rules that can be left out, with their number.
var ruleIDs = sync.OnceValue(func() map[int64]bool {
	ids := map[int64]bool{}
	files, err := fs.Glob(coreruleset.FS, "@owasp_crs/*.conf")
	if err != nil {
		return ids
	}
	for _, name := range files {
		text, err := fs.ReadFile(coreruleset.FS, name)
		if err != nil {
			continue
		}
		for part := range strings.SplitSeq(string(text), "id:") {
			digits := part[:len(part)-len(strings.TrimLeft(part, "0123456789"))]
			if id, err := strconv.ParseInt(digits, 10, 64); err == nil {
				ids[id] = true
			}
		}
	}
	return ids
})

// wafMatch is a rule that raised the score.
type wafMatch struct {
	id                      int
	message, severity, data string
}

// wafVerdict is what a firewall thinks of a message.
type wafVerdict struct {
	deny    bool
	score   int64
	matches []wafMatch
}

// verdict reads a transaction after its last phase.
func verdict(tx types.Transaction, c *wafConfig) wafVerdict {
	name := "blocking_inbound_anomaly_score"
	if c.response {
		name = "blocking_outbound_anomaly_score"
	}
	v := wafVerdict{deny: tx.IsInterrupted()}
	if state, ok := tx.(plugintypes.TransactionState); ok {
		if values := state.Variables().TX().Get(name); len(values) > 0 {
			v.score, _ = strconv.ParseInt(values[0], 10, 64) // the rules count with numbers
		}
	}
	v.deny = v.deny || v.score >= c.threshold
	for _, m := range tx.MatchedRules() {
		if raises(m.Rule()) {
			v.matches = append(v.matches, wafMatch{id: m.Rule().ID(), message: m.Message(), severity: strings.ToUpper(m.Rule().Severity().String()), data: m.Data()})
		}
	}
	slices.SortStableFunc(v.matches, func(a, b wafMatch) int { return a.id - b.id })
	return v
}

// raises reports whether a match of the rule counts; those that add up the score
// and those that only prepare do not.
func raises(r types.RuleMetadata) bool {
	id := r.ID()
	summary := id/1000 == 949 || id/1000 == 959 || id/1000 == 980
	return !summary && r.Severity() >= types.RuleSeverityEmergency && r.Severity() <= types.RuleSeverityNotice
}

// describeRequest gives a transaction all of a request but its body.
func describeRequest(tx types.Transaction, conn *message.Conn, req *message.Request) {
	tx.ProcessConnection(conn.ClientAddr.Addr().Unmap().String(), int(conn.ClientAddr.Port()), conn.ServerAddr.Addr().Unmap().String(), int(conn.ServerAddr.Port()))
	tx.ProcessURI(req.Target, req.Method, req.Proto)
	for _, f := range req.Header {
		tx.AddRequestHeader(f.Name, f.Value)
	}
	if !req.Header.Has("host") {
		tx.AddRequestHeader("Host", req.Host)
	}
	tx.SetServerName(req.URL().Hostname())
}
