#!/usr/bin/env bash
# golangci-lint over every module, and buf lint.
set -euo pipefail
cd "$(dirname "$0")/.."
version=v2.15.0
export GOBIN="$PWD/build/tools"
mkdir -p "$GOBIN"
if [ ! -e "$GOBIN/.golangci-lint-$version" ]; then
  echo "lint: installing golangci-lint $version"
  (cd "$GOBIN" && GOWORK=off go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$version")
  touch "$GOBIN/.golangci-lint-$version"
fi
mapfile -t modules < <(sed -n 's/^[[:space:]]*\.\/\(.*\)$/\1/p' go.work)
echo "lint: Go"
"$GOBIN/golangci-lint" run "${modules[@]/%//...}"
echo "lint: console"
npm --prefix gateway/console run --silent check
proto/tools.sh
echo "lint: protos"
PATH="$GOBIN:$PATH" buf lint --path proto/sluice
unformatted=$(PATH="$GOBIN:$PATH" buf format -d --path proto/sluice)
[ -z "$unformatted" ] || { echo "$unformatted"; echo "lint: run 'make fmt'"; exit 1; }
