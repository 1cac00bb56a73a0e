package benchmark

import (
	"fmt"
	"math/rand/v2"
	"strings"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

type endpoint struct {
	id, name, host, url string
	tls                 *capturev1.Tls
}

type route struct {
	endpoint         *endpoint
	method, template string
	usual            uint32  // status
	typical          float64 // nanoseconds
	upstream         *capturev1.UpstreamCall
}

type agent struct {
	version string
	headers []*capturev1.Header
}

var (
	routes    = makeRoutes()
	words     = makeWords(6000)
	clientIPs = makeTexts(clients, func(i int) string { return fmt.Sprintf("%d.%d.%d.%d", 11+i%180, i/180%256, i*7%256, 1+i%250) })
	userNames = makeTexts(accounts, func(i int) string { return fmt.Sprintf("user%04d@example.com", i) })
	agents    = makeAgents()
	places    = makePlaces()

	jwtAllowed = map[string]string{"jwt": "allow"}
	jwtDenied  = map[string]string{"jwt": "deny"}
	failures   = map[uint32]*capturev1.ExchangeError{
		502: {Code: "SLUICE_3004", Message: "the upstream refused the connection"},
		503: {Code: "SLUICE_3008", Message: "no upstream is healthy"},
		507: {Code: "SLUICE_3099", Message: "the disk is full"},
		0:   {Code: "SLUICE_3010", Message: "the client went away"},
	}
	responseHeaders = [][]*capturev1.Header{
		{{Name: "Content-Type", Value: "application/json"}, {Name: "Cache-Control", Value: "no-store"}, {Name: "Server", Value: "nginx"}},
		{{Name: "Content-Type", Value: "application/json"}, {Name: "Etag", Value: `"5d8c72a5edda8"`}, {Name: "Vary", Value: "accept-encoding"}},
		{{Name: "Content-Type", Value: "application/json; charset=utf-8"}, {Name: "X-Served-By", Value: "app-7"}},
	}
)

func makeTexts(n int, text func(i int) string) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = text(i)
	}
	return all
}

// makeRoutes is 12 resources of 4 endpoints with the usual five routes each; the
// first are the most frequent.
func makeRoutes() []route {
	var all []route
	nouns := [][]string{{"orders", "products", "carts"}, {"users", "sessions", "teams"}, {"payments", "invoices", "refunds"}, {"messages", "events", "files"}}
	for n := range 3 {
		for i, name := range []string{"shop", "accounts", "billing", "hub"} {
			e := &endpoint{
				id: fmt.Sprintf("ep_bench%d", i), name: name, host: name + ".example.com", url: "https://" + name + ".example.com",
				tls: &capturev1.Tls{Version: "1.3", CipherSuite: "TLS_AES_128_GCM_SHA256", ServerName: name + ".example.com", NegotiatedProtocol: "h2", Ja4Fingerprint: "t13d1516h2_8daaf6152771_02713d6af862"},
			}
			up := &capturev1.UpstreamCall{Address: fmt.Sprintf("10.0.%d.7:8080", i), ConnectionReused: true, HttpVersion: "HTTP/1.1"}
			noun := "/api/v1/" + nouns[i][n]
			for k, r := range []route{{method: "GET", template: noun, usual: 200}, {method: "GET", template: noun + "/{id}", usual: 200}, {method: "POST", template: noun, usual: 201},
				{method: "PUT", template: noun + "/{id}", usual: 200}, {method: "DELETE", template: noun + "/{id}/items/{item}", usual: 204}} {
				r.endpoint, r.upstream, r.typical = e, up, float64(8_000_000*(1+k+2*n))
				all = append(all, r)
			}
		}
	}
	return all
}

// makeWords makes words of syllables, each another.
func makeWords(n int) []string {
	r, syllables := rand.New(rand.NewPCG(3, 3)), strings.Fields("ba ko ri ta ne lu mi so ve pa du zi fo ga he la ") //nolint:gosec // repeatable
	seen, all := map[string]bool{}, []string(nil)
	for len(all) < n {
		word := ""
		for range 2 + r.IntN(3) {
			word += syllables[r.IntN(len(syllables))]
		}
		if !seen[word] {
			seen[word], all = true, append(all, word)
		}
	}
	return all
}

func makeAgents() []agent {
	var all []agent
	for i := range 24 {
		text, version := fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0 Safari/537.36", 110+i), "HTTP/2.0"
		if i%4 == 3 {
			text, version = fmt.Sprintf("okhttp/4.%d", i), "HTTP/1.1"
		}
		all = append(all, agent{version, []*capturev1.Header{
			{Name: "User-Agent", Value: text}, {Name: "Accept", Value: "application/json"}, {Name: "Accept-Encoding", Value: "gzip, br"},
			{Name: "Authorization", Value: "[redacted headers 412 0f3a5c]", RedactedBy: "headers"},
		}})
	}
	return all
}

func makePlaces() []*capturev1.Geo {
	var all []*capturev1.Geo
	for i, code := range strings.Fields("US DE GB FR CH IN BR JP CA AU NL ES IT SE PL MX KR SG ZA AR") {
		for city := range 3 {
			all = append(all, &capturev1.Geo{
				CountryCode: code, Country: "Country " + code, ContinentCode: "XX", City: fmt.Sprintf("City %s %d", code, city), SubdivisionCode: "S1",
				Latitude: float64(i), Longitude: float64(city), Asn: uint32(1000 + i), AsOrganization: "Network " + code, //nolint:gosec // small
			})
		}
	}
	return all
}
