#!/usr/bin/env bash
# Compares Sluice with other proxies on this machine, and writes the table of
# docs/performance.md. Arguments go to the harness (see bench/main.go), such as
# --peers nginx,sluice --rounds 3. Installs and builds the peers the first time.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

missing=()
[ -x /usr/sbin/nginx ] || command -v nginx >/dev/null || missing+=(nginx-light)
[ -x /usr/sbin/haproxy ] || command -v haproxy >/dev/null || missing+=(haproxy)
if [ ${#missing[@]} -gt 0 ]; then
  echo "bench: installing ${missing[*]} (Debian packages)"
  sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

build_peer() { # NAME PACKAGE: once per version
  local stamp="$root/build/tools/.bench-$1"
  if ! cmp -s "bench/peers/$1/go.mod" "$stamp" || [ ! -x "build/tools/$1" ]; then
    echo "bench: building $1 (minutes, once)"
    (cd "bench/peers/$1" && GOWORK=off nice go build -o "$root/build/tools/$1" "$2")
    cp "bench/peers/$1/go.mod" "$stamp"
  fi
}

mkdir -p build/tools
build_peer caddy github.com/caddyserver/caddy/v2/cmd/caddy
build_peer traefik github.com/traefik/traefik/v3/cmd/traefik
go build -o build/tools/bench ./bench
PATH="$PATH:/usr/sbin" exec build/tools/bench run --doc docs/performance.md "$@"
