package tap

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"net/netip"
	"strconv"

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

func (e *encoder) connection(field int) {
	r := e.r
	m := e.Open(field, 64)
	e.address(1, r.conn.ClientAddr)
	e.address(3, r.conn.ServerAddr)
	e.Time(5, r.conn.Start)
	if t := r.conn.TLS; t != nil {
		e.session(6, t)
	}
	const request, response = len("  \r\n\r\n"), len("HTTP/1.1 200 OK\r\n\r\n")
	e.Uint(7, uint64(len(r.method)+len(r.target)+len(r.proto)+request+headerSize(r.header)+headerSize(r.reqBody.trailer))+r.reqBody.size)
	if r.response {
		e.Uint(8, uint64(response+headerSize(r.resHeader)+headerSize(r.resBody.trailer))+r.resBody.size)
	}
	e.place(9)
	e.Close(m)
}

// address appends an address and, in the next field, its port.
func (e *encoder) address(field int, a netip.AddrPort) {
	if a.IsValid() {
		m := e.Open(field, 0)
		e.Buffer = a.Addr().WithZone("").AppendTo(e.Buffer)
		e.Close(m)
	}
	e.Uint(field+1, uint64(a.Port()))
}

// place appends where the client is, if that is known.
func (e *encoder) place(field int) {
	if e.r.tap.places == nil {
		return
	}
	d := e.r.tap.places.Lookup(e.r.conn.ClientAddr.Addr())
	if d == nil || d.Location.CountryCode == "" && d.Location.ContinentCode == "" && d.ASNumber == 0 {
		return // only categories are known
	}
	l := &d.Location
	m := e.Open(field, 0)
	e.String(1, l.CountryCode)
	e.String(2, text(l.Country))
	e.String(3, l.ContinentCode)
	e.String(4, text(l.City))
	e.String(5, text(l.SubdivisionCode))
	e.Double(6, degrees(l.Latitude))
	e.Double(7, degrees(l.Longitude))
	e.Uint(8, uint64(uint32(d.ASNumber))) // #nosec G115 -- an AS number has 32 bits
	e.String(9, text(d.Organization))
	e.Close(m)
}

func degrees(s string) float64 {
	f, _ := strconv.ParseFloat(s, 64) // empty when it is not known
	return f
}

// session appends what is recorded of a TLS session.
func (e *encoder) session(field int, t *message.TLS) {
	m := e.Open(field, 64)
	e.String(1, t.Version)
	e.String(2, t.CipherSuite)
	e.String(3, text(t.ServerName))
	e.String(4, t.ALPN)
	e.Bool(5, t.Resumed)
	e.String(6, text(t.JA4))
	if len(t.PeerCertificates) > 0 {
		e.certificate(7, t.PeerCertificates[0])
	}
	e.Close(m)
}

func (e *encoder) certificate(field int, c *x509.Certificate) {
	sum := sha256.Sum256(c.Raw)
	m := e.Open(field, 256)
	e.String(1, text(c.Subject.String()))
	e.String(2, text(c.Issuer.String()))
	e.String(3, c.SerialNumber.Text(16))
	e.String(4, hex.EncodeToString(sum[:]))
	e.Time(5, c.NotAfter)
	e.Close(m)
}
