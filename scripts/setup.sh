#!/usr/bin/env bash
# Installs what Sluice needs and the machine lacks. Says what it does; what is
# there already costs nothing.
#   setup.sh run    redis-server, the embedded ClickHouse library
#   setup.sh test   also Chromium and the browser tests' packages
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:?run or test}

need_command() { # COMMAND DEBIAN-PACKAGE
  command -v "$1" >/dev/null 2>&1 || missing+=("$2")
}

need_version() { # COMMAND MINIMUM-MAJOR[.MINOR] ACTUAL
  if [ "$(printf '%s\n%s\n' "$2" "$3" | sort -V | head -n1)" != "$2" ]; then
    echo "setup: $1 $2 or newer is needed; this is $3" >&2
    exit 1
  fi
}

for command in go node npm; do
  command -v "$command" >/dev/null || { echo "setup: $command is needed and not installed" >&2; exit 1; }
done
need_version go 1.26 "$(go env GOVERSION | sed 's/^go//')"
need_version node 20 "$(node --version | sed 's/^v//')"

missing=()
need_command redis-server redis-server
if [ "$what" = test ]; then
  need_command chromium chromium
  need_command gcc gcc # go test -race
fi
if [ ${#missing[@]} -gt 0 ]; then
  echo "setup: installing ${missing[*]} (Debian packages)"
  sudo=
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "setup: install ${missing[*]}, or run as root" >&2; exit 1; }
    sudo=sudo
  fi
  export DEBIAN_FRONTEND=noninteractive
  $sudo apt-get update -qq
  $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

npm_ci() { # FOLDER WHAT: install once per lockfile
  local stamp="$1/node_modules/.installed"
  if ! cmp -s "$1/package-lock.json" "$stamp"; then
    echo "setup: installing $2"
    (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
    cp "$1/package-lock.json" "$stamp"
  fi
}

npm_ci build-deps/chdb "the ClickHouse engine as a library (180 MB, once)"
npm_ci gateway/console "the console's packages"
if [ "$what" = test ]; then
  npm_ci e2e/browser "the browser tests' packages"
fi
