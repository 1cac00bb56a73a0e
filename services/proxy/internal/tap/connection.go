package tap

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strconv"

	"google.golang.org/protobuf/types/known/timestamppb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy/expr"
)

// Places knows where addresses belong; nil when it does not know one.
type Places interface {
	Lookup(netip.Addr) *expr.IPData
}

// Locate has records tell where clients are. It must be called before the first
// record is taken.
func (t *Tap) Locate(p Places) { t.places = p }

func (t *Tap) locate(e *capturev1.Exchange, client netip.Addr) {
	if t.places == nil {
		return
	}
	d := t.places.Lookup(client)
	if d == nil {
		return
	}
	l := &d.Location
	g := &capturev1.Geo{
		CountryCode: l.CountryCode, Country: text(l.Country), ContinentCode: l.ContinentCode, City: text(l.City), SubdivisionCode: text(l.SubdivisionCode),
		Latitude: degrees(l.Latitude), Longitude: degrees(l.Longitude),
		Asn: uint32(d.ASNumber), AsOrganization: text(d.Organization), // #nosec G115 -- an AS number has 32 bits
	}
	if g.CountryCode == "" && g.ContinentCode == "" && g.Asn == 0 {
		return // only categories are known
	}
	e.Connection.Geo = g
}

func degrees(s string) float64 {
	f, _ := strconv.ParseFloat(s, 64) // empty when it is not known
	return f
}

// session is what is recorded of a TLS session.
func session(t *message.TLS) *capturev1.Tls {
	out := &capturev1.Tls{
		Version: t.Version, CipherSuite: t.CipherSuite, ServerName: text(t.ServerName), NegotiatedProtocol: t.ALPN, Resumed: t.Resumed, Ja4Fingerprint: text(t.JA4),
	}
	if len(t.PeerCertificates) > 0 {
		c := t.PeerCertificates[0]
		sum := sha256.Sum256(c.Raw)
		out.ClientCertificate = &capturev1.ClientCertificate{
			Subject: text(c.Subject.String()), Issuer: text(c.Issuer.String()), SerialNumber: c.SerialNumber.Text(16),
			Fingerprint: hex.EncodeToString(sum[:]), NotAfter: timestamppb.New(c.NotAfter),
		}
	}
	return out
}
