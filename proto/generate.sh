#!/usr/bin/env bash
# Generates proto/gen from proto/sluice: Go messages, gRPC, the REST gateway and
# one OpenAPI document. Its output is committed.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
"$root/proto/tools.sh"
export PATH="$root/build/tools:$PATH"
cd "$root"
rm -rf proto/gen
buf generate --path proto/sluice
first=proto/gen/openapi/sluice/policy/v1/endpoint.openapi.json
mapfile -t rest < <(find proto/gen/openapi -name '*.openapi.json' ! -path "$first" | sort)
openapiv3-merge "$first" "${rest[@]}" >proto/gen/openapi.json
rm -rf proto/gen/openapi
