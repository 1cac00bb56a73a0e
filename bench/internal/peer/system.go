package peer

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/child"
	"sluice.dev/platform/sealed"
)

// system is one whole data path of Sluice, each service a process of its own.
type system struct {
	lab       *Lab
	env       []string
	address   netip.AddrPort // of the proxy
	admin     string         // host:port of the proxy's metrics
	processes map[Group][]*child.Process
	engine    *child.Process // ClickHouse, which works by itself
	endpoints policyv1.EndpointServiceClient
	settings  policyv1.SettingsServiceClient
}

func (l *Lab) startSystem(ctx context.Context) (*system, error) {
	s := &system{lab: l, processes: map[Group][]*child.Process{}}
	redis, err := s.redis()
	if err != nil {
		return nil, err
	}
	clickhouse, err := s.clickhouse()
	if err != nil {
		return nil, err
	}
	keys := l.Dir + "/secrets.key"
	if err := sealed.Create(keys); err != nil {
		return nil, err
	}
	policy, capture := freePort(), freePort()
	s.env = []string{
		"SLUICE_REDIS_URL=redis://" + redis.String(), "SLUICE_CLICKHOUSE_DSN=clickhouse://" + clickhouse.String() + "/sluice",
		"SLUICE_POLICY_TARGET=" + policy.String(), "SLUICE_CAPTURE_TARGET=" + capture.String(), "SLUICE_SECRETS_KEY_FILE=" + keys, "SLUICE_LOG_LEVEL=warn",
	}
	if _, err := s.serve(ctx, "policy", Shared, "--grpc-listen", policy.String()); err != nil {
		return nil, err
	}
	if _, err := s.serve(ctx, "capture", Capture, "--grpc-listen", capture.String()); err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(policy.String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("policy service: %w", err)
	}
	s.endpoints, s.settings = policyv1.NewEndpointServiceClient(conn), policyv1.NewSettingsServiceClient(conn)
	s.address = freePort()
	s.admin, err = s.serve(ctx, "proxy", Proxy, "--http-listen", s.address.String(), "--https-listen=-", "--grpc-listen", freePort().String(), "--data-dir", l.Dir+"/proxy")
	return s, err
}

func (s *system) redis() (netip.AddrPort, error) {
	path, err := s.lab.command("redis-server")
	if err != nil {
		return netip.AddrPort{}, err
	}
	dir, err := s.lab.subdir("redis")
	if err != nil {
		return netip.AddrPort{}, err
	}
	at := freePort()
	p, err := s.lab.start("redis", path, nil, "--port", strconv.Itoa(int(at.Port())), "--bind", "127.0.0.1", "--dir", dir, "--appendonly", "yes", "--save", "")
	if err != nil {
		return netip.AddrPort{}, err
	}
	s.processes[Shared] = append(s.processes[Shared], p)
	return at, s.lab.answers(p, at)
}

func (s *system) clickhouse() (netip.AddrPort, error) {
	at := freePort()
	p, err := s.lab.start("clickhouse", s.lab.Sluice, nil, "serve", "clickhouse", "--listen", at.String(), "--data", s.lab.Dir+"/clickhouse")
	if err != nil {
		return netip.AddrPort{}, err
	}
	s.engine = p
	s.processes[Capture] = append(s.processes[Capture], p)
	if err := yield(p); err != nil {
		return netip.AddrPort{}, err
	}
	return at, s.lab.answers(p, at)
}

// serve starts a service and waits until it is ready. It returns the address of
// its metrics.
func (s *system) serve(ctx context.Context, name string, g Group, args ...string) (admin string, err error) {
	admin = freePort().String()
	p, err := s.lab.start(name, s.lab.Sluice, s.env, append([]string{"serve", name, "--admin-listen", admin}, args...)...)
	if err != nil {
		return "", err
	}
	s.processes[g] = append(s.processes[g], p)
	if g == Capture {
		if err := yield(p); err != nil {
			return "", err
		}
	}
	return admin, until(p, name+" is ready", func() error {
		return get(ctx, "http://"+admin+"/readyz", nil)
	})
}

// yield lets others go first on this machine: what stores the records is measured
// by what it uses, and stands on a machine of its own where it matters.
func yield(p *child.Process) error {
	if err := syscall.Setpriority(syscall.PRIO_PGRP, p.PID(), 19); err != nil {
		return fmt.Errorf("lower the priority of capture: %w", err)
	}
	return nil
}

// exchanges are the proxy's counts of exchanges, by what became of them.
func (s *system) exchanges(ctx context.Context) (map[string]float64, error) {
	out := map[string]float64{}
	err := get(ctx, "http://"+s.admin+"/metrics", func(line string) {
		name, value, _ := strings.Cut(line, " ")
		name, ok := strings.CutPrefix(name, "sluice_proxy_exchanges_")
		if n, err := strconv.ParseFloat(value, 64); ok && err == nil {
			name, _, _ = strings.Cut(name, "{")
			out[strings.TrimSuffix(name, "_total")] += n
		}
	})
	return out, err
}

// get reads the lines of an answer, which has to be 200.
func get(ctx context.Context, url string, each func(line string)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // was read
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, res.Status)
	}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if each != nil {
			each(lines.Text())
		}
	}
	return lines.Err()
}
