package store

import (
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// extraOf is what of an exchange has no column, marshalled; nothing when there is
// none. A part of a valid message can always be marshalled.
func extraOf(e *capturev1.Exchange) []byte {
	x := &capturev1.Exchange{Redactions: e.GetRedactions()}
	if geo, cert := e.GetConnection().GetGeo(), e.GetConnection().GetTls().GetClientCertificate(); geo != nil || cert != nil {
		x.Connection = &capturev1.Connection{}
		if cert != nil {
			x.Connection.Tls = &capturev1.Tls{ClientCertificate: cert}
		}
		if geo.GetLatitude() != 0 || geo.GetLongitude() != 0 {
			x.Connection.Geo = &capturev1.Geo{Latitude: geo.GetLatitude(), Longitude: geo.GetLongitude()}
		}
	}
	if failed := e.GetUpstream().GetFailedAttempts(); len(failed) > 0 {
		x.Upstream = &capturev1.UpstreamCall{FailedAttempts: failed}
	}
	if proto.Size(x) == 0 {
		return nil
	}
	raw, _ := proto.Marshal(x)
	return raw
}

// extras is extraOf read back; one that cannot be read does not keep the rest of
// the exchange back.
func (r *row) extras() *capturev1.Exchange {
	x := &capturev1.Exchange{}
	if len(r.extra) > 0 && proto.Unmarshal(r.extra, x) != nil {
		return &capturev1.Exchange{}
	}
	return x
}

// rulesOf is the names of the rules that found something, each once.
func rulesOf(all []*capturev1.Redaction) []string {
	var rules []string
	for _, one := range all {
		if !slices.Contains(rules, one.GetRule()) {
			rules = append(rules, one.GetRule())
		}
	}
	return rules
}

func count32(n int) uint32 { return uint32(min(n, math.MaxUint32)) } //nolint:gosec // bounded by min
