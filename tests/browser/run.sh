#!/usr/bin/env bash
# The page of `openclick preview --html` and `--serve` in a real browser: it asks nothing of any network, no script of a mail
# runs, links and rows find each other, its numbers are those of the report, and tracking moves nothing.
#
# usage: tests/browser/run.sh [--pictures DIR] [OPENCLICK]
#
# Debian's Chromium without a window, driven by playwright-core from npm; both are installed where they are missing (root), the
# driver outside the tree. Where they cannot be had it says so and exits with 0. With --pictures it puts pictures of pages into
# DIR, among them README's.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tree=$(cd "$here/../.." && pwd)
driver=playwright-core@1.64.1

skip() { echo "skipped: $*"; exit 0; }

pictures=
if [ "${1:-}" = --pictures ]; then
    pictures=$(mkdir -p "$2" && cd "$2" && pwd)
    shift 2
fi
openclick=${1:-}

install() { # Debian's packages
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 ||
        { apt-get update -qq >/dev/null 2>&1 && apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1; }
}
command -v chromium >/dev/null || install chromium fonts-dejavu-core fonts-liberation || skip "no chromium here, and it cannot be installed"
command -v node >/dev/null || install nodejs || skip "no node here, and it cannot be installed"
store=${XDG_CACHE_HOME:-$HOME/.cache}/openclick-browser-test/$driver
if ! [ -e "$store/node_modules/playwright-core/package.json" ]; then
    command -v npm >/dev/null || install npm || skip "no npm here, and it cannot be installed"
    mkdir -p "$store"
    (cd "$store" && npm install --silent --no-audit --no-fund --no-save --prefix . "$driver" >/dev/null 2>&1) || skip "$driver cannot be installed"
fi

if [ -z "$openclick" ]; then
    (cd "$tree" && cargo build --release --quiet)
    openclick=${CARGO_TARGET_DIR:-$tree/target}/release/openclick
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PLAYWRIGHT=$store/node_modules/playwright-core/index.mjs CHROMIUM=$(command -v chromium) \
    node "$here/test.mjs" "$openclick" "$tree" "$work" "$pictures"
