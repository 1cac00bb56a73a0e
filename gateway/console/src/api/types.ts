import type { components } from "./schema";

type Schemas = components["schemas"];

// The gateway writes every field into its answers, also empty ones; the schema,
// which describes requests, too, has them optional.
export type Answer<T> = T extends (infer U)[]
  ? Answer<U>[]
  : T extends object
    ? { [K in keyof T]-?: Answer<T[K]> }
    : T;

export type Exchange = Answer<Schemas["sluice.capture.v1.Exchange"]>;
export type Header = Answer<Schemas["sluice.capture.v1.Header"]>;
export type Body = Answer<Schemas["sluice.capture.v1.Body"]>;
export type Accounting = Answer<Schemas["sluice.capture.v1.ProxyAccounting"]>;
export type Series = Answer<Schemas["sluice.capture.v1.AggregateExchangesResponse.Series"]>;
export type PolicyTrace = Answer<Schemas["sluice.capture.v1.PolicyTrace"]>;
export type Redaction = Answer<Schemas["sluice.capture.v1.Redaction"]>;
export type Message = Answer<Schemas["sluice.capture.v1.Message"]>;
export type Facet = Answer<Schemas["sluice.capture.v1.ListFacetsResponse.Facet"]>;
export type Histogram = Answer<Schemas["sluice.capture.v1.GetHistogramResponse"]>;
export type View = Answer<Schemas["sluice.capture.v1.View"]>;
export type Route = Answer<Schemas["sluice.capture.v1.ListRoutesResponse.Route"]>;
export type RouteRule = Answer<Schemas["sluice.capture.v1.RouteRule"]>;
export type Drift = Answer<Schemas["sluice.capture.v1.ValidateOpenApiResponse.Drift"]>;
export type StorageTable = Answer<Schemas["sluice.capture.v1.GetStorageResponse.Table"]>;
export type Bucket = Answer<Schemas["sluice.policy.v1.RateLimitBucket"]>;
export type Vault = Answer<Schemas["sluice.policy.v1.Vault"]>;
export type Secret = Answer<Schemas["sluice.policy.v1.Secret"]>;
export type RedactionRule = Answer<Schemas["sluice.policy.v1.RedactionRule"]>;
export type Endpoint = Answer<Schemas["sluice.policy.v1.Endpoint"]>;
export type PolicyProblem = Answer<Schemas["sluice.policy.v1.PolicyProblem"]>;
export type CaptureSettings = Answer<Schemas["sluice.policy.v1.CaptureSettings"]>;
export type ApiKey = Answer<Schemas["sluice.policy.v1.ApiKey"]>;
export type Scope = Schemas["sluice.policy.v1.Scope"];
export type ReplayResult = Answer<Schemas["sluice.replay.v1.ReplayExchangeResponse"]>;
export type Dashboard = Answer<Schemas["sluice.events.v1.Dashboard"]>;
export type Widget = Answer<Schemas["sluice.events.v1.Widget"]>;
export type Monitor = Answer<Schemas["sluice.events.v1.Monitor"]>;
export type MonitorState = Schemas["sluice.events.v1.MonitorState"];
export type Transition = Answer<Schemas["sluice.events.v1.MonitorTransition"]>;
export type NotificationResult = Answer<Schemas["sluice.events.v1.NotificationResult"]>;
export type Channel = Answer<Schemas["sluice.events.v1.NotificationChannel"]>;
export type Destination = Answer<Schemas["sluice.events.v1.EventDestination"]>;
export type Subscription = Answer<Schemas["sluice.events.v1.EventSubscription"]>;
export type DeliveryStatus = Answer<Schemas["sluice.events.v1.DeliveryStatus"]>;
export type AuditEvent = Answer<Schemas["sluice.events.v1.AuditEvent"]>;

// What requests send: everything optional.
export type EndpointInput = Schemas["sluice.policy.v1.Endpoint"];
export type CaptureSettingsInput = Schemas["sluice.policy.v1.CaptureSettings"];
export type UpstreamInput = Schemas["sluice.policy.v1.Upstream"];
export type EndpointCaptureInput = Schemas["sluice.policy.v1.EndpointCapture"];
export type RedactionRuleInput = Schemas["sluice.policy.v1.RedactionRule"];
export type CaptureKeepInput = Schemas["sluice.policy.v1.CaptureKeep"];
export type DashboardInput = Schemas["sluice.events.v1.Dashboard"];
export type WidgetInput = Schemas["sluice.events.v1.Widget"];
export type ViewInput = Schemas["sluice.capture.v1.View"];
export type MonitorInput = Schemas["sluice.events.v1.Monitor"];
export type ChannelInput = Schemas["sluice.events.v1.NotificationChannel"];
export type DestinationInput = Schemas["sluice.events.v1.EventDestination"];
export type SubscriptionInput = Schemas["sluice.events.v1.EventSubscription"];
export type ErrorDetail = Schemas["sluice.Error"]["error"];
