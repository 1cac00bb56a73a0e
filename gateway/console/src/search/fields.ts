// The fields of the search syntax that captures have, for completion. The server
// knows the syntax; what is missing here can still be searched.
export interface Field {
  name: string;
  short?: string;
  type: string;
  doc: string;
  values?: string[];
}

export const fields: Field[] = [
  { name: "@http.request_id", short: "id", type: "text", doc: "The id of the captured request." },
  { name: "@http.method", short: "method", type: "text", doc: "The request method.", values: ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] },
  { name: "@http.url", short: "url", type: "text", doc: "The URL as the client wrote it." },
  { name: "@http.url_details.scheme", short: "scheme", type: "text", doc: "http or https.", values: ["http", "https"] },
  { name: "@http.url_details.host", short: "host", type: "text", doc: "The host of the URL." },
  { name: "@http.url_details.port", type: "integer", doc: "The port the request was sent to." },
  { name: "@http.url_details.path", short: "path", type: "text", doc: "The path, decoded once; @http.url has it raw." },
  { name: "@http.url_details.query", type: "text", doc: "The query string, raw and without the question mark." },
  { name: "@http.url_details.queryString.", short: "query.", type: "text", doc: "A parameter of the query string, decoded." },
  { name: "@http.route", short: "route", type: "text", doc: "The template of the path, such as /users/{id}." },
  { name: "@http.version", type: "text", doc: "The protocol, such as HTTP/1.1; 2 stands for HTTP/2.0." },
  { name: "@http.useragent", short: "ua", type: "text", doc: "The User-Agent header." },
  { name: "@http.referer", type: "text", doc: "The Referer header." },
  { name: "@http.request.headers.", short: "header.", type: "text", doc: "A request header; any of its values." },
  { name: "@http.request.body", short: "body", type: "text", doc: "The captured part of the request body; redacted parts never match." },
  { name: "@http.request.body_length", type: "bytes", doc: "The true size of the request body." },
  { name: "@http.request.body_truncated", type: "boolean", doc: "Whether the request body was captured only in part.", values: ["true", "false"] },
  { name: "@http.status_code", type: "integer", doc: "The status the client got; missing if it got no answer.", values: ["2xx", "3xx", "4xx", "5xx"] },
  { name: "status", type: "text", doc: "The severity: error for 5xx and for no answer, warn for 4xx, else info. With a number, a class, a range or * it is @http.status_code.", values: ["info", "warn", "error", "2xx", "3xx", "4xx", "5xx"] },
  { name: "@http.response.headers.", short: "resheader.", type: "text", doc: "A response header; any of its values." },
  { name: "@http.response.body", short: "resbody", type: "text", doc: "The captured part of the response body; redacted parts never match." },
  { name: "@http.response.body_length", type: "bytes", doc: "The true size of the response body." },
  { name: "@http.response.body_truncated", type: "boolean", doc: "Whether the response body was captured only in part.", values: ["true", "false"] },
  { name: "@evt.outcome", type: "text", doc: "failure for 5xx, for no answer and for a failed login, else success.", values: ["success", "failure"] },
  { name: "@error.kind", short: "error", type: "text", doc: "The code of the gateway's error." },
  { name: "@error.message", type: "text", doc: "The text of the gateway's error." },
  { name: "@timestamp", short: "date", type: "time", doc: "When the request was received. The time range of a search is usually given beside the query." },
  { name: "@duration", short: "duration", type: "duration", doc: "From the first byte of the request to the last of the response. A bare number is nanoseconds; duration: demands a unit." },
  { name: "@http.upstream_duration", short: "upstream", type: "duration", doc: "The time spent in the upstream; missing if it was not asked. upstream: demands a unit." },
  { name: "@network.client.ip", short: "ip", type: "address", doc: "The client's address after trusted proxies; a block such as 10.0.0.0/8 matches what is in it." },
  { name: "@network.client.geoip.country.iso_code", short: "country", type: "text", doc: "The country of the client's address, when a database of places is installed." },
  { name: "@network.client.port", type: "integer", doc: "The client's port." },
  { name: "@network.destination.ip", type: "address", doc: "The address the client connected to." },
  { name: "@network.destination.port", type: "integer", doc: "The port the client connected to." },
  { name: "@network.bytes_read", type: "bytes", doc: "Bytes from the client." },
  { name: "@network.bytes_written", type: "bytes", doc: "Bytes to the client." },
  { name: "@conn.server_name", type: "text", doc: "The name in the TLS handshake, else the host of the URL." },
  { name: "@tls.version", type: "text", doc: "The TLS version; missing on a plain connection." },
  { name: "@tls.cipher_suite", type: "text", doc: "The TLS cipher suite." },
  { name: "trace_id", type: "text", doc: "The trace id of the traceparent header." },
  { name: "service", short: "endpoint", type: "text", doc: "The name of the endpoint." },
  { name: "@endpoint.id", type: "text", doc: "The id of the endpoint." },
  { name: "@endpoint.url", type: "text", doc: "The URL of the endpoint." },
  { name: "source", type: "text", doc: "Always sluice; ngrok matches too, so that pasted queries work." },
  { name: "@evt.name", short: "type", type: "text", doc: "The type of the event; without its version it matches any version." },
  { name: "@traffic_policy.action", short: "action", type: "text", doc: "The policy action that answered." },
  { name: "@traffic_policy.rule", type: "text", doc: "The policy rule that answered." },
  { name: "@traffic_policy.revision", type: "integer", doc: "The revision of the endpoint's policy." },
  { name: "@rate_limit.decision", type: "text", doc: "What the rate limit decided." },
  { name: "@rate_limit.bucket_key", type: "text", doc: "The rate limit's bucket." },
  { name: "@basic_auth.decision", type: "text", doc: "What basic authentication decided." },
  { name: "@usr.name", short: "user", type: "text", doc: "The user name of basic authentication." },
  { name: "@replay.original_request_id", short: "replay", type: "text", doc: "The id of the request that this one replays." },
];

export function fieldNamed(name: string): Field | undefined {
  return fields.find((f) => f.name === name || f.short === name);
}
