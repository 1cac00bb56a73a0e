package event

import (
	"encoding/json"
	"slices"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// gatewayFields are what the gateway did: policy, upstream, recording.
var gatewayFields = []Field{
	recorded("backend.address", "Host and port of the upstream that was called last.", func(x *capturev1.Exchange) any { return text(x.GetUpstream().GetAddress()) }),
	recorded("backend.connection_reused", "Whether the connection to the upstream was reused.", func(x *capturev1.Exchange) any {
		if x.GetUpstream() == nil {
			return nil
		}
		return x.GetUpstream().GetConnectionReused()
	}),
	recorded("backend.failed_attempts", "How many calls of upstreams failed before that.", func(x *capturev1.Exchange) any { return number(uint64(len(x.GetUpstream().GetFailedAttempts()))) }),
	recorded("backend.http_version", "Protocol spoken with the upstream.", func(x *capturev1.Exchange) any { return text(x.GetUpstream().GetHttpVersion()) }),
	recorded("basic_auth.decision", "allow or block.", func(x *capturev1.Exchange) any { return text(x.GetPolicy().GetBasicAuthDecision()) }),
	recorded("basic_auth.username", "User name of basic authentication.", func(x *capturev1.Exchange) any {
		if x.GetPolicy().GetBasicAuthDecision() == "" || loggedIn(x) {
			return nil
		}
		return text(x.GetPolicy().GetUserName())
	}),
	recorded("capture.kept_by", "Why it was recorded although the sample left it out.", func(x *capturev1.Exchange) any { return text(x.GetKeptBy()) }),
	recorded("capture.redacted_by", "Names of the redaction rules that found something.", redactedBy),
	decision("circuit_breaker.decision", "circuit_breaker", "allow, block or allow_while_open."),
	decision("compression.algorithm", "compression", "gzip, deflate and the like, or none."),
	known("compression.bytes_saved", "Bytes that compression saved."),
	recorded("endpoint.id", "Id of the endpoint.", func(x *capturev1.Exchange) any { return text(x.GetEndpointId()) }),
	recorded("endpoint.name", "Name of the endpoint.", func(x *capturev1.Exchange) any { return text(x.GetEndpointName()) }),
	recorded("endpoint.url", "Public URL of the endpoint.", func(x *capturev1.Exchange) any { return text(x.GetEndpointUrl()) }),
	decision("ip_policy.decision", "ip_restriction", "What restrict-ips decided: allow or deny."),
	decision("jwt.decision", "jwt", "What jwt-validation decided: allow or block."),
	known("oauth.app_client_id", "OAuth application."),
	decision("oauth.decision", "oauth", "What oauth or openid-connect decided: allow, login when the person was sent to log in, or block."),
	known("oauth.user.id", "Id of the user at the identity provider."),
	recorded("oauth.user.name", "Who is logged in by oauth or openid-connect: their e-mail address, else their id.", func(x *capturev1.Exchange) any {
		if !loggedIn(x) {
			return nil
		}
		return text(x.GetPolicy().GetUserName())
	}),
	decision("owasp.decision", "owasp", "What the OWASP core rule set decided: allow, deny or error."),
	recorded("proxy.id", "Name of the proxy that served it.", func(x *capturev1.Exchange) any { return text(x.GetProxyId()) }),
	recorded("rate_limit.bucket_key", "Bucket that the rate limit counted in.", func(x *capturev1.Exchange) any { return text(x.GetPolicy().GetRateLimitBucket()) }),
	recorded("rate_limit.decision", "What the rate limit decided.", func(x *capturev1.Exchange) any { return text(x.GetPolicy().GetRateLimitDecision()) }),
	recorded("replay.original_request_id", "Id of the exchange that this one replays.", func(x *capturev1.Exchange) any { return text(x.GetReplayOf()) }),
	recorded("trace_id", "W3C trace id of the request.", func(x *capturev1.Exchange) any { return text(x.GetTraceId()) }),
	recorded("traffic_policy.action", "Policy action that answered.", func(x *capturev1.Exchange) any { return text(x.GetPolicy().GetAction()) }),
	recorded("traffic_policy.decisions", "What actions decided, by name.", func(x *capturev1.Exchange) any {
		if len(x.GetPolicy().GetDecisions()) == 0 {
			return nil
		}
		return x.GetPolicy().GetDecisions()
	}),
	recorded("traffic_policy.logs", "Entries of the log action.", policyLogs),
	recorded("traffic_policy.revision", "Revision of the endpoint whose policy ran.", func(x *capturev1.Exchange) any { return number(x.GetPolicy().GetRevision()) }),
	recorded("traffic_policy.rule", "Policy rule that answered.", func(x *capturev1.Exchange) any { return text(x.GetPolicy().GetRule()) }),
	recorded("usr.name", "Who it was, however they proved it: a name of basic authentication, or who is logged in.", func(x *capturev1.Exchange) any { return text(x.GetPolicy().GetUserName()) }),
	decision("webhook_verification.decision", "webhook", "allow or block."),
}

func decision(path, name, doc string) Field {
	return recorded(path, doc, func(x *capturev1.Exchange) any { return text(x.GetPolicy().GetDecisions()[name]) })
}

// loggedIn reports whether the user's name is that of a login.
func loggedIn(x *capturev1.Exchange) bool { return x.GetPolicy().GetDecisions()["oauth"] == "allow" }

func redactedBy(x *capturev1.Exchange) any {
	var rules []string
	for _, one := range x.GetRedactions() {
		if !slices.Contains(rules, one.GetRule()) {
			rules = append(rules, one.GetRule())
		}
	}
	if rules == nil {
		return nil
	}
	return rules
}

func policyLogs(x *capturev1.Exchange) any {
	entries := x.GetPolicy().GetLogs()
	if len(entries) == 0 {
		return nil
	}
	out := make([]any, len(entries))
	for i, raw := range entries {
		if json.Valid([]byte(raw)) {
			out[i] = json.RawMessage(raw)
		} else {
			out[i] = map[string]any{"metadata": map[string]any{"message": raw}}
		}
	}
	return out
}
