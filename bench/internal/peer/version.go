package peer

import (
	"debug/buildinfo"
	"os/exec"
	"regexp"
)

// modules are what peers written in Go are built from.
var modules = map[string]string{"caddy": "github.com/caddyserver/caddy/v2", "traefik": "github.com/traefik/traefik/v3"}

var versionNumber = regexp.MustCompile(`[0-9]+\.[0-9]+(\.[0-9]+)?`)

// Version names the program of a peer and its version; "" for those that are built
// from this source, or when the program does not tell.
func (l *Lab) Version(name string) string {
	if name != "nginx" && name != "haproxy" && modules[name] == "" {
		return ""
	}
	path, err := l.command(name)
	if err != nil {
		return ""
	}
	if m := modules[name]; m != "" {
		return name + " " + builtFrom(path, m)
	}
	out, err := exec.Command(path, "-v").CombinedOutput() // #nosec G204 -- the commands are this package's
	if err != nil {
		return ""
	}
	return name + " " + versionNumber.FindString(string(out))
}

// builtFrom is the version of a module in a program.
func builtFrom(path, module string) string {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return ""
	}
	if info.Main.Path == module {
		return info.Main.Version
	}
	return ""
}
