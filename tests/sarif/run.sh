#!/usr/bin/env bash
# What `openclick lint --output-format sarif` writes, against the schema of SARIF 2.1.0. The schema is OASIS's and no part of
# this project: it comes out of an npm package, its judge from PyPI. Run from the project's root: tests/sarif/run.sh [OPENCLICK]
set -euo pipefail
cd "$(dirname "$0")/../.."
for need in npm python3; do
    command -v "$need" >/dev/null || { echo "skipped: no $need here"; exit 0; }
done
openclick=${1:-}
if [ -z "$openclick" ]; then
    cargo build --quiet --bin openclick
    openclick=${CARGO_TARGET_DIR:-target}/debug/openclick
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm pack --silent @microsoft/jest-sarif@1.0.0-beta.0 >/dev/null && tar xzf ./*.tgz)
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check jsonschema==4.26.0

# Hostile names and texts among them.
mkdir "$work/mails"
printf '<a href="">{0} [x](1) \033[31m \xff</a><a href="javascript:{{x}}">\xe2\x80\xae</a>' >"$work/mails/a [b] %{0}.html"
printf 'Subject: {{x}}\r\nContent-Type: text/html\r\n\r\n<a href="x">y</a>\r\n' >"$work/mails/ä.eml"
: >"$work/mails/empty.html"
count=0
for input in fixtures/html fixtures/mail fixtures/pathological "$work/mails" "$work/mails/no such file"; do
    "$openclick" lint --quiet --output-format sarif "$input" >"$work/$count.sarif" 2>/dev/null || [ $? -le 66 ]
    count=$((count + 1))
done
"$work/venv/bin/python" - "$work"/package/lib/schemas/sarif-2.1.0-*.json "$work"/*.sarif <<'PYTHON'
import json
import sys

import jsonschema

schema = json.load(open(sys.argv[1]))
judge = jsonschema.validators.validator_for(schema)(schema)
results = 0
for path in sys.argv[2:]:
    log = json.load(open(path))
    errors = [f"{path}: {list(error.path)}: {error.message}" for error in judge.iter_errors(log)]
    if errors:
        sys.exit("\n".join(errors[:20]))
    results += len(log["runs"][0]["results"])
    # The schema itself must have teeth.
    log["runs"][0]["columnKind"] = "bytes"
    assert not judge.is_valid(log)
print(f"SARIF: {len(sys.argv) - 2} logs with {results} results are valid")
assert results > 100
PYTHON
