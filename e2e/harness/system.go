package harness

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice.dev/platform/sealed"
)

// System is a running Sluice.
type System struct {
	t       testing.TB
	API     API
	GRPC    string // gateway's gRPC address
	Data    string
	Proxies []Proxy
	Admin   map[string]string // process name -> address of /metrics and /readyz
	Procs   map[string]*Process

	ClickHouse string // DSN, when it is a process of its own
}

// Proxy is one replica of the data plane.
type Proxy struct {
	Name, HTTP, HTTPS, CA string
}

// Up starts everything in one process, as `make run` does.
func Up(t testing.TB, extra ...string) *System {
	t.Helper()
	s := &System{t: t, Data: t.TempDir(), Procs: map[string]*Process{}, Admin: map[string]string{}}
	console, grpc, admin := FreePort(t), FreePort(t), FreePort(t)
	proxy := Proxy{Name: "up", HTTP: FreePort(t), HTTPS: FreePort(t), CA: filepath.Join(s.Data, "proxy", "ca.pem")}
	args := append([]string{
		"up", "--data", s.Data, "--http", proxy.HTTP, "--https", proxy.HTTPS,
		"--console", console, "--grpc", grpc, "--admin", admin,
	}, extra...)
	s.API, s.GRPC, s.Proxies = API{Base: "http://" + console}, grpc, []Proxy{proxy}
	s.Admin["up"] = admin
	s.Procs["up"] = Start(t, "up", Binary(t), nil, args...)
	s.WaitReady()
	t.Cleanup(s.balanceAtEnd)
	return s
}

// Split starts every service as its own process, with that many proxies.
func Split(t testing.TB, proxies int) *System {
	t.Helper()
	s := &System{t: t, Data: t.TempDir(), Procs: map[string]*Process{}, Admin: map[string]string{}}
	redis, clickhouse := s.redis(), s.clickhouse()
	s.ClickHouse = "clickhouse://" + clickhouse + "/sluice"
	policy, capture, replay, events := FreePort(t), FreePort(t), FreePort(t), FreePort(t)
	env := []string{
		"SLUICE_REDIS_URL=redis://" + redis, "SLUICE_CLICKHOUSE_DSN=" + s.ClickHouse,
		"SLUICE_POLICY_TARGET=" + policy, "SLUICE_CAPTURE_TARGET=" + capture,
		"SLUICE_REPLAY_TARGET=" + replay, "SLUICE_EVENTS_TARGET=" + events,
		"SLUICE_CAPTURE_WRITER=capture-1", "SLUICE_SECRETS_KEY_FILE=" + s.secretKeys(),
	}
	s.service("policy", env, "--grpc-listen", policy)
	s.service("capture", env, "--grpc-listen", capture)
	for i := range proxies {
		s.proxy(i, env)
	}
	s.service("replay", append(env, "SLUICE_REPLAY_PROXY_HTTP="+s.Proxies[0].HTTP, "SLUICE_REPLAY_PROXY_HTTPS="+s.Proxies[0].HTTPS, "SLUICE_REPLAY_PROXY_CA="+s.Proxies[0].CA), "--grpc-listen", replay)
	s.service("events", env, "--grpc-listen", events)
	console := FreePort(t)
	s.GRPC = FreePort(t)
	s.service("gateway", env, "--listen", console, "--grpc-listen", s.GRPC)
	s.API = API{Base: "http://" + console}
	s.WaitReady()
	t.Cleanup(s.balanceAtEnd)
	return s
}

func (s *System) secretKeys() string {
	path := filepath.Join(s.Data, "secrets.key")
	if err := sealed.Create(path); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *System) redis() string {
	address := FreePort(s.t)
	_, port, _ := strings.Cut(address, ":")
	s.Procs["redis"] = Start(s.t, "redis", "redis-server", nil, "--port", port, "--bind", "127.0.0.1",
		"--dir", s.subdir("redis"), "--appendonly", "yes", "--save", "")
	return address
}

func (s *System) clickhouse() string {
	address := FreePort(s.t)
	s.Procs["clickhouse"] = Start(s.t, "clickhouse", Binary(s.t), nil, "serve", "clickhouse", "--listen", address, "--data", s.subdir("clickhouse"))
	return address
}

func (s *System) proxy(i int, env []string) {
	p := Proxy{Name: fmt.Sprintf("proxy-%d", i), HTTP: FreePort(s.t), HTTPS: FreePort(s.t)}
	data := s.subdir(p.Name)
	p.CA = filepath.Join(data, "ca.pem")
	s.Proxies = append(s.Proxies, p)
	s.start(p.Name, "proxy", env, "--http-listen", p.HTTP, "--https-listen", p.HTTPS, "--data-dir", data, "--grpc-listen", FreePort(s.t))
}

func (s *System) service(name string, env []string, args ...string) {
	s.start(name, name, env, args...)
}

func (s *System) start(name, command string, env []string, args ...string) {
	admin := FreePort(s.t)
	s.Admin[name] = admin
	s.Procs[name] = Start(s.t, name, Binary(s.t), env, append([]string{"serve", command, "--admin-listen", admin}, args...)...)
}

func (s *System) subdir(name string) string {
	dir := filepath.Join(s.Data, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	return dir
}

// WaitReady waits until every process says that it can serve.
func (s *System) WaitReady() {
	s.t.Helper()
	for name, address := range s.Admin {
		Eventually(s.t, time.Minute, name+" is ready", func() error {
			select {
			case <-s.Procs[name].Done():
				s.t.Fatalf("%s ended: %s", name, tail(s.Procs[name].Output(), 4000))
			default:
			}
			res, err := client.Get("http://" + address + "/readyz")
			if err != nil {
				return err
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK {
				reason, _ := io.ReadAll(res.Body)
				return fmt.Errorf("status %d: %s", res.StatusCode, reason)
			}
			return nil
		})
	}
}

// DemoAPI is the sample API, as its own process.
func DemoAPI(t testing.TB) (*Process, string) {
	t.Helper()
	address := FreePort(t)
	p := Start(t, "demo-api", Binary(t), nil, "demo-api", "--listen", address)
	WaitHTTP(t, "http://"+address+"/api/products")
	return p, address
}

// WaitHTTP waits until url answers at all.
func WaitHTTP(t testing.TB, url string) {
	t.Helper()
	Eventually(t, 20*time.Second, url+" answers", func() error {
		res, err := client.Get(url)
		if err != nil {
			return err
		}
		return res.Body.Close()
	})
}
