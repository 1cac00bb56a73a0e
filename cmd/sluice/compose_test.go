package main

import (
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// The compose file is checked against the services' real configuration: every
// variable that it sets exists, every command parses, every address that a
// service calls is one that another listens on.
func TestCompose(t *testing.T) {
	project := loadCompose(t)
	listens := map[string][]string{} // service -> ports
	for name, s := range project.Services {
		if isOurs(s) {
			listens[name] = checkOurs(t, s)
			continue
		}
		for _, p := range s.Expose {
			listens[name] = append(listens[name], p)
		}
	}
	listens["haproxy"] = []string{"8080", "8443"}
	for name, s := range project.Services {
		for variable, value := range s.Environment {
			checkTarget(t, name, variable, deref(value), listens)
		}
	}
	for _, want := range []string{"haproxy", "proxy", "policy", "capture", "replay", "events", "gateway", "redis", "clickhouse"} {
		if _, ok := project.Services[want]; !ok {
			t.Errorf("no service %s", want)
		}
	}
	for _, name := range []string{"proxy", "policy", "events"} { // who stores secrets, or keeps them on disk
		if project.Services[name].Environment["SLUICE_SECRETS_KEY_FILE"] == nil {
			t.Errorf("%s: no key file for secrets", name)
		}
	}
	if s := project.Services["proxy"]; len(s.Ports) > 0 || s.ContainerName != "" {
		t.Error("the proxy publishes a port or has a fixed name: it cannot be scaled")
	}
}

func loadCompose(t *testing.T) *types.Project {
	t.Helper()
	dir, err := filepath.Abs("../../deploy/compose")
	if err != nil {
		t.Fatal(err)
	}
	opts, err := cli.NewProjectOptions([]string{filepath.Join(dir, "compose.yaml")}, cli.WithProfiles([]string{"demo"}))
	if err != nil {
		t.Fatal(err)
	}
	project, err := opts.LoadProject(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func isOurs(s types.ServiceConfig) bool { return s.Image == "sluice:latest" }

// checkOurs parses the service's command and environment as the container would
// and returns the ports that it then listens on.
func checkOurs(t *testing.T, s types.ServiceConfig) []string {
	t.Helper()
	for variable, value := range s.Environment {
		text := deref(value)
		if strings.HasSuffix(variable, "_FILE") { // Docker mounts them; here they are not
			if !strings.HasPrefix(text, "/run/secrets/") {
				t.Errorf("%s: %s=%s is no secret of the compose file", s.Name, variable, text)
			}
			if !slices.ContainsFunc(s.Secrets, func(c types.ServiceSecretConfig) bool { return "/run/secrets/"+c.Source == text }) {
				t.Errorf("%s: %s=%s is a secret that the service is not given", s.Name, variable, text)
			}
			continue
		}
		t.Setenv(variable, text)
	}
	parser, err := newParser(t.Context(), &commandLine{})
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(s.Command)
	if err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	known := environment(parsed)
	var ports []string
	for variable, value := range s.Environment {
		if !slices.Contains(known, variable) {
			t.Errorf("%s: %s is no variable of `sluice %s`", s.Name, variable, strings.Join(s.Command, " "))
		}
		if strings.HasSuffix(variable, "_LISTEN") {
			ports = append(ports, port(t, deref(value)))
		}
	}
	for _, flag := range parsed.Flags() {
		if flag.Name == "listen" && len(flag.Envs) == 0 {
			ports = append(ports, port(t, flag.Target.String()))
		}
	}
	checkPorts(t, s, ports)
	checkVolumes(t, s)
	for variable := range s.Environment {
		os.Unsetenv(variable) // the next service has its own
	}
	return ports
}

// environment are the variables that the parsed command reads.
func environment(parsed *kong.Context) []string {
	var names []string
	for _, flag := range parsed.Flags() {
		names = append(names, flag.Envs...)
	}
	return names
}

// checkPorts: what is exposed, published or asked for health is listened on.
func checkPorts(t *testing.T, s types.ServiceConfig, ports []string) {
	t.Helper()
	for _, p := range s.Expose {
		if !slices.Contains(ports, p) {
			t.Errorf("%s: exposes %s and listens on %v", s.Name, p, ports)
		}
	}
	for _, p := range s.Ports {
		if target := port(t, ":"+strconv.Itoa(int(p.Target))); !slices.Contains(ports, target) {
			t.Errorf("%s: publishes %s and listens on %v", s.Name, target, ports)
		}
	}
	check := s.HealthCheck
	if check == nil || len(check.Test) != 4 || check.Test[1] != "/sluice" || check.Test[2] != "health" {
		t.Fatalf("%s: health check %v", s.Name, check)
	}
	u, err := url.Parse(check.Test[3])
	if err != nil || !slices.Contains(ports, u.Port()) {
		t.Errorf("%s: the health check asks %s and it listens on %v", s.Name, check.Test[3], ports)
	}
}

// checkVolumes: each directory that the configuration names is a volume.
func checkVolumes(t *testing.T, s types.ServiceConfig) {
	t.Helper()
	for variable, value := range s.Environment {
		dir := deref(value)
		if !strings.HasSuffix(variable, "_DATA") && !strings.HasSuffix(variable, "_DIR") {
			continue
		}
		if !slices.ContainsFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Target == dir }) {
			t.Errorf("%s: %s=%s is on no volume, and the container is read-only", s.Name, variable, dir)
		}
	}
}

// checkTarget: an address that a variable names is one that a service listens on.
func checkTarget(t *testing.T, service, variable, value string, listens map[string][]string) {
	t.Helper()
	address := ""
	switch {
	case strings.HasSuffix(variable, "_TARGET"):
		address = strings.TrimPrefix(value, "dns:///")
	case strings.HasSuffix(variable, "_URL"), strings.HasSuffix(variable, "_DSN"):
		if u, err := url.Parse(value); err == nil {
			address = u.Host
		}
	case strings.Contains(variable, "REPLAY_PROXY_HTTP"):
		address = value
	default:
		return
	}
	host, p, err := net.SplitHostPort(address)
	if err != nil || !slices.Contains(listens[host], p) {
		t.Errorf("%s: %s=%s: %s listens on %v", service, variable, value, host, listens[host])
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func port(t *testing.T, address string) string {
	t.Helper()
	_, p, err := net.SplitHostPort(address)
	if err != nil {
		t.Errorf("%q is no address: %v", address, err)
	}
	return p
}
