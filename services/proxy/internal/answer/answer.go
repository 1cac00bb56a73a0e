// Package answer makes the responses with which the gateway itself answers: one
// shape for programs, a small page for browsers.
package answer

import (
	"encoding/json"
	"html/template"
	"strconv"
	"strings"

	"sluice.dev/platform/message"
)

// Names of the header fields that only the gateway may set.
const (
	HeaderErrorCode  = "sluice-error-code"
	HeaderExchangeID = "sluice-exchange-id"
)

// Codes of the failures that the proxy itself tells of. Each names one kind of
// failure for all time; policy actions have codes of their own.
const (
	CodeBadResponse  = "SLUICE_3004" // 502: the upstream's answer was invalid or incomplete
	CodeNoConnection = "SLUICE_3005" // 502: no connection to the upstream
	CodeRefused      = "SLUICE_3006" // 502: the upstream refused the connection
	CodeGateway      = "SLUICE_3007" // 500, 502: any other failure of the gateway
	CodeTimeout      = "SLUICE_3008" // 504: the upstream took too long
	CodeOverload     = "SLUICE_743"  // 503: every target of the upstream has as many requests as it may have
	CodeNoEndpoint   = "SLUICE_3200" // 404: nothing is published at this address
	CodeLoop         = "SLUICE_3501" // 508: the endpoint's upstream leads back to it
	CodeNoUpstream   = "SLUICE_6029" // 500: the policy did not answer and there is no upstream
	CodeBadRequest   = "SLUICE_4400" // 400, 431, 501: the request cannot be read
	CodeMethod       = "SLUICE_4405" // 405: CONNECT, which a gateway does not do
	CodeMisdirected  = "SLUICE_4421" // 421: the connection is not secured as the endpoint's policy wants
	CodeClientGone   = "SLUICE_4498" // in records only: the client went away
	CodeUnservable   = "SLUICE_4526" // 503: the endpoint's configuration cannot be used
)

// Failure is why the gateway answers by itself.
type Failure struct {
	Status  int    // HTTP status
	Code    string // "SLUICE_3200"
	Message string // for people: what happened and what to do
}

// Response returns the answer for a client: HTML when it prefers that, else JSON.
func (f Failure) Response(req *message.Request, exchangeID string) *message.Response {
	kind, body := "application/json", f.json(exchangeID)
	if WantsHTML(req.Header) {
		kind, body = "text/html; charset=utf-8", f.html(exchangeID)
	}
	return message.NewResponse(f.Status, message.Header{
		{Name: "Content-Type", Value: kind},
		{Name: "Content-Length", Value: strconv.Itoa(len(body))},
		{Name: "Cache-Control", Value: "no-store"},
		{Name: HeaderErrorCode, Value: f.Code},
	}, body)
}

type errorBody struct {
	Error errorDetail `json:"error"`
}

type errorDetail struct {
	Code       string `json:"code"`
	Message    string `json:"message"`
	Status     int    `json:"status"`
	ExchangeID string `json:"exchange_id,omitempty"`
}

func (f Failure) json(exchangeID string) string {
	// Strings and an int always marshal.
	b, _ := json.Marshal(errorBody{errorDetail{f.Code, f.Message, f.Status, exchangeID}})
	return string(b) + "\n"
}

var page = template.Must(template.New("error").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{{.Status}} {{.Code}}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:38rem;margin:15vh auto;padding:0 1rem;color:#1c2530;background:#fff}
code{color:#52606d}@media(prefers-color-scheme:dark){body{background:#12161c;color:#e4e9ef}code{color:#9aa8b7}}</style></head>
<body><h1>{{.Status}}</h1><p>{{.Message}}</p><p><code>{{.Code}}{{with .ExchangeID}} · {{.}}{{end}}</code></p></body></html>
`))

func (f Failure) html(exchangeID string) string {
	var b strings.Builder
	// A strings.Builder takes every write and the template has no methods to call.
	_ = page.Execute(&b, errorDetail{f.Code, f.Message, f.Status, exchangeID})
	return b.String()
}

// WantsHTML reports whether the Accept field names HTML, as browsers do; a bare
// "*/*" does not.
func WantsHTML(h message.Header) bool {
	for _, f := range h {
		if message.EqualName(f.Name, "accept") && strings.Contains(strings.ToLower(f.Value), "text/html") {
			return true
		}
	}
	return false
}
