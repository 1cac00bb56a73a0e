package event

import (
	"strings"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// connFields are what is known of the connection and of who is at its end.
var connFields = []Field{
	recorded("conn.bytes_in", "Bytes from the client, heads and bodies.", func(x *capturev1.Exchange) any { return x.GetConnection().GetBytesIn() }),
	recorded("conn.bytes_out", "Bytes to the client, heads and bodies.", func(x *capturev1.Exchange) any { return x.GetConnection().GetBytesOut() }),
	recorded("conn.client_ip", "Address of the client.", func(x *capturev1.Exchange) any { return text(x.GetConnection().GetClientIp()) }),
	recorded("conn.client_port", "Port of the client.", func(x *capturev1.Exchange) any { return number(x.GetConnection().GetClientPort()) }),
	place("conn.geo.as.number", "Number of the client's autonomous system.", func(g *capturev1.Geo) any { return number(g.GetAsn()) }),
	place("conn.geo.as.organization", "Owner of the autonomous system.", func(g *capturev1.Geo) any { return text(g.GetAsOrganization()) }),
	place("conn.geo.city", "City of the client.", func(g *capturev1.Geo) any { return text(g.GetCity()) }),
	place("conn.geo.continent_code", "Continent of the client, such as EU.", func(g *capturev1.Geo) any { return text(g.GetContinentCode()) }),
	place("conn.geo.country", "Name of that country.", func(g *capturev1.Geo) any { return text(g.GetCountry()) }),
	place("conn.geo.country_code", "Country of the client, ISO 3166-1 alpha-2.", func(g *capturev1.Geo) any { return text(g.GetCountryCode()) }),
	place("conn.geo.latitude", "Latitude of the client in degrees.", func(g *capturev1.Geo) any { return degrees(g, g.GetLatitude()) }),
	place("conn.geo.longitude", "Longitude of the client in degrees.", func(g *capturev1.Geo) any { return degrees(g, g.GetLongitude()) }),
	place("conn.geo.subdivision_code", "Region of the client, the second part of ISO 3166-2.", func(g *capturev1.Geo) any { return text(g.GetSubdivisionCode()) }),
	recorded("conn.server_ip", "Address the client connected to.", func(x *capturev1.Exchange) any { return text(x.GetConnection().GetServerIp()) }),
	recorded("conn.server_name", "Name in the TLS handshake, else the host of the request.", serverName),
	recorded("conn.server_port", "Port the client connected to.", func(x *capturev1.Exchange) any { return number(x.GetConnection().GetServerPort()) }),
	recorded("conn.start_ts", "When the connection began.", func(x *capturev1.Exchange) any {
		if x.GetConnection().GetStartTime() == nil {
			return nil
		}
		return stamp(x.GetConnection().GetStartTime().AsTime())
	}),
	recorded("ja4_fingerprint", "JA4 fingerprint of the client's TLS greeting.", func(x *capturev1.Exchange) any { return text(x.GetConnection().GetTls().GetJa4Fingerprint()) }),
	recorded("tls.cipher_suite", "Cipher suite.", func(x *capturev1.Exchange) any { return text(x.GetConnection().GetTls().GetCipherSuite()) }),
	certificate("tls.client_cert.fingerprint", "SHA-256 of the client's certificate, lower-case hexadecimal.", func(c *capturev1.ClientCertificate) any { return text(c.GetFingerprint()) }),
	certificate("tls.client_cert.issuer.dn", "Issuer of the client's certificate (RFC 2253).", func(c *capturev1.ClientCertificate) any { return text(c.GetIssuer()) }),
	certificate("tls.client_cert.not_after", "When the client's certificate ends.", func(c *capturev1.ClientCertificate) any {
		if c.GetNotAfter() == nil {
			return nil
		}
		return stamp(c.GetNotAfter().AsTime())
	}),
	certificate("tls.client_cert.serial_number", "Serial number of the client's certificate.", func(c *capturev1.ClientCertificate) any { return text(c.GetSerialNumber()) }),
	certificate("tls.client_cert.subject.cn", "Common name of the client's certificate.", func(c *capturev1.ClientCertificate) any { return text(commonName(c.GetSubject())) }),
	certificate("tls.client_cert.subject.dn", "Subject of the client's certificate (RFC 2253).", func(c *capturev1.ClientCertificate) any { return text(c.GetSubject()) }),
	recorded("tls.negotiated_protocol", "Protocol that ALPN chose.", func(x *capturev1.Exchange) any { return text(x.GetConnection().GetTls().GetNegotiatedProtocol()) }),
	recorded("tls.resumed", "Whether an earlier session was resumed.", func(x *capturev1.Exchange) any {
		if x.GetConnection().GetTls() == nil {
			return nil
		}
		return x.GetConnection().GetTls().GetResumed()
	}),
	recorded("tls.version", "TLS version.", func(x *capturev1.Exchange) any { return text(x.GetConnection().GetTls().GetVersion()) }),
}

func place(path, doc string, value func(*capturev1.Geo) any) Field {
	return recorded(path, doc, func(x *capturev1.Exchange) any {
		if x.GetConnection().GetGeo() == nil {
			return nil
		}
		return value(x.GetConnection().GetGeo())
	})
}

// degrees is a part of a position; where no database knows one, both are 0.
func degrees(g *capturev1.Geo, part float64) any {
	if g.GetLatitude() == 0 && g.GetLongitude() == 0 {
		return nil
	}
	return part
}

func certificate(path, doc string, value func(*capturev1.ClientCertificate) any) Field {
	return recorded(path, doc, func(x *capturev1.Exchange) any {
		if x.GetConnection().GetTls().GetClientCertificate() == nil {
			return nil
		}
		return value(x.GetConnection().GetTls().GetClientCertificate())
	})
}

// commonName is the first CN of a distinguished name in the form of RFC 2253, and
// is left as that escapes it; "" without one.
func commonName(name string) string {
	for name != "" {
		end := 0
		for end < len(name) && name[end] != ',' && name[end] != '+' {
			if name[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end, len(name))
		if value, ok := strings.CutPrefix(name[:end], "CN="); ok {
			return value
		}
		name = name[min(end+1, len(name)):]
	}
	return ""
}

func serverName(x *capturev1.Exchange) any {
	if sni := x.GetConnection().GetTls().GetServerName(); sni != "" {
		return sni
	}
	return text(hostname(x.GetRequest().GetHost()))
}
