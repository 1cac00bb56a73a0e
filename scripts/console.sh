#!/usr/bin/env bash
# Builds the web console into gateway/console/dist when its sources changed.
set -euo pipefail
cd "$(dirname "$0")/../gateway/console"
sum=$(find . \( -name node_modules -o -name dist \) -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
if [ "$(cat dist/.built 2>/dev/null || true)" = "$sum" ]; then
  exit 0
fi
echo "console: building"
npm run --silent build
touch dist/.gitkeep
echo "$sum" >dist/.built
