package front

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// ja4 is the JA4 fingerprint of a client's greeting over TCP, as FoxIO publishes it:
// what kind of client it is by the ciphers and extensions that it offers, in any
// order. It tells clients apart that call themselves the same; it proves nothing.
func ja4(hello *tls.ClientHelloInfo) string {
	ciphers, extensions := withoutGrease(hello.CipherSuites), withoutGrease(hello.Extensions)
	a := fmt.Sprintf("t%s%s%02d%02d%s", ja4Version(hello.SupportedVersions), ja4Name(extensions),
		min(len(ciphers), 99), min(len(extensions), 99), ja4Protocol(hello.SupportedProtos))
	slices.Sort(ciphers)
	return a + "_" + ja4Hash(ciphers, "") + "_" + ja4Hash(ja4Extensions(extensions), ja4Signatures(hello.SignatureSchemes))
}

// grease tells values that clients send to see whether servers ignore them (RFC
// 8701): 0x0a0a, 0x1a1a and so on.
func grease(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

func withoutGrease(in []uint16) []uint16 {
	return slices.DeleteFunc(slices.Clone(in), grease)
}

// ja4Version is the newest version that the client offers.
func ja4Version(offered []uint16) string {
	newest := uint16(0)
	for _, v := range withoutGrease(offered) {
		newest = max(newest, v)
	}
	switch newest {
	case tls.VersionTLS13:
		return "13"
	case tls.VersionTLS12:
		return "12"
	case tls.VersionTLS11:
		return "11"
	case tls.VersionTLS10:
		return "10"
	case 0x0300:
		return "s3"
	}
	return "00"
}

const (
	extensionServerName = 0x0000
	extensionALPN       = 0x0010
)

// ja4Name tells whether the client named the server: a domain, or not.
func ja4Name(extensions []uint16) string {
	if slices.Contains(extensions, extensionServerName) {
		return "d"
	}
	return "i"
}

// ja4Protocol is the first and last character of the first protocol of ALPN, or of
// its hexadecimal form when one of them is neither letter nor digit.
func ja4Protocol(protocols []string) string {
	if len(protocols) == 0 || protocols[0] == "" {
		return "00"
	}
	p := protocols[0]
	if !alphanumeric(p[0]) || !alphanumeric(p[len(p)-1]) {
		p = hex.EncodeToString([]byte(p))
	}
	return p[:1] + p[len(p)-1:]
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// ja4Extensions are sorted, without those that vary with the server.
func ja4Extensions(in []uint16) []uint16 {
	out := slices.DeleteFunc(slices.Clone(in), func(e uint16) bool { return e == extensionServerName || e == extensionALPN })
	slices.Sort(out)
	return out
}

// ja4Signatures keep the client's order.
func ja4Signatures(schemes []tls.SignatureScheme) string {
	codes := make([]uint16, 0, len(schemes))
	for _, s := range schemes {
		if !grease(uint16(s)) {
			codes = append(codes, uint16(s))
		}
	}
	if len(codes) == 0 {
		return ""
	}
	return "_" + ja4List(codes)
}

func ja4List(codes []uint16) string {
	texts := make([]string, len(codes))
	for i, c := range codes {
		texts[i] = fmt.Sprintf("%04x", c)
	}
	return strings.Join(texts, ",")
}

// ja4Hash is the beginning of a SHA-256; zeros for an empty list.
func ja4Hash(codes []uint16, more string) string {
	if len(codes) == 0 {
		return "000000000000"
	}
	sum := sha256.Sum256([]byte(ja4List(codes) + more))
	return hex.EncodeToString(sum[:6])
}
