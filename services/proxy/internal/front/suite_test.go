package front_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

// protocol is what clients of the tests speak: http, https, h2c or h2.
type protocol string

// spokenBy is an environment variable that makes the tests of this package speak
// another protocol.
const spokenBy = "SLUICE_TEST_PROTOCOL"

var spoken = func() protocol {
	if p := os.Getenv(spokenBy); p != "" {
		return protocol(p)
	}
	return "http"
}()

func (p protocol) secure() bool { return p == "https" || p == "h2" }

func (p protocol) http2() bool { return p == "h2c" || p == "h2" }

// scheme is that of the endpoints.
func (p protocol) scheme() string {
	if p.secure() {
		return "https"
	}
	return "http"
}

// transport speaks only p.
func (p protocol) transport() *http.Transport {
	t := &http.Transport{DisableCompression: true, ExpectContinueTimeout: 5 * time.Second, Protocols: new(http.Protocols),
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // #nosec G402 -- the certificate is not what is tested
	switch p {
	case "h2c":
		t.Protocols.SetUnencryptedHTTP2(true)
	case "h2":
		t.Protocols.SetHTTP2(true)
	default:
		t.Protocols.SetHTTP1(true)
	}
	return t
}

// TestSuiteByAllProtocols runs all tests again by each further protocol: whatever a
// client speaks, it must find the same.
func TestSuiteByAllProtocols(t *testing.T) {
	if os.Getenv(spokenBy) != "" {
		t.Skip("this is it")
	}
	if testing.Short() {
		t.Skip("takes as long as all the other tests together")
	}
	for _, p := range []string{"https", "h2c", "h2"} {
		t.Run(p, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.count=1", "-test.timeout=5m")
			cmd.Env = append(os.Environ(), spokenBy+"="+p)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// onlyHTTP1 skips tests of what only HTTP/1.x has.
func onlyHTTP1(t *testing.T) {
	t.Helper()
	if spoken.http2() {
		t.Skip("about HTTP/1.x")
	}
}

// borrowed is a certificate of net/http/httptest.
func borrowed(t testing.TB) fixed {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	s.Close()
	return fixed{s.TLS.Certificates[0]}
}

// fixed shows one certificate.
type fixed struct{ cert tls.Certificate }

func (f fixed) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &f.cert, nil }

// secured publishes endpoints with https instead of http.
func secured(in []*policyv1.Endpoint) []*policyv1.Endpoint {
	out := make([]*policyv1.Endpoint, len(in))
	for i, e := range in {
		out[i] = proto.CloneOf(e)
		if rest, ok := strings.CutPrefix(e.GetUrl(), "http://"); ok {
			out[i].Url = "https://" + rest
		}
	}
	return out
}
