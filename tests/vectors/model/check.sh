#!/bin/sh
# Installs the locked packages when they are missing, then compares kept and regenerated vectors.
set -eu
cd "$(dirname "$0")"
[ -d node_modules ] || npm ci --no-fund --no-audit
exec node check.js
