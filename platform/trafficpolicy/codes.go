package trafficpolicy

import "slices"

// Code is a stable error code, "SLUICE_" and a number that is never reused.
// Numbers below 4000 mean what the same numbers mean in the published Traffic
// Policy error list; numbers from 4000 on are Sluice's own.
type Code string

// Codes of faulty documents, found when a policy is checked.
const (
	CodeExpression    Code = "SLUICE_2200"
	CodeUnknownAction Code = "SLUICE_2201"
	CodeWrongPhase    Code = "SLUICE_2202"
	CodeConfig        Code = "SLUICE_2203"
	CodeValue         Code = "SLUICE_2204"
	CodeProtocol      Code = "SLUICE_2205"
	CodeNoAction      Code = "SLUICE_2206"
	CodeUnreachable   Code = "SLUICE_2207"
	CodeHeaderName    Code = "SLUICE_2209"
	CodeHeaderValue   Code = "SLUICE_2211"
	CodeAlgorithm     Code = "SLUICE_2214"
	CodeRange         Code = "SLUICE_2215"
	CodeIPPolicy      Code = "SLUICE_2216"
	CodeCIDR          Code = "SLUICE_2217"
	CodeCount         Code = "SLUICE_2218"
	CodeUnknownField  Code = "SLUICE_2219"
	CodeLength        Code = "SLUICE_2221"
	CodeEnum          Code = "SLUICE_2222"
	CodeEmpty         Code = "SLUICE_2223"
	CodeTemplate      Code = "SLUICE_2224"
	CodeDurationLong  Code = "SLUICE_2225"
	CodePhase         Code = "SLUICE_2230"
	CodeDuplicate     Code = "SLUICE_2231"
	CodeMissing       Code = "SLUICE_2234"
	CodeTermination   Code = "SLUICE_2235"
	CodeURL           Code = "SLUICE_2226"
	CodeUnparseable   Code = "SLUICE_2236"
	CodeDurationShort Code = "SLUICE_2237"
	CodeDependent     Code = "SLUICE_2240"
	CodeNesting       Code = "SLUICE_2250"
	CodeVars          Code = "SLUICE_2252"
	CodeRules         Code = "SLUICE_2264"
	CodeActions       Code = "SLUICE_2265"
	CodePassword      Code = "SLUICE_2257"
	CodeBodyStatus    Code = "SLUICE_3604"
	CodeNotSupported  Code = "SLUICE_4090"
	CodeNoIPData      Code = "SLUICE_4091"
)

// Codes of responses that a policy makes, see [Outcome].
const (
	CodeTemplateFailed   Code = "SLUICE_2238"
	CodeMemory           Code = "SLUICE_2249"
	CodeEvaluation       Code = "SLUICE_2253"
	CodeTLS              Code = "SLUICE_4525"
	CodeActionFailed     Code = "SLUICE_2300"
	CodeCircuitOpen      Code = "SLUICE_3202"
	CodeRestrictedIP     Code = "SLUICE_3203"
	CodeWebhook          Code = "SLUICE_3204"
	CodeRedirects        Code = "SLUICE_3214"
	CodeTokenInvalid     Code = "SLUICE_3401"
	CodeTokenForbidden   Code = "SLUICE_3403"
	CodeTokenNotFound    Code = "SLUICE_3406"
	CodeTokenHeader      Code = "SLUICE_3408"
	CodeTokenJSON        Code = "SLUICE_3411"
	CodeTokenForm        Code = "SLUICE_3412"
	CodeTokenPrefix      Code = "SLUICE_3413"
	CodeTokenContentType Code = "SLUICE_3414"
	CodeTokenMethod      Code = "SLUICE_3415"
	CodeTokenMalformed   Code = "SLUICE_3416"
	CodeKeySet           Code = "SLUICE_3422"
	CodeForwardHops      Code = "SLUICE_3501"
	CodeCallTooLarge     Code = "SLUICE_3601"
	CodeCallTimeout      Code = "SLUICE_3602"
	CodeCallLoop         Code = "SLUICE_3603"
	CodeWAFRequest       Code = "SLUICE_3700"
	CodeWAF              Code = "SLUICE_3701"
	CodeWAFResponse      Code = "SLUICE_3702"
	CodeRegexp           Code = "SLUICE_3901"
	CodeRateLimited      Code = "SLUICE_4029"
	CodeCounterUnknown   Code = "SLUICE_4030"
	CodeBodyUnreadable   Code = "SLUICE_4400"
	CodeUnauthorized     Code = "SLUICE_4401"
	CodeDenied           Code = "SLUICE_4403"
	CodeRequestTooLarge  Code = "SLUICE_4413"
	CodeLoginRequired    Code = "SLUICE_4430"
	CodeLoginRefused     Code = "SLUICE_4431"
	CodeLoginState       Code = "SLUICE_4432"
	CodeLoginProvider    Code = "SLUICE_4433"
	CodeLoginConfig      Code = "SLUICE_4434"
	CodeCall             Code = "SLUICE_4502"
	CodeCallAddress      Code = "SLUICE_4503"
	CodeBodyRewrite      Code = "SLUICE_4540"
	CodeConnectionClosed Code = "SLUICE_4499"
)

// CodeInfo explains a code. Status is the HTTP status of the response that
// carries it, 0 for codes of faulty documents.
type CodeInfo struct {
	Code    Code
	Status  int
	Meaning string
}

var codes = []CodeInfo{
	{CodeExpression, 0, "An expression is invalid."},
	{CodeUnknownAction, 0, "No action has this type."},
	{CodeWrongPhase, 0, "The action cannot run in this phase."},
	{CodeConfig, 0, "A part of the document does not have the shape it must have."},
	{CodeValue, 0, "A field has an invalid value."},
	{CodeProtocol, 0, "Not for this protocol."},
	{CodeNoAction, 0, "A rule has no action."},
	{CodeUnreachable, 0, "An action or a rule can never run, because one before it always ends the phase."},
	{CodeHeaderName, 0, "A header name is invalid or may not be used."},
	{CodeHeaderValue, 0, "A header value is invalid."},
	{CodeAlgorithm, 0, "Not a compression algorithm that is supported."},
	{CodeRange, 0, "A number is out of range."},
	{CodeIPPolicy, 0, "An IP policy is not known."},
	{CodeCIDR, 0, "Not an address range in CIDR notation."},
	{CodeCount, 0, "Too many or too few entries."},
	{CodeUnknownField, 0, "The field does not exist."},
	{CodeLength, 0, "A text is too long or too short."},
	{CodeEnum, 0, "The value is not one of those allowed."},
	{CodeEmpty, 0, "The value is empty."},
	{CodeTemplate, 0, "A ${} template is invalid."},
	{CodeURL, 0, "Not a URL that can be used here."},
	{CodeDurationLong, 0, "A duration is too long."},
	{CodePhase, 0, "The phase does not exist, or not for this protocol."},
	{CodeDuplicate, 0, "A name is used twice."},
	{CodeMissing, 0, "A required field is missing."},
	{CodeTermination, 0, "The policy may end without an answer, and the endpoint has no upstream."},
	{CodeUnparseable, 0, "The document is neither YAML nor JSON."},
	{CodeDurationShort, 0, "A duration is too short."},
	{CodeDependent, 0, "The field needs another one."},
	{CodeNesting, 0, "A value is nested too deeply."},
	{CodeVars, 0, "The variables of set-vars do not have the shape they must have."},
	{CodeRules, 0, "The policy has too many rules."},
	{CodeActions, 0, "A rule has too many actions."},
	{CodePassword, 0, "A password is too short or too long."},
	{CodeBodyStatus, 0, "A response with this status cannot have a body."},
	{CodeNoIPData, 0, "The policy reads data about addresses, which only proxies with --ip-databases or --ip-categories have."},
	{CodeNotSupported, 0, "Known to the language, but not supported by this version."},
	{CodeTemplateFailed, 500, "A template failed for this request."},
	{CodeMemory, 500, "A body is larger than an action of the policy may hold in memory."},
	{CodeEvaluation, 500, "An expression failed for this request."},
	{CodeTLS, 500, "The policy's certificates cannot be used."},
	{CodeActionFailed, 500, "An action failed for this request."},
	{CodeCircuitOpen, 503, "The upstream fails too often and is left alone for a while."},
	{CodeRestrictedIP, 403, "The client's address is not admitted."},
	{CodeWebhook, 403, "The webhook is not signed by its provider, or was signed too long ago."},
	{CodeRedirects, 502, "A server that the policy asks sent it on more often than the policy allows."},
	{CodeTokenInvalid, 401, "The token's signature, algorithm or time is not valid."},
	{CodeTokenForbidden, 403, "The token is valid, but its issuer or audience is not allowed here."},
	{CodeTokenNotFound, 401, "The request has no token."},
	{CodeTokenHeader, 401, "The request has no header with a token."},
	{CodeTokenJSON, 400, "The body must be a JSON object that holds a token."},
	{CodeTokenForm, 400, "The form that must hold a token cannot be read."},
	{CodeTokenPrefix, 401, "The token does not have the prefix that it must have."},
	{CodeTokenContentType, 400, "The body that must hold a token is neither JSON nor a form."},
	{CodeTokenMethod, 400, "The request's method has no body that could hold a token."},
	{CodeTokenMalformed, 401, "The token is not a signed JSON Web Token in compact form, or is there more than once."},
	{CodeKeySet, 500, "The keys that verify the token could not be fetched."},
	{CodeForwardHops, 508, "Endpoints forward the request to each other in a circle."},
	{CodeCallTooLarge, 502, "A server that the policy asks sent more than 256 KB."},
	{CodeCallTimeout, 504, "A server that the policy asks did not answer in time."},
	{CodeCallLoop, 508, "Requests made by policies lead to each other in a circle."},
	{CodeWAFRequest, 403, "The web application firewall takes the request for an attack."},
	{CodeWAF, 500, "The web application firewall could not look at the message."},
	{CodeWAFResponse, 403, "The web application firewall holds the response back: it gives away too much."},
	{CodeRegexp, 500, "A regular expression made for this request is invalid."},
	{CodeRateLimited, 429, "The client has sent more requests than its rate limit admits."},
	{CodeCounterUnknown, 503, "The rate limit could not be checked, and the policy refuses in that case."},
	{CodeBodyUnreadable, 400, "The request's body could not be read."},
	{CodeUnauthorized, 401, "The request has no valid user name and password."},
	{CodeDenied, 403, "The policy denies the request."},
	{CodeRequestTooLarge, 413, "The request's body is larger than an action of the policy may read."},
	{CodeLoginRequired, 401, "Nobody is logged in."},
	{CodeLoginRefused, 403, "The identity provider did not log the person in, or its answer cannot be relied on."},
	{CodeLoginState, 400, "The answer of the identity provider belongs to no login that this browser began, or came too late; begin again."},
	{CodeLoginProvider, 502, "The identity provider could not be asked."},
	{CodeLoginConfig, 500, "The policy's login is not complete."},
	{CodeCall, 502, "A server that the policy asks could not be reached, or answered with something that is no HTTP."},
	{CodeCallAddress, 500, "The policy asks a server at an address that policies may not call."},
	{CodeBodyRewrite, 500, "The response's body cannot be searched as the policy wants."},
	{CodeConnectionClosed, 0, "The policy closed the connection without an answer."},
}

// Codes lists every code of this package, documents' first.
func Codes() []CodeInfo { return slices.Clone(codes) }

func (c Code) info() CodeInfo {
	i := slices.IndexFunc(codes, func(ci CodeInfo) bool { return ci.Code == c })
	if i < 0 {
		return CodeInfo{Code: c, Status: 500, Meaning: "The policy failed."}
	}
	return codes[i]
}
