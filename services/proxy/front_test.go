package proxy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	proxy "sluice.dev/services/proxy"
)

// identity is a certificate with its key.
type identity struct {
	tls.Certificate
	pem, key string
}

// issue makes a certificate that parent signs, or an authority.
func issue(t *testing.T, name string, parent *identity) *identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(0xabc), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: parent == nil, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	above, signer := template, any(key)
	if parent != nil {
		above, signer = parent.Leaf, parent.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, above, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	id := &identity{pem: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), key: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))}
	if id.Certificate, err = tls.X509KeyPair([]byte(id.pem), []byte(id.key)); err != nil {
		t.Fatal(err)
	}
	return id
}

// caller asks over TLS, by one version of HTTP and on connections for one name.
type caller struct {
	r      *running
	client *http.Client
}

func (r *running) caller(sni string, http2 bool, config *tls.Config) *caller {
	config.ServerName, config.InsecureSkipVerify = sni, true
	transport := &http.Transport{TLSClientConfig: config, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(!http2)
	transport.Protocols.SetHTTP2(http2)
	r.t.Cleanup(transport.CloseIdleConnections)
	return &caller{r, &http.Client{Transport: transport}}
}

// get returns the answer's head, and its body in X-Body.
func (c *caller) get(host string) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodGet, "https://"+c.r.HTTPSAddress()+"/", nil)
	if err != nil {
		return nil, err
	}
	req.Host = host
	res, err := c.client.Do(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	res.Header.Set("X-Body", string(body))
	return res, err
}

// facts are headers that tell what policies see.
func facts(expressions ...string) string {
	var b strings.Builder
	b.WriteString("on_http_response: [{actions: [{type: add-headers, config: {headers: {")
	for i := 0; i < len(expressions); i += 2 {
		fmt.Fprintf(&b, "%s: \"${%s}\", ", expressions[i], expressions[i+1])
	}
	return b.String() + "}}}]}]\n"
}

func published(url, upstream, policy string) *policyv1.Endpoint {
	e := endpoint(upstream, policy)
	e.Url, e.Id = url, "ep_"+hex.EncodeToString([]byte(url))
	return e
}

func recordOf(t *testing.T, c *captureServer, res *http.Response) *capturev1.Exchange {
	t.Helper()
	exchangeID := res.Header.Get("Sluice-Exchange-Id")
	eventually(t, "the record", func() bool { return c.exchange(exchangeID) != nil })
	return c.exchange(exchangeID)
}

func terminate(fields string) string {
	return "on_tcp_connect: [{actions: [{type: terminate-tls, config: {" + fields + "}}]}]\n"
}

func TestMutualTLSByPolicy(t *testing.T) {
	up := serve(t, hello)
	authority, stranger := issue(t, "authority", nil), issue(t, "stranger", nil)
	friend, other := issue(t, "friend", authority), issue(t, "other", stranger)
	own := issue(t, "shown.test", authority)
	seen := facts("x-client", "conn.tls.client.subject.common_name", "x-serial", "conn.tls.client.serial_number", "x-issuer", "conn.tls.client.issuer", "x-san", "conn.tls.client.san.dns_names[0]", "x-fingerprint", "conn.tls.client.fingerprint",
		"x-ja4", "conn.tls.ja4_fingerprint", "x-server", "conn.tls.server.subject.common_name")
	mutual := terminate("mutual_tls_certificate_authorities: ["+fmt.Sprintf("%q", authority.pem)+"]") + seen
	_, policy := newPolicyServer(t,
		published("https://mutual.test", up.URL, mutual),
		published("https://new.test", up.URL, terminate("min_version: '1.3', "+fmt.Sprintf("server_certificate: %q, server_private_key: %q", own.pem, own.key))+facts("x-server", "conn.tls.server.subject.common_name")),
		published("https://broken.test", up.URL, terminate("mutual_tls_certificate_authorities: [\"${secrets.get('no', 'such')}\"]")),
		published("https://plain.test", up.URL, ""),
	)
	c, capture := newCaptureServer(t)
	r := run(t, t.TempDir(), policy.address, capture.address).ready()
	with := func(id *identity) *tls.Config {
		return &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &id.Certificate, nil }}
	}
	for _, http2 := range []bool{false, true} {
		res, err := r.caller("mutual.test", http2, with(friend)).get("mutual.test")
		if err != nil || res.StatusCode != 200 || res.Header.Get("X-Body") != "hello" {
			t.Fatalf("a friend: %v %v", res, err)
		}
		h := res.Header
		if h.Get("X-Client") != "friend" || h.Get("X-Serial") != "abc" || h.Get("X-Issuer") != "CN=authority" || h.Get("X-San") != "friend" || h.Get("X-Server") != "mutual.test" ||
			!regexp.MustCompile(`^t13d\d{4}(h2|00)_[0-9a-f]{12}_[0-9a-f]{12}$`).MatchString(h.Get("X-Ja4")) {
			t.Errorf("the policy saw %v", h)
		}
		sum := sha256.Sum256(friend.Leaf.Raw)
		session := recordOf(t, c, res).GetConnection().GetTls()
		if cc := session.GetClientCertificate(); cc.GetSubject() != "CN=friend" || cc.GetIssuer() != "CN=authority" || cc.GetSerialNumber() != "abc" ||
			cc.GetFingerprint() != hex.EncodeToString(sum[:]) || h.Get("X-Fingerprint") != cc.GetFingerprint() || !cc.GetNotAfter().AsTime().Equal(friend.Leaf.NotAfter) || session.GetJa4Fingerprint() != h.Get("X-Ja4") {
			t.Errorf("recorded %v", session)
		}
		for name, config := range map[string]*tls.Config{"nobody": {}, "a stranger": with(other)} {
			if res, err := r.caller("mutual.test", http2, config).get("mutual.test"); err == nil {
				t.Errorf("%s was let in: %v", name, res)
			}
		}
		notAround(t, r, http2, with(friend))
	}
	if n := r.metric("sluice_proxy_tls_handshake_failures_total"); n < 6 {
		t.Errorf("%v failed handshakes were counted", n)
	}
}

// notAround: connections for another name must not lead around an endpoint's terms,
// and those that do what is wanted may be shared.
func notAround(t *testing.T, r *running, http2 bool, friend *tls.Config) {
	t.Helper()
	if res, err := r.caller("plain.test", http2, friend).get("mutual.test"); err != nil || res.StatusCode != 421 || res.Header.Get("Sluice-Error-Code") != "SLUICE_4421" {
		t.Errorf("around: %v %v", res, err)
	}
	if res, err := r.caller("mutual.test", http2, friend).get("plain.test"); err != nil || res.StatusCode != 200 {
		t.Errorf("shared: %v %v", res, err)
	}
	if res, err := r.caller("new.test", http2, &tls.Config{}).get("new.test"); err != nil || res.Header.Get("X-Server") != "shown.test" || res.TLS.PeerCertificates[0].Subject.CommonName != "shown.test" {
		t.Errorf("with a certificate of its own: %v %v", res, err)
	}
	if _, err := r.caller("new.test", http2, &tls.Config{MaxVersion: tls.VersionTLS12}).get("new.test"); err == nil {
		t.Error("an old version was taken")
	}
	if res, err := r.caller("plain.test", http2, &tls.Config{MaxVersion: tls.VersionTLS12}).get("new.test"); err != nil || res.StatusCode != 421 {
		t.Errorf("an old version around: %v %v", res, err)
	}
	if res, err := r.caller("broken.test", http2, friend).get("broken.test"); err == nil {
		t.Errorf("without its secret: %v", res)
	}
}

// TestResumedSessions tell the same as those that they resume; where clients must
// prove who they are, none is.
func TestResumedSessions(t *testing.T) {
	up := serve(t, hello)
	authority := issue(t, "authority", nil)
	friend := issue(t, "friend", authority)
	seen := facts("x-resumed", "string(conn.tls.session_resumed)", "x-server", "conn.tls.server.subject.common_name", "x-ja4", "conn.tls.ja4_fingerprint")
	_, policy := newPolicyServer(t, published("https://api.test", up.URL, seen),
		published("https://mutual.test", up.URL, terminate(fmt.Sprintf("mutual_tls_certificate_authorities: [%q]", authority.pem))+seen))
	r := run(t, t.TempDir(), policy.address, nowhere).ready()
	for host, want := range map[string][]string{"api.test": {"false api.test", "true api.test"}, "mutual.test": {"false mutual.test", "false mutual.test"}} {
		cache := tls.NewLRUClientSessionCache(1)
		for i, want := range want {
			c := r.caller(host, false, &tls.Config{ClientSessionCache: cache, Certificates: []tls.Certificate{friend.Certificate}})
			res, err := c.get(host)
			if err != nil || res.Header.Get("X-Resumed")+" "+res.Header.Get("X-Server") != want || !strings.HasPrefix(res.Header.Get("X-Ja4"), "t13d") {
				t.Errorf("%s, session %d: %v %v, want %s", host, i, res, err, want)
			}
		}
	}
}

// TestMutualTLSThatIsAskedLater holds for connections that were there before.
func TestMutualTLSThatIsAskedLater(t *testing.T) {
	up := serve(t, hello)
	p, policy := newPolicyServer(t, published("https://api.test", up.URL, ""))
	r := run(t, t.TempDir(), policy.address, nowhere).ready()
	for i, http2 := range []bool{false, true} {
		c := r.caller("api.test", http2, &tls.Config{})
		if res, err := c.get("api.test"); err != nil || res.StatusCode != 200 {
			t.Fatal(res, err)
		}
		revision := uint64(2 * (i + 1))
		asked := published("https://api.test", up.URL, terminate("mutual_tls_verification_strategy: require-any"))
		asked.Revision = revision
		p.change(&policyv1.Delta{Revision: revision, Changed: []*policyv1.Endpoint{asked}})
		eventually(t, "the revision", func() bool { return r.status().GetRevision() == revision })
		if res, err := c.get("api.test"); err != nil || res.StatusCode != 421 {
			t.Errorf("on the old connection: %v %v", res, err)
		}
		if res, err := r.caller("api.test", http2, &tls.Config{Certificates: []tls.Certificate{issue(t, "anybody", nil).Certificate}}).get("api.test"); err != nil || res.StatusCode != 200 {
			t.Errorf("on a new one: %v %v", res, err)
		}
		open := published("https://api.test", up.URL, "")
		open.Revision = revision + 1
		p.change(&policyv1.Delta{Revision: revision + 1, Changed: []*policyv1.Endpoint{open}})
		eventually(t, "the revision", func() bool { return r.status().GetRevision() == revision+1 })
	}
}

// TestCertificatesOfAFolder are chosen by name and read again while connections last.
func TestCertificatesOfAFolder(t *testing.T) {
	up := serve(t, hello)
	dir, authority := t.TempDir(), issue(t, "authority", nil)
	put := func(file string, id *identity, later time.Duration) {
		t.Helper()
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, []byte(id.pem+id.key), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Now(), time.Now().Add(later)); err != nil {
			t.Fatal(err)
		}
	}
	first, second := issue(t, "a.test", authority), issue(t, "a.test", authority)
	put("a.pem", first, 0)
	_, policy := newPolicyServer(t, published("https://a.test", up.URL, ""), published("https://b.test", up.URL, ""))
	r := run(t, t.TempDir(), policy.address, nowhere, func(c *proxy.Config) { c.TLSCertificates = dir }).ready()
	lasting := r.caller("a.test", true, &tls.Config{})
	shown := func(c *caller, host string) []byte {
		t.Helper()
		res, err := c.get(host)
		if err != nil || res.StatusCode != 200 {
			t.Fatal(res, err)
		}
		return res.TLS.PeerCertificates[0].Raw
	}
	if string(shown(lasting, "a.test")) != string(first.Leaf.Raw) {
		t.Error("another certificate")
	}
	if issuer := fmt.Sprintf("%q", shown(r.caller("b.test", true, &tls.Config{}), "b.test")); !strings.Contains(issuer, "Sluice local CA") {
		t.Error("a name without certificate was shown another's")
	}
	put("a.pem", second, time.Second)
	eventually(t, "the new certificate", func() bool {
		return string(shown(r.caller("a.test", false, &tls.Config{}), "a.test")) == string(second.Leaf.Raw)
	})
	if string(shown(lasting, "a.test")) != string(first.Leaf.Raw) {
		t.Error("the connection was made anew")
	}
}

// writePlaces makes a database of the loopback addresses.
func writePlaces(t *testing.T, path string) {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test", IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	_, network, _ := net.ParseCIDR("127.0.0.0/8")
	if err := tree.Insert(network, mmdbtype.Map{
		"country":                        mmdbtype.Map{"iso_code": mmdbtype.String("CH"), "names": mmdbtype.Map{"en": mmdbtype.String("Switzerland")}},
		"location":                       mmdbtype.Map{"latitude": mmdbtype.Float64(47.25), "longitude": mmdbtype.Float64(8.5)},
		"autonomous_system_number":       mmdbtype.Uint32(64496),
		"autonomous_system_organization": mmdbtype.String("Example Networks"),
	}); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.WriteTo(f); err != nil || f.Close() != nil {
		t.Fatal(err)
	}
}

// TestDataAboutAddresses is there for policies and in records.
func TestDataAboutAddresses(t *testing.T) {
	up := serve(t, hello)
	dir := t.TempDir()
	places := filepath.Join(dir, "places.mmdb")
	writePlaces(t, places)
	if err := os.WriteFile(filepath.Join(dir, "blocklist.mine.txt"), []byte("127.0.0.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	policy := facts("x-country", "conn.geo.country_code", "x-latitude", "string(double(conn.geo.latitude))", "x-city", "conn.geo.city", "x-as", "string(conn.client_ip.as.number)",
		"x-blocked", "string(conn.client_ip.is_on_blocklist)", "x-in", "string('blocklist' in conn.client_ip.categories)")
	_, control := newPolicyServer(t, endpoint(up.URL, policy))
	c, capture := newCaptureServer(t)
	r := run(t, t.TempDir(), control.address, capture.address, func(c *proxy.Config) { c.IPDatabases, c.IPCategories = []string{places}, dir }).ready()
	res := r.send("GET", "/", "")
	for name, want := range map[string]string{"X-Country": "CH", "X-Latitude": "47.25", "X-City": "", "X-As": "64496", "X-Blocked": "true", "X-In": "true"} {
		if got := res.Header.Get(name); got != want || res.StatusCode != 200 {
			t.Errorf("%d, %s: %q, want %q", res.StatusCode, name, got, want)
		}
	}
	g := recordOf(t, c, res).GetConnection().GetGeo()
	if g.GetCountryCode() != "CH" || g.GetCountry() != "Switzerland" || g.GetLatitude() != 47.25 || g.GetLongitude() != 8.5 || g.GetAsn() != 64496 || g.GetAsOrganization() != "Example Networks" {
		t.Errorf("recorded %v", g)
	}

	// Without data, what reads it fails, and has() tells.
	_, control = newPolicyServer(t, endpoint(up.URL, facts("x-known", "string(has(conn.geo.country_code))")))
	r = run(t, t.TempDir(), control.address, capture.address).ready()
	if res := r.send("GET", "/", ""); res.StatusCode != 200 || res.Header.Get("X-Known") != "false" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}
