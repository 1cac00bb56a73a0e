package trafficpolicy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"gopkg.in/yaml.v3"

	"sluice.dev/platform/trafficpolicy/expr"
)

const terminateTLS = "terminate-tls"

func init() {
	register(ActionInfo{
		Type:        terminateTLS,
		Summary:     "Says how TLS is ended here: its versions, the certificate to show, and which clients must show one. It is in force from the handshake on, wherever it stands.",
		Phases:      []Phase{OnTCPConnect},
		Terminating: Never,
		Fields: []Field{
			{Name: "min_version", Kind: Enum, Default: "1.2", Values: []string{"1.2", "1.3"}, Description: "Oldest version of TLS."},
			{Name: "max_version", Kind: Enum, Default: "1.3", Values: []string{"1.2", "1.3"}, Description: "Newest version of TLS."},
			{Name: "server_certificate", Kind: Text, Template: true, Min: 1, Description: "Certificate chain to show, in PEM; otherwise the gateway's own for the host."},
			{Name: "server_private_key", Kind: Text, Template: true, Min: 1, Description: "Its key, in PEM."},
			{Name: "mutual_tls_certificate_authorities", Kind: Custom, Template: true, Description: "Who signs the certificates of clients: certificates in PEM, or ids."},
			{Name: "mutual_tls_verification_strategy", Kind: Enum, Default: "require-and-verify", Values: []string{"require-and-verify", "require-any", "request"}, Description: "Whether clients must show a certificate, and whether it must be of these authorities."},
		},
		Results: append([]ResultInfo{
			{"error_code", cel.StringType, "Why the handshake failed."},
			{"error_message", cel.StringType, "The same for people."},
		}, sessionResults()...),
	}, newTerminateTLS)
}

// sessionVariables are the variables of the TLS session by their name after
// conn.tls; they are results of this action, too.
var sessionVariables = sync.OnceValue(func() map[string]expr.Variable {
	out := map[string]expr.Variable{}
	for _, v := range expr.TLSVariables() {
		out[strings.TrimPrefix(v.Name, "conn.tls.")] = v
	}
	return out
})

func sessionResults() []ResultInfo {
	var out []ResultInfo
	for _, v := range expr.TLSVariables() {
		name := strings.TrimPrefix(v.Name, "conn.tls.")
		if name == "cipher_suite" || strings.HasPrefix(name, "client.") || strings.HasPrefix(name, "server.") {
			out = append(out, ResultInfo{name, v.Type, v.Description})
		}
	}
	slices.SortFunc(out, func(a, b ResultInfo) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// TLSTermination is how a policy wants connections to be secured.
type TLSTermination struct {
	MinVersion, MaxVersion uint16 // as in crypto/tls
	ClientAuth             tls.ClientAuthType

	certificate, key *expr.Template // nil: the gateway's own
	authorities      []*expr.Template
}

// TLS is what terminate-tls says; nil when no rule holds that action.
func (p *Policy) TLS() *TLSTermination {
	if p == nil {
		return nil
	}
	return p.tls
}

var tlsVersions = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

type tlsAction struct{ slot int }

func newTerminateTLS(c *config) action {
	t := &TLSTermination{MinVersion: tlsVersions[c.word("min_version")], MaxVersion: tlsVersions[c.word("max_version")], authorities: c.authorities()}
	if t.MinVersion > t.MaxVersion && t.MaxVersion != 0 {
		c.fault("max_version", CodeRange, "is less than min_version", "")
	}
	if p := c.compiler.protocol; p != HTTPS && p != TLS {
		c.compiler.report(c.node, c.path, CodeProtocol, fmt.Sprintf("%s endpoints have no TLS to terminate", p), "")
	}
	if c.has("server_certificate") != c.has("server_private_key") {
		c.compiler.report(c.node, c.path, CodeDependent, "server_certificate and server_private_key need each other", "give both, or neither")
	} else if c.has("server_certificate") {
		t.certificate, t.key = c.text("server_certificate"), c.text("server_private_key")
		c.checkKeyPair()
	}
	switch strategy := c.word("mutual_tls_verification_strategy"); {
	case len(t.authorities) == 0 && !c.has("mutual_tls_verification_strategy"):
		t.ClientAuth = tls.NoClientCert
	case strategy == "require-any":
		t.ClientAuth = tls.RequireAnyClientCert
	case strategy == "request":
		t.ClientAuth = tls.RequestClientCert
	default:
		t.ClientAuth = tls.RequireAndVerifyClientCert
		if len(t.authorities) == 0 {
			c.compiler.report(c.node, c.path, CodeDependent, "require-and-verify needs mutual_tls_certificate_authorities", "list whom to trust")
		}
	}
	if c.compiler.tls != nil {
		c.compiler.report(c.node, c.path, CodeDuplicate, "terminate-tls is there twice", "one of them decides how all connections are secured")
	}
	c.compiler.tls = t
	return &tlsAction{slot: c.spec.slot}
}

// checkKeyPair finds out now whether a static certificate fits its key.
func (c *config) checkKeyPair() {
	certificate, static := c.text("server_certificate").Static()
	key, static2 := c.text("server_private_key").Static()
	if !static || !static2 || placeholder(certificate) {
		return
	}
	if _, err := tls.X509KeyPair([]byte(certificate), []byte(key)); err != nil {
		c.fault("server_certificate", CodeValue, "does not make a pair with server_private_key: "+strings.TrimPrefix(err.Error(), "tls: "), "both in PEM")
	}
}

// placeholder recognizes what published examples leave out.
func placeholder(pem string) bool { return strings.Contains(pem, "...") }

// authorities reads a list, or a single one.
func (c *config) authorities() []*expr.Template {
	const field = "mutual_tls_certificate_authorities"
	if !c.has(field) {
		return nil
	}
	v := c.get(field)
	nodes, paths := []*yaml.Node{v.node}, []string{v.path}
	if v.node.Kind != yaml.ScalarNode {
		nodes, paths = c.items(Field{Name: field, Min: 1, Max: 100}, v), nil
		for i := range nodes {
			paths = append(paths, index(v.path, i))
		}
	}
	var out []*expr.Template
	for i, n := range nodes {
		t := c.decodeText(Field{Template: true, Min: 1}, n, paths[i])
		if t == nil {
			continue
		}
		if text, static := t.Static(); static {
			t = c.authority(n, paths[i], text)
		}
		out = append(out, t)
	}
	return out
}

// authority checks certificates in PEM, or finds those of an id.
func (c *config) authority(n *yaml.Node, path, text string) *expr.Template {
	switch {
	case strings.HasPrefix(text, "ca_"):
		var found string
		ok := false
		if c.compiler.options.authorities != nil {
			found, ok = c.compiler.options.authorities(text)
		}
		if !ok {
			c.compiler.report(n, path, CodeValue, fmt.Sprintf("no certificate authority has the id %s", text), "write its certificate in PEM")
		}
		text = found
	case placeholder(text):
		c.compiler.warn(n, path, CodeValue, "looks like a placeholder, and no client could connect", "put the certificate in")
	case !x509.NewCertPool().AppendCertsFromPEM([]byte(text)):
		c.compiler.report(n, path, CodeValue, "is no certificate in PEM", "it begins with -----BEGIN CERTIFICATE-----")
	}
	return expr.Literal(text)
}

// Config is what a listener needs besides its own certificates: versions, whom to
// ask for a certificate, and the certificate to show, if the policy has one. It
// reads secrets; ctx bounds that.
func (t *TLSTermination) Config(ctx context.Context, svc Services) (*tls.Config, error) {
	run := (*Policy)(nil).Start(Input{}, svc)
	defer run.Release()
	run.vars.Begin(ctx, environments()[OnTCPConnect])
	out := &tls.Config{MinVersion: t.MinVersion, MaxVersion: t.MaxVersion, ClientAuth: t.ClientAuth}
	if t.certificate != nil {
		certificate, err := t.certificate.Render(&run.vars)
		if err != nil {
			return nil, &failure{CodeTemplateFailed, err}
		}
		key, err := t.key.Render(&run.vars)
		if err != nil {
			return nil, &failure{CodeTemplateFailed, err}
		}
		pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
		if err != nil {
			return nil, &failure{CodeTLS, fmt.Errorf("terminate-tls: server_certificate and server_private_key: %w", err)}
		}
		out.Certificates = []tls.Certificate{pair}
	}
	if t.ClientAuth != tls.RequireAndVerifyClientCert {
		return out, nil // to name authorities would make clients keep other certificates back
	}
	out.ClientCAs = x509.NewCertPool()
	for i, a := range t.authorities {
		pem, err := a.Render(&run.vars)
		if err != nil {
			return nil, &failure{CodeTemplateFailed, err}
		}
		if !out.ClientCAs.AppendCertsFromPEM([]byte(pem)) {
			return nil, &failure{CodeTLS, fmt.Errorf("terminate-tls: mutual_tls_certificate_authorities[%d] is no certificate in PEM", i)}
		}
	}
	return out, nil
}

// run publishes the session, which was made before.
func (a *tlsAction) run(_ context.Context, r *Run) (*Outcome, error) {
	r.vars.Publish(a.slot, nil, nil)
	return nil, nil //nolint:nilnil // the phase goes on
}
