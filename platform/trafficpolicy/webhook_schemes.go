package trafficpolicy

import (
	"crypto/sha1" //nolint:gosec // some providers sign with it; HMAC does not need a collision-free hash
	"crypto/sha256"
	"crypto/sha512"
	"hash"
)

// webhookScheme says how a provider signs its webhooks. Most make an HMAC of a
// part of the request, which the table describes; check replaces that for those
// that do something else.
type webhookScheme struct {
	headers []string // any of them holds a signature
	prefix  string   // stands before the signature, when the value has only one
	label   string   // the value is a list label=signature,...; those with this label count
	spaced  bool     // the value is a list "v1,signature ..." (Standard Webhooks)
	hash    func() hash.Hash
	base64  bool   // how signatures are written; otherwise in hexadecimal
	content string // what is signed; see [webhookRequest.part]
	time    string // header with {time}
	stamp   string // {time} is in the list of signatures, with this label
	id      string // header with {id}
	key     func(secret string) ([]byte, error)

	check     func(q *webhookRequest, secret string) bool
	challenge func(q *webhookRequest, secret string) *challenge // nil when the request is none
	refusal   int                                               // status of a refusal, 403 when 0
}

var (
	hexBody = webhookScheme{hash: sha256.New, content: "{body}"}
	b64Body = webhookScheme{hash: sha256.New, content: "{body}", base64: true}
	stamped = webhookScheme{hash: sha256.New, content: "{time}.{body}", stamp: "t", label: "v1"} // Stripe's, which many took over
	version = webhookScheme{hash: sha256.New, content: "v0:{time}:{body}", prefix: "v0="}        // Slack's
	hub     = webhookScheme{headers: []string{"x-hub-signature-256"}, prefix: "sha256=", hash: sha256.New, content: "{body}"}
	svix    = webhookScheme{headers: []string{"svix-signature"}, spaced: true, base64: true, hash: sha256.New,
		content: "{id}.{time}.{body}", time: "svix-timestamp", id: "svix-id", key: standardKey}
	standard = svix.in("webhook-signature").at("webhook-timestamp").named("webhook-id") // Standard Webhooks
)

// in gives the headers that hold the signature.
func (s webhookScheme) in(headers ...string) webhookScheme { s.headers = headers; return s }

func (s webhookScheme) after(prefix string) webhookScheme     { s.prefix = prefix; return s }
func (s webhookScheme) labelled(label string) webhookScheme   { s.label = label; return s }
func (s webhookScheme) stampedBy(label string) webhookScheme  { s.stamp = label; return s }
func (s webhookScheme) at(timeHeader string) webhookScheme    { s.time = timeHeader; return s }
func (s webhookScheme) named(idHeader string) webhookScheme   { s.id = idHeader; return s }
func (s webhookScheme) of(content string) webhookScheme       { s.content = content; return s }
func (s webhookScheme) with(h func() hash.Hash) webhookScheme { s.hash = h; return s }
func (s webhookScheme) refusing(status int) webhookScheme     { s.refusal = status; return s }
func (s webhookScheme) checked(f func(*webhookRequest, string) bool) webhookScheme {
	s.check = f
	return s
}
func (s webhookScheme) challenged(f func(*webhookRequest, string) *challenge) webhookScheme {
	s.challenge = f
	return s
}

func (s webhookScheme) keyed(f func(string) ([]byte, error)) webhookScheme { s.key = f; return s }

// webhookSchemes holds the providers whose scheme is public.
var webhookSchemes = map[string]webhookScheme{
	"aftership":          b64Body.in("aftership-hmac-sha256"),
	"airship":            hexBody.in("x-ua-signature").of("{time}:{body}").at("x-ua-timestamp"),
	"alchemy":            hexBody.in("x-alchemy-signature"),
	"autodesk":           hexBody.in("x-adsk-signature").after("sha1hash=").with(sha1.New),
	"bitbucket":          hub.in("x-hub-signature"),
	"bolt":               b64Body.in("x-bolt-hmac-sha256"),
	"box":                b64Body.in("box-signature-primary", "box-signature-secondary").of("{body}{time}").at("box-delivery-timestamp"),
	"brex":               standard,
	"buildkite":          stamped.in("x-buildkite-signature").stampedBy("timestamp").labelled("signature").checked(checkBuildkite),
	"calendly":           stamped.in("calendly-webhook-signature"),
	"castle":             b64Body.in("x-castle-signature"),
	"chargify":           hexBody.in("x-chargify-webhook-signature-hmac-sha-256"),
	"circleci":           hexBody.in("circleci-signature").labelled("v1"),
	"clearbit":           hexBody.in("x-request-signature").after("sha1=").with(sha1.New),
	"clerk":              svix.checked(checkSvix),
	"coinbase":           hexBody.in("x-cc-webhook-signature"),
	"docusign":           b64Body.in("x-docusign-signature-1", "x-docusign-signature-2", "x-docusign-signature-3", "x-docusign-signature-4"),
	"contentful":         {check: checkContentful},
	"dropbox":            hexBody.in("x-dropbox-signature"),
	"facebook_graph_api": hub,
	"facebook_messenger": hub,
	"frameio":            version.in("x-frameio-signature").at("x-frameio-request-timestamp"),
	"github":             hub,
	"gitlab":             {headers: []string{"x-gitlab-token"}, check: checkToken},
	"graphcms":           {check: checkHygraph},
	"heroku":             b64Body.in("heroku-webhook-hmac-sha256"),
	"hubspot":            b64Body.in("x-hubspot-signature-v3").of("{method}{hubspot_url}{body}{time}").at("x-hubspot-request-timestamp"),
	"instagram":          hub,
	"intercom":           hub.in("x-hub-signature").after("sha1=").with(sha1.New),
	"jira":               hub.in("x-hub-signature"),
	"launch_darkly":      hexBody.in("x-ld-signature"),
	"linear":             hexBody.in("linear-signature"),
	"mailchimp":          {check: checkMandrill},
	"mailgun":            {check: checkMailgun},
	"microsoft_teams":    b64Body.in("authorization").after("HMAC ").keyed(base64Key),
	"modern_treasury":    hexBody.in("x-signature"),
	"mongodb":            {check: checkMongoDB},
	"mux":                stamped.in("mux-signature"),
	"orb":                hexBody.in("x-orb-signature").after("v1=").of("v1:{time}:{body}").at("x-orb-timestamp"),
	"pagerduty":          hexBody.in("x-pagerduty-signature").labelled("v1"),
	"pinwheel":           hexBody.in("x-pinwheel-signature").after("v2=").of("v2:{time}:{body}").at("x-timestamp"),
	"plivo":              b64Body.in("x-plivo-signature-v2", "x-plivo-signature-ma-v2").of("{base_url}{id}").named("x-plivo-signature-v2-nonce"),
	"pusher":             hexBody.in("x-pusher-signature"),
	"sendgrid":           {check: checkSendGrid},
	"sentry":             hexBody.in("sentry-hook-signature"),
	"shopify":            b64Body.in("x-shopify-hmac-sha256"),
	"signal_sciences":    hexBody.in("x-sigsci-signature"),
	"slack":              version.in("x-slack-signature").at("x-slack-request-timestamp"),
	"sns":                {check: checkSNS},
	"sonatype":           hexBody.in("x-nexus-webhook-signature").with(sha1.New),
	"square":             b64Body.in("x-square-hmacsha256-signature").of("{url}{body}"),
	"stripe":             stamped.in("stripe-signature"),
	"svix":               svix.checked(checkSvix),
	"terraform":          hexBody.in("x-tfe-notification-signature").with(sha512.New),
	"tiktok":             stamped.in("tiktok-signature").labelled("s"),
	"twilio":             {check: checkTwilio},
	"twitter":            b64Body.in("x-twitter-webhooks-signature").after("sha256=").challenged(challengeTwitter),
	"typeform":           b64Body.in("typeform-signature").after("sha256="),
	"webex":              hexBody.in("x-spark-signature").with(sha1.New),
	"whatsapp":           hub,
	"worldline":          b64Body.in("x-gcs-signature").challenged(challengeWorldline),
	"xero":               b64Body.in("x-xero-signature").challenged(challengeXero).refusing(401),
	"zendesk":            b64Body.in("x-zendesk-webhook-signature").of("{time}{body}").at("x-zendesk-webhook-signature-timestamp"),
	"zoom":               version.in("x-zm-signature").at("x-zm-request-timestamp").challenged(challengeZoom),
}

// otherProviders are names of the language without a scheme here: their signing
// is not documented in public.
var otherProviders = []string{"go1", "hostedhooks", "orbit", "trendmicro_conformity", "vmware"}

// webhookAliases are further spellings in use.
var webhookAliases = map[string]string{"signalsciences": "signal_sciences", "sonatype_nexus": "sonatype"}
