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
buf breaking --against "$old/image.binpb"
echo "breaking: nothing"
