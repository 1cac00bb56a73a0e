package peer

import (
	"context"
	"fmt"
	"path/filepath"
)

// reverseProxy is the standard library's.
func reverseProxy(_ context.Context, l *Lab, p *Peer) error {
	p.Address = freePort()
	return l.one(p, l.Self, "reverseproxy", "--listen", p.Address.String(), "--to", l.Upstream.String())
}

const nginxBase = `daemon off;
user root;
worker_processes auto;
pid %[1]s.pid;
error_log stderr warn;
events { worker_connections 8192; }
http {
  %[2]s
  upstream api { server %[3]s; keepalive 512; keepalive_requests 100000000; }
  server {
    listen %[4]s backlog=4096;
    keepalive_requests 100000000;
    keepalive_timeout 300s;
    location / {
      %[5]s
      proxy_pass http://api;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}
`

const nginxLog = `log_format json escape=json '{"time":"$time_iso8601","client":"$remote_addr","method":"$request_method","host":"$host","uri":"$request_uri",'
    '"protocol":"$server_protocol","status":$status,"bytes":$body_bytes_sent,"took":$request_time,"upstream":"$upstream_addr","upstream_took":"$upstream_response_time",'
    '"agent":"$http_user_agent","referer":"$http_referer","type":"$sent_http_content_type"}';
  access_log %s.access.json json buffer=64k flush=1s;
  limit_req_zone $binary_remote_addr zone=clients:10m rate=200000r/s;`

// nginx is Debian's nginx. With extras it logs as JSON, buffered, and limits
// requests by client, which it counts for itself.
func nginx(extras bool) func(context.Context, *Lab, *Peer) error {
	return func(_ context.Context, l *Lab, p *Peer) error {
		path, err := l.command("nginx")
		if err != nil {
			return err
		}
		p.Address = freePort()
		files := filepath.Join(l.Dir, p.Name)
		log, limit := "access_log off;", ""
		if extras {
			log, limit = fmt.Sprintf(nginxLog, files), "limit_req zone=clients burst=100000 nodelay;"
		}
		cfg, err := l.write(p.Name+".conf", fmt.Sprintf(nginxBase, files, log, l.Upstream, p.Address, limit))
		if err != nil {
			return err
		}
		return l.one(p, path, "-c", cfg, "-p", l.Dir)
	}
}

const haproxyConfig = `global
  maxconn 4096
  nbthread 2
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  timeout http-keep-alive 300s
  option http-keep-alive
  option forwardfor
  http-reuse always
  no log
frontend in
  bind %s backlog 4096
  default_backend api
backend api
  server one %s pool-max-conn 512
`

// haproxy is Debian's HAProxy.
func haproxy(_ context.Context, l *Lab, p *Peer) error {
	path, err := l.command("haproxy")
	if err != nil {
		return err
	}
	p.Address = freePort()
	cfg, err := l.write("haproxy.cfg", fmt.Sprintf(haproxyConfig, p.Address, l.Upstream))
	if err != nil {
		return err
	}
	return l.one(p, path, "-f", cfg, "-db")
}

const caddyConfig = `{
	admin off
	auto_https off
	persist_config off
	grace_period 1s
	log {
		level ERROR
	}
}
http://:%d {
	bind 127.0.0.1
	reverse_proxy %s {
		transport http {
			keepalive 300s
			keepalive_idle_conns_per_host 2048
			compression off
		}
	}
}
`

func caddy(_ context.Context, l *Lab, p *Peer) error {
	path, err := l.command("caddy")
	if err != nil {
		return err
	}
	p.Address = freePort()
	cfg, err := l.write("Caddyfile", fmt.Sprintf(caddyConfig, p.Address.Port(), l.Upstream))
	if err != nil {
		return err
	}
	return l.one(p, path, "run", "--config", cfg, "--adapter", "caddyfile")
}

const traefikStatic = `entryPoints:
  web:
    address: "%s"
    transport: {respondingTimeouts: {idleTimeout: 300s}}
serversTransport: {maxIdleConnsPerHost: 2048}
providers: {file: {filename: %q}}
global: {checkNewVersion: false, sendAnonymousUsage: false}
log: {level: ERROR}
`

const traefikDynamic = `http:
  routers:
    api: {rule: "PathPrefix(` + "`/`" + `)", entryPoints: [web], service: api}
  services:
    api: {loadBalancer: {servers: [{url: "http://%s"}]}}
`

func traefik(_ context.Context, l *Lab, p *Peer) error {
	path, err := l.command("traefik")
	if err != nil {
		return err
	}
	p.Address = freePort()
	routes, err := l.write("traefik-routes.yaml", fmt.Sprintf(traefikDynamic, l.Upstream))
	if err != nil {
		return err
	}
	cfg, err := l.write("traefik.yaml", fmt.Sprintf(traefikStatic, p.Address, routes))
	if err != nil {
		return err
	}
	return l.one(p, path, "--configfile="+cfg)
}
