#!/usr/bin/env bash
# Ours against others, on the project's newsletters: time, and which laws of README each breaks ("Against others").
# Installs the peers from PyPI, npm and crates.io into target/peers. `benches/peers/run.sh --test` does each once.
#
# Left out: css-inline, whose parser is html5ever's tokenizer with a tree that is not public.
set -euo pipefail
cd "$(dirname "$0")"
for need in cargo python3 node npm; do
    command -v "$need" >/dev/null || { echo "$need is missing" >&2; exit 1; }
done
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/../../target}
folder=$CARGO_TARGET_DIR/peers
mkdir -p "$folder"
[ -x "$folder/venv/bin/pip" ] || python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt
cp package.json worker.mjs "$folder/"
(cd "$folder" && npm install --silent --no-audit --no-fund --no-package-lock)
cargo build --release --quiet --locked
exec "$folder/venv/bin/python" drive.py "$folder" ${1:+"$1"} "$CARGO_TARGET_DIR/release/openclick-peers" \
    "$folder/venv/bin/python"$'\t'"$PWD/worker.py" "node"$'\t'"$folder/worker.mjs"
