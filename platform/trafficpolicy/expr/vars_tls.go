package expr

import (
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"sluice.dev/platform/message"
)

func tlsVariables() []Variable {
	vars := []Variable{
		session("cipher_suite", str, "Negotiated cipher suite.", func(t *message.TLS) ref.Val { return types.String(t.CipherSuite) }),
		session("version", str, "TLS version, such as 1.3.", func(t *message.TLS) ref.Val { return types.String(t.Version) }),
		session("sni", str, "Server name that the client asked for.", func(t *message.TLS) ref.Val { return types.String(t.ServerName) }),
		session("negotiated_alpn", str, "Protocol negotiated by ALPN; empty when none was.", func(t *message.TLS) ref.Val { return types.String(t.ALPN) }),
		session("session_resumed", boolean, "Whether an earlier session was resumed.", func(t *message.TLS) ref.Val { return types.Bool(t.Resumed) }),
		session("ja4_fingerprint", str, "JA4 fingerprint of the client's greeting; empty when it was not taken.", func(t *message.TLS) ref.Val { return types.String(t.JA4) }),
		session("ja4", str, "Another name of conn.tls.ja4_fingerprint.", func(t *message.TLS) ref.Val { return types.String(t.JA4) }),
		session("client.pem", str, "The client's certificate in PEM.", func(t *message.TLS) ref.Val {
			if len(t.PeerCertificates) == 0 {
				return nil
			}
			return types.String(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: t.PeerCertificates[0].Raw}))
		}),
	}
	vars = append(vars, certificateVariables("client", func(t *message.TLS) *x509.Certificate {
		if len(t.PeerCertificates) == 0 {
			return nil
		}
		return t.PeerCertificates[0]
	})...)
	return append(vars, certificateVariables("server", func(t *message.TLS) *x509.Certificate { return t.Certificate })...)
}

// TLSVariables lists what can be read of the TLS session, as conn.tls.<name>.
func TLSVariables() []Variable { return tlsVariables() }

// session reads the TLS session; get may return nil for absent.
func session(name string, typ *cel.Type, description string, get func(*message.TLS) ref.Val) Variable {
	name = "conn.tls." + name
	missing := absent(name)
	return Variable{Name: name, Type: typ, Scope: anyPhase, Description: description, get: func(v *Vars) ref.Val {
		if v.Conn.TLS == nil {
			return missing
		}
		if val := get(v.Conn.TLS); val != nil {
			return val
		}
		return missing
	}}
}

func certificateVariables(side string, which func(*message.TLS) *x509.Certificate) []Variable {
	var vars []Variable
	add := func(name string, typ *cel.Type, description string, get func(*x509.Certificate) ref.Val) {
		vars = append(vars, session(side+"."+name, typ, description, func(t *message.TLS) ref.Val {
			if c := which(t); c != nil {
				return get(c)
			}
			return nil
		}))
	}
	add("serial_number", str, "Serial number of the certificate, in hexadecimal.", func(c *x509.Certificate) ref.Val { return types.String(c.SerialNumber.Text(16)) })
	add("fingerprint", str, "SHA-256 of the certificate, in lower-case hexadecimal.", func(c *x509.Certificate) ref.Val {
		sum := sha256.Sum256(c.Raw)
		return types.String(hex.EncodeToString(sum[:]))
	})
	add("signature_algorithm", str, "Algorithm of its signature.", func(c *x509.Certificate) ref.Val { return types.String(c.SignatureAlgorithm.String()) })
	add("validity.not_before", timestamp, "Start of its validity.", func(c *x509.Certificate) ref.Val { return moment(c.NotBefore) })
	add("validity.not_after", timestamp, "End of its validity.", func(c *x509.Certificate) ref.Val { return moment(c.NotAfter) })
	add("extensions", cel.ListType(cel.MapType(str, dynamic)), "Its extensions: id, critical, value.", extensions)
	addNames(add)
	addDistinguished(add, "subject", func(c *x509.Certificate) pkix.Name { return c.Subject })
	addDistinguished(add, "issuer", func(c *x509.Certificate) pkix.Name { return c.Issuer })
	return vars
}

type adder func(name string, typ *cel.Type, description string, get func(*x509.Certificate) ref.Val)

func addNames(add adder) {
	uris := func(c *x509.Certificate) []string {
		var out []string
		for _, u := range c.URIs {
			out = append(out, u.String())
		}
		return out
	}
	ips := func(c *x509.Certificate) []string {
		var out []string
		for _, ip := range c.IPAddresses {
			out = append(out, ip.String())
		}
		return out
	}
	add("san", str, "Its subject alternative names, separated by commas.", func(c *x509.Certificate) ref.Val {
		return types.String(strings.Join(append(append(append(append([]string{}, c.DNSNames...), c.EmailAddresses...), ips(c)...), uris(c)...), ","))
	})
	add("san.dns_names", stringList, "Alternative host names.", func(c *x509.Certificate) ref.Val { return list(c.DNSNames) })
	add("san.email_addresses", stringList, "Alternative e-mail addresses.", func(c *x509.Certificate) ref.Val { return list(c.EmailAddresses) })
	add("san.ip_addresses", stringList, "Alternative IP addresses.", func(c *x509.Certificate) ref.Val { return list(ips(c)) })
	add("san.uris", stringList, "Alternative URIs.", func(c *x509.Certificate) ref.Val { return list(uris(c)) })
}

func addDistinguished(add adder, which string, of func(*x509.Certificate) pkix.Name) {
	add(which, str, "Distinguished name (RFC 2253).", func(c *x509.Certificate) ref.Val { return types.String(of(c).String()) })
	add(which+".common_name", str, "Common name.", func(c *x509.Certificate) ref.Val { return types.String(of(c).CommonName) })
	parts := map[string]func(pkix.Name) []string{
		"country":             func(n pkix.Name) []string { return n.Country },
		"locality":            func(n pkix.Name) []string { return n.Locality },
		"organization":        func(n pkix.Name) []string { return n.Organization },
		"organizational_unit": func(n pkix.Name) []string { return n.OrganizationalUnit },
		"postal_code":         func(n pkix.Name) []string { return n.PostalCode },
		"province":            func(n pkix.Name) []string { return n.Province },
		"street_address":      func(n pkix.Name) []string { return n.StreetAddress },
	}
	for name, part := range parts {
		add(which+"."+name, stringList, "Part of the distinguished name.", func(c *x509.Certificate) ref.Val { return list(part(of(c))) })
	}
}

func extensions(c *x509.Certificate) ref.Val {
	out := make([]map[string]any, 0, len(c.Extensions))
	for _, e := range c.Extensions {
		out = append(out, map[string]any{"id": e.Id.String(), "critical": e.Critical, "value": e.Value})
	}
	return types.DefaultTypeAdapter.NativeToValue(out)
}

func list(items []string) ref.Val { return types.NewStringList(types.DefaultTypeAdapter, items) }

func moment(t time.Time) ref.Val { return types.Timestamp{Time: t.UTC()} }
