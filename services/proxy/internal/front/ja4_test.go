package front

import (
	"crypto/tls"
	"regexp"
	"slices"
	"testing"
)

// browser is a greeting of Chrome whose fingerprint FoxIO publishes, with values that
// are there to be ignored.
func browser() *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{
		CipherSuites: []uint16{0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035},
		Extensions: []uint16{0x3a3a, 0x0000, 0x0017, 0xff01, 0x000a, 0x000b, 0x0023, 0x0010, 0x0005, 0x000d, 0x0012, 0x0033, 0x002d, 0x002b, 0x001b,
			0x4469, 0x0015, 0xdada},
		SupportedVersions: []uint16{0x6a6a, tls.VersionTLS13, tls.VersionTLS12},
		SupportedProtos:   []string{"h2", "http/1.1"},
		SignatureSchemes:  []tls.SignatureScheme{0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601},
	}
}

func TestJA4(t *testing.T) {
	const known = "t13d1516h2_8daaf6152771_e5627efa2ab1"
	for name, tt := range map[string]struct {
		change func(*tls.ClientHelloInfo)
		want   string
	}{
		"as published": {func(*tls.ClientHelloInfo) {}, known},
		"in another order": {func(h *tls.ClientHelloInfo) {
			slices.Reverse(h.CipherSuites)
			slices.Reverse(h.Extensions)
		}, known},
		"a later version of it": {func(h *tls.ClientHelloInfo) {
			h.Extensions[16] = 0xfe0d // an encrypted greeting instead of padding
		}, "t13d1516h2_8daaf6152771_02713d6af862"},
		"no name": {func(h *tls.ClientHelloInfo) {
			h.Extensions = slices.Delete(h.Extensions, 1, 2)
		}, "t13i1515h2_8daaf6152771_e5627efa2ab1"},
		"no protocols":                {func(h *tls.ClientHelloInfo) { h.SupportedProtos = nil }, "t13d151600_8daaf6152771_e5627efa2ab1"},
		"a protocol of one letter":    {func(h *tls.ClientHelloInfo) { h.SupportedProtos = []string{"x"} }, "t13d1516xx_8daaf6152771_e5627efa2ab1"},
		"a protocol of bytes":         {func(h *tls.ClientHelloInfo) { h.SupportedProtos = []string{"\xab\xcd"} }, "t13d1516ad_8daaf6152771_e5627efa2ab1"},
		"a protocol that ends in one": {func(h *tls.ClientHelloInfo) { h.SupportedProtos = []string{"0\xab"} }, "t13d15163b_8daaf6152771_e5627efa2ab1"},
		"TLS 1.2":                     {func(h *tls.ClientHelloInfo) { h.SupportedVersions = []uint16{tls.VersionTLS12} }, "t12d1516h2_8daaf6152771_e5627efa2ab1"},
		"nothing at all":              {func(h *tls.ClientHelloInfo) { *h = tls.ClientHelloInfo{} }, "t00i000000_000000000000_000000000000"},
		"too many to count": {func(h *tls.ClientHelloInfo) {
			*h = tls.ClientHelloInfo{CipherSuites: make([]uint16, 120)}
		}, ""},
	} {
		hello := browser()
		tt.change(hello)
		got := ja4(hello)
		if tt.want != "" && got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
		if !regexp.MustCompile(`^t(1[0-3]|s3|00)[di]\d{4}[0-9a-zA-Z]{2}(_[0-9a-f]{12}){2}$`).MatchString(got) {
			t.Errorf("%s: %s", name, got)
		}
	}
}
