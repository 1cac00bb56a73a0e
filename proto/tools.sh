#!/usr/bin/env bash
# Installs the generators at their pinned versions into build/tools, once.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
export GOBIN="$root/build/tools" GOWORK=off GOFLAGS=
mkdir -p "$GOBIN"
tools=(
  github.com/bufbuild/buf/cmd/buf@v1.75.0
  google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
  google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
  github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-grpc-gateway@v2.33.0
  github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-openapiv3@v2.33.0
  github.com/grpc-ecosystem/grpc-gateway/v2/openapiv3-merge@v2.33.0
)
for tool in "${tools[@]}"; do
  name=$(basename "${tool%@*}")
  stamp="$GOBIN/.$name-${tool##*@}"
  [ -e "$stamp" ] && continue
  echo "installing $name ${tool##*@}"
  (cd "$GOBIN" && go install "$tool")
  touch "$stamp"
done

# The annotations that the protos import come from Go modules: no schema
# registry is needed.
deps="$root/build/proto-deps"
modules=(
  "github.com/grpc-ecosystem/grpc-gateway@v1.16.0 third_party/googleapis/google google"
  "github.com/bufbuild/protovalidate@v1.2.2 proto/protovalidate/buf buf"
)
stamp="$deps/.v1"
if [ ! -e "$stamp" ]; then
  rm -rf "$deps" && mkdir -p "$deps"
  for entry in "${modules[@]}"; do
    read -r module from to <<<"$entry"
    dir=$(cd "$GOBIN" && go mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p')
    cp -r "$dir/$from" "$deps/$to"
  done
  chmod -R u+w "$deps"
  touch "$stamp"
fi
