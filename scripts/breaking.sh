#!/usr/bin/env bash
# Compares the protos with those of the commit before (or of $1) and fails on a
# change that breaks clients, over gRPC or REST (buf category WIRE_JSON).
set -euo pipefail
cd "$(dirname "$0")/.."
proto/tools.sh
base=${1:-HEAD~1}
if ! git rev-parse -q --verify "$base^{commit}" >/dev/null || ! git cat-file -e "$base:proto/sluice" 2>/dev/null; then
  echo "breaking: no earlier protos to compare with"
  exit 0
fi
old=$(mktemp -d)
trap 'rm -rf "$old"' EXIT
git archive "$base" proto buf.yaml | tar -x -C "$old"
mkdir -p "$old/build"
cp -r build/proto-deps "$old/build/proto-deps"
PATH="$PWD/build/tools:$PATH"
(cd "$old" && buf build -o "$old/image.binpb")
buf build -o "$old/new.binpb"
buf breaking "$old/new.binpb" --against "$old/image.binpb" --config '{"version":"v2","breaking":{"use":["WIRE_JSON"]}}'
echo "breaking: nothing"
