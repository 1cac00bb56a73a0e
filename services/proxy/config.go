package proxy

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"time"

	"sluice.dev/platform/id"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/sealed"
)

// Config says where a proxy listens and what bounds it. Zero values mean the
// defaults.
type Config struct {
	HTTPListen      string `help:"Address for plain HTTP; - for none." default:"127.0.0.1:8080" env:"SLUICE_HTTP_LISTEN" name:"http-listen"`
	HTTPSListen     string `help:"Address for HTTPS; - for none." default:"127.0.0.1:8443" env:"SLUICE_HTTPS_LISTEN" name:"https-listen"`
	DataDir         string `help:"Directory for the local CA, the last good configuration and the spool." default:".sluice" type:"path" env:"SLUICE_DATA_DIR"`
	CADir           string `help:"Directory of the local CA, for proxies that share one; the data directory when empty." type:"path" env:"SLUICE_CA_DIR" name:"ca-dir"`
	CertFile        string `help:"TLS certificate chain (PEM). Without one the local CA signs a certificate for each name." type:"path" env:"SLUICE_TLS_CERT_FILE"`
	KeyFile         string `help:"Key of the TLS certificate (PEM)." type:"path" env:"SLUICE_TLS_KEY_FILE"`
	TLSCertificates string `help:"Directory, or pattern of files, with TLS certificates and keys (PEM), chosen by the name that clients ask for and read again when they change." type:"path" env:"SLUICE_TLS_CERTIFICATES" name:"tls-certificates"`
	ProxyID         string `help:"Name of this proxy in records and metrics; made up when empty." env:"SLUICE_PROXY_ID"`

	PolicyTarget  string           `help:"gRPC target of the policy service." default:"127.0.0.1:4051" env:"SLUICE_POLICY_TARGET"`
	CaptureTarget string           `help:"gRPC target of the capture service." default:"127.0.0.1:4052" env:"SLUICE_CAPTURE_TARGET"`
	GRPC          rpc.ServerConfig `embed:"" prefix:"grpc-"`

	TrustedProxies       []string `help:"CIDRs of load balancers in front: their X-Forwarded-For and X-Forwarded-Proto tell the client's address and scheme." env:"SLUICE_TRUSTED_PROXIES"`
	ProxyProtocol        bool     `help:"Take the client's address from the PROXY protocol (v1 or v2) of a load balancer in front; connections without it are refused." env:"SLUICE_PROXY_PROTOCOL"`
	PolicyEgressNetworks []string `help:"CIDRs that policies may call (http-request, jwt-validation) beside the public internet, such as 10.1.0.0/16 or 127.0.0.0/8." env:"SLUICE_POLICY_EGRESS_NETWORKS"`
	IPDatabases          []string `help:"Databases of addresses (MMDB: city, country, ASN) for conn.geo and conn.client_ip in policies and for records; read again when they change." type:"path" env:"SLUICE_IP_DATABASES" name:"ip-databases"`
	IPCategories         string   `help:"Directory of files of networks, one a line, each named after its category, such as blocklist.mine.txt." type:"path" env:"SLUICE_IP_CATEGORIES" name:"ip-categories"`
	ForwardedReplace     bool     `help:"Replace X-Forwarded-* that untrusted clients sent instead of appending to them." env:"SLUICE_FORWARDED_REPLACE"`

	HeadLimit         int           `help:"Largest request or response head, in bytes; a larger request head is answered 431." default:"1000000" env:"SLUICE_HEAD_LIMIT"`
	ReadHeaderTimeout time.Duration `help:"Time for a client to send a request head or to shake hands." default:"30s" env:"SLUICE_READ_HEADER_TIMEOUT"`
	IdleTimeout       time.Duration `help:"Time that a connection may wait for its next request, on both sides." default:"5m" env:"SLUICE_IDLE_TIMEOUT"`
	WriteTimeout      time.Duration `help:"Time for a client to take the next part of a response, at most 64 KiB; slower ones are cut off." default:"1m" env:"SLUICE_WRITE_TIMEOUT"`
	ConnectTimeout    time.Duration `help:"Time to connect to an upstream, TLS included; endpoints can have their own." default:"5s" env:"SLUICE_CONNECT_TIMEOUT"`
	ResponseTimeout   time.Duration `help:"Time for an upstream to begin its answer; endpoints can have their own." default:"5m" env:"SLUICE_RESPONSE_TIMEOUT"`
	DrainTimeout      time.Duration `help:"Time for running requests to end when the proxy stops." default:"30s" env:"SLUICE_DRAIN_TIMEOUT"`

	RateLimitTimeout time.Duration `help:"Time for the shared counter to answer; then the rule's on_store_error applies." default:"50ms" env:"SLUICE_RATE_LIMIT_TIMEOUT"`

	Secrets sealed.Config `embed:""`

	SpoolDir       string `help:"Directory for records that wait for the capture service; spool in the data directory when empty." type:"path" env:"SLUICE_SPOOL_DIR"`
	SpoolMaxBytes  int64  `help:"Cap of the spool, in bytes." default:"1073741824" env:"SLUICE_SPOOL_MAX_BYTES"`
	QueueExchanges int    `help:"Records that may wait in memory." default:"20000" env:"SLUICE_QUEUE_EXCHANGES"`
	QueueBytes     int    `help:"Bytes of records that may wait in memory." default:"33554432" env:"SLUICE_QUEUE_BYTES"`
}

// off as an address means: do not listen.
const off = "-"

func (c Config) withDefaults() Config {
	text := func(p *string, d string) {
		if *p == "" {
			*p = d
		}
	}
	text(&c.HTTPListen, "127.0.0.1:8080")
	text(&c.HTTPSListen, "127.0.0.1:8443")
	text(&c.DataDir, ".sluice")
	text(&c.ProxyID, id.Proxy.New())
	text(&c.PolicyTarget, "127.0.0.1:4051")
	text(&c.CaptureTarget, "127.0.0.1:4052")
	text(&c.GRPC.Listen, "127.0.0.1:4050")
	text(&c.CADir, c.DataDir)
	text(&c.SpoolDir, filepath.Join(c.DataDir, "spool"))
	number(&c.HeadLimit, 1_000_000)
	number(&c.ReadHeaderTimeout, 30*time.Second)
	number(&c.IdleTimeout, 5*time.Minute)
	number(&c.WriteTimeout, time.Minute)
	number(&c.ConnectTimeout, 5*time.Second)
	number(&c.ResponseTimeout, 5*time.Minute)
	number(&c.DrainTimeout, 30*time.Second)
	number(&c.RateLimitTimeout, 50*time.Millisecond)
	number(&c.SpoolMaxBytes, 1<<30)
	number(&c.QueueExchanges, 20_000)
	number(&c.QueueBytes, 32<<20)
	return c
}

func number[T int | int64 | time.Duration](p *T, d T) {
	if *p == 0 {
		*p = d
	}
}

func (c Config) check() error {
	if (c.CertFile == "") != (c.KeyFile == "") {
		return fmt.Errorf("a TLS certificate needs both files: cert-file is %q, key-file is %q", c.CertFile, c.KeyFile)
	}
	if c.HTTPListen == off && c.HTTPSListen == off {
		return fmt.Errorf("both listeners are off: set http-listen or https-listen")
	}
	for name, n := range map[string]int64{
		"head-limit": int64(c.HeadLimit), "read-header-timeout": int64(c.ReadHeaderTimeout), "idle-timeout": int64(c.IdleTimeout),
		"write-timeout":   int64(c.WriteTimeout),
		"connect-timeout": int64(c.ConnectTimeout), "response-timeout": int64(c.ResponseTimeout), "drain-timeout": int64(c.DrainTimeout),
		"rate-limit-timeout": int64(c.RateLimitTimeout), "spool-max-bytes": c.SpoolMaxBytes,
		"queue-exchanges": int64(c.QueueExchanges), "queue-bytes": int64(c.QueueBytes),
	} {
		if n < 0 {
			return fmt.Errorf("%s must not be negative", name)
		}
	}
	_, trusted := networks("trusted-proxies", c.TrustedProxies)
	_, egress := networks("policy-egress-networks", c.PolicyEgressNetworks)
	return errors.Join(trusted, egress)
}

// networks parses the CIDRs of an option; an address alone is a network of one.
func networks(option string, texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range texts {
		if a, err := netip.ParseAddr(s); err == nil {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is neither an address nor a CIDR such as 10.0.0.0/8", option, s)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
