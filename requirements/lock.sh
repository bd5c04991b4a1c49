#!/usr/bin/env bash
# Writes the hash-locked requirements anew from pyproject.toml, for every platform at once, naming no index.
# usage: requirements/lock.sh [--upgrade]   (needs `uv` from PyPI)
set -euo pipefail
cd "$(dirname "$0")/.."
compile() { # extra file
    uv pip compile pyproject.toml --extra "$1" --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet \
        -o "requirements/$1.txt" "${@:2}"
}
# What builds our own package inside the virtual environment, so that installing it needs no index.
echo "setuptools>=77" | uv pip compile - --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-emit-find-links --no-header --no-annotate --quiet -o requirements/build.txt "$@"
for extra in gateway server demo dev; do compile "$extra" "$@"; done
