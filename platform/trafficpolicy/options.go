package trafficpolicy

// Option changes how a document is checked.
type Option func(*options)

type options struct {
	protocol    Protocol
	terminating bool
	maxRules    int
	maxActions  int
	ipPolicies  func(id string) ([]string, []string, bool)
	authorities func(id string) (string, bool)
	ipData      bool
}

// Bounds of a document, unless an option changes them.
const (
	DefaultMaxRules   = 500       // of a policy, all phases together
	DefaultMaxActions = 50        // of a rule
	MaxSource         = 512 << 10 // bytes of a document
	maxNesting        = 32        // of lists and mappings
	maxNodes          = 50_000    // of a document, aliases expanded
)

func newOptions(opts []Option) options {
	o := options{protocol: HTTPS, maxRules: DefaultMaxRules, maxActions: DefaultMaxActions}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// ForProtocol refuses phases and actions that endpoints of this protocol do not
// have. The default is HTTPS.
func ForProtocol(p Protocol) Option { return func(o *options) { o.protocol = p } }

// RequireTerminating refuses a policy that can end without an answer, for
// endpoints that have no upstream.
func RequireTerminating() Option { return func(o *options) { o.terminating = true } }

// Limits bounds the number of rules of a policy and of actions of a rule.
func Limits(rules, actions int) Option {
	return func(o *options) { o.maxRules, o.maxActions = rules, actions }
}

// WithIPPolicies lets restrict-ips refer to named lists: lookup returns the
// allowed and denied CIDRs of an id, or false when there is no such list.
func WithIPPolicies(lookup func(id string) (allow, deny []string, ok bool)) Option {
	return func(o *options) { o.ipPolicies = lookup }
}

// WithCertificateAuthorities lets terminate-tls refer to named authorities:
// lookup returns the certificates of an id in PEM, or false when there is none.
func WithCertificateAuthorities(lookup func(id string) (pem string, ok bool)) Option {
	return func(o *options) { o.authorities = lookup }
}

// WithIPData says that runs will have [Services].IPData. Without it every use of
// conn.geo, conn.client_ip.categories and the like gets a warning.
func WithIPData() Option { return func(o *options) { o.ipData = true } }
