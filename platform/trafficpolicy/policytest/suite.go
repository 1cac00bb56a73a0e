// Package policytest runs a traffic policy against written requests and compares
// what happens with what a file expects. Nothing leaves the process: the
// upstream's answers, secrets and the clock are part of the file.
//
// A file holds one policy and a list of steps that share rate-limit counters and
// the clock; see testdata/policies of package trafficpolicy for examples.
package policytest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gopkg.in/yaml.v3"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
)

// Suite is a policy with its steps.
type Suite struct {
	About      string                 `yaml:"about"`    // what the file shows
	Protocol   trafficpolicy.Protocol `yaml:"protocol"` // of the endpoint; default https
	Endpoint   string                 `yaml:"endpoint"` // its URL; default https://api.example.com
	Policy     string                 `yaml:"policy"`
	PolicyFile string                 `yaml:"policy_file"` // instead of policy, see LoadFile
	Secrets    map[string]string      `yaml:"secrets"`     // "vault/name": value
	Start      time.Time              `yaml:"start"`       // what the clock shows at first; default 2026-01-01
	Remote     map[string]Upstream    `yaml:"remote"`      // what other servers answer, by URL
	Internal   map[string]Upstream    `yaml:"internal"`    // how internal endpoints answer, by scheme://host:port; without any, each as the step's upstream
	Steps      []Step                 `yaml:"steps"`
}

// Step is an exchange, or several equal ones, and what is expected of each.
type Step struct {
	Name     string        `yaml:"name"`
	At       time.Duration `yaml:"at"`     // since the first step; 0: when the step before was
	Repeat   int           `yaml:"repeat"` // default 1
	Request  Request       `yaml:"request"`
	Upstream Upstream      `yaml:"upstream"`
	Counter  string        `yaml:"counter"` // "down": the rate limiter does not answer
	Connect  bool          `yaml:"connect"` // only on_tcp_connect, no request
	Expect   Expect        `yaml:"expect"`
}

// Request is what the client sends. Defaults: GET / of the endpoint from
// 203.0.113.7.
type Request struct {
	Method   string            `yaml:"method"`
	URL      string            `yaml:"url"` // relative to the endpoint's
	Headers  map[string]string `yaml:"headers"`
	Body     string            `yaml:"body"`
	ClientIP string            `yaml:"client_ip"`
	User     string            `yaml:"user"` // "user:password" for basic authentication
	Lines    message.Header    `yaml:"-"`    // further header fields, for callers without a file
}

// Upstream is how the upstream answers, if it is asked. Default: 200 without
// body.
type Upstream struct {
	Status  int               `yaml:"status"`
	Headers map[string]string `yaml:"headers"`
	Body    string            `yaml:"body"`
	Down    bool              `yaml:"down"` // it does not answer at all
	Lines   message.Header    `yaml:"-"`    // further header fields, for callers without a file
}

// Expect is compared member by member; members that are not given are not
// looked at. A header value "-" means that the header must be absent.
type Expect struct {
	Status    int               `yaml:"status"`
	Headers   map[string]string `yaml:"headers"`
	Body      *string           `yaml:"body"` // its content codings undone
	ErrorCode string            `yaml:"error_code"`
	Closed    bool              `yaml:"closed"`
	Rule      string            `yaml:"rule"`   // that ended the request phase
	Action    string            `yaml:"action"` // likewise
	Forwarded *Forwarded        `yaml:"forwarded"`
	Refused   bool              `yaml:"refused"` // the upstream must not be asked
	Results   map[string]any    `yaml:"results"` // result variables, such as rate_limit.limited
	Logs      []map[string]any  `yaml:"logs"`
}

// Forwarded is the request as the upstream sees it.
type Forwarded struct {
	To      string            `yaml:"to"` // the internal endpoint that is asked, as scheme://host:port
	Target  string            `yaml:"target"`
	Host    string            `yaml:"host"`
	Headers map[string]string `yaml:"headers"`
	Body    *string           `yaml:"body"`
}

// LoadFile reads a suite from a file. Its policy_file is relative to the folder of
// the suite.
func LoadFile(path string) (*Suite, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("policy test: %w", err)
	}
	s, err := Load(text)
	if err != nil || s.PolicyFile == "" {
		return s, err
	}
	if !filepath.IsAbs(s.PolicyFile) {
		s.PolicyFile = filepath.Join(filepath.Dir(path), s.PolicyFile)
	}
	policy, err := os.ReadFile(s.PolicyFile)
	if err != nil {
		return nil, fmt.Errorf("policy test: policy_file: %w", err)
	}
	s.Policy = string(policy)
	return s, nil
}

// Load reads a suite; unknown fields are refused.
func Load(text []byte) (*Suite, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	s := &Suite{Protocol: trafficpolicy.HTTPS}
	if err := decoder.Decode(s); err != nil {
		return nil, fmt.Errorf("policy test: %w", err)
	}
	if (s.Policy == "") == (s.PolicyFile == "") || len(s.Steps) == 0 {
		return nil, fmt.Errorf("policy test: needs either policy or policy_file, and at least one step")
	}
	for i := range s.Steps {
		if s.Steps[i].Name == "" {
			s.Steps[i].Name = fmt.Sprintf("step %d", i+1)
		}
		s.Steps[i].Repeat = max(1, s.Steps[i].Repeat)
	}
	return s, nil
}
