#!/usr/bin/env bash
# Counts the instructions of eight fixed jobs with callgrind and compares them with benches/instructions.txt: more than
# 5 % above fails. `benches/instructions.sh --update` writes the table instead.
#
# Counts repeat where times jump, but another compiler or processor family makes other code: there the
# differences are only told. Needs valgrind.
set -euo pipefail
cd "$(dirname "$0")/.."
table=benches/instructions.txt
rounds=20
command -v valgrind >/dev/null || { echo "skipped: no valgrind here"; exit 0; }

binary=$(cargo bench --quiet --bench instructions --no-run --message-format=json |
    sed -n 's/.*"executable":"\([^"]*\/instructions-[^"]*\)".*/\1/p' | tail -n 1)
made_by="rustc $(rustc --version | cut -d' ' -f2), $(uname -m)$(grep -qw avx2 /proc/cpuinfo 2>/dev/null && echo ' with AVX2')"

count() { # a job and its rounds
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$binary" "$1" "$2" 2>&1 |
        sed -n 's/.*Collected : *\([0-9]*\).*/\1/p'
}

now=$(
    echo "# Instructions of one round, in thousands. $made_by"
    for job in scan rewrite_html stream render_to render_message render_fields rewrite_message decode; do
        less=$(count "$job" "$rounds")
        more=$(count "$job" $((2 * rounds)))
        [ -n "$less" ] && [ -n "$more" ] || { echo "valgrind did not count $job" >&2; exit 1; }
        echo "$job $(((more - less) / rounds / 1000))"
    done
)
if [ "${1:-}" = --update ]; then
    echo "$now" >"$table"
    cat "$table"
    exit
fi
same=yes
[ "$(head -n 1 "$table")" = "$(echo "$now" | head -n 1)" ] || same=no
echo "$now" | awk -v same="$same" '
    FNR == NR { if ($1 != "#") before[$1] = $2; next }
    $1 == "#" { next }
    {
        change = 100 * ($2 - before[$1]) / before[$1]
        printf "%-16s %8d thousand, %+.1f %%\n", $1, $2, change
        if (change > 5) worse = 1
        if (change < -5) better = 1
    }
    END {
        if (same == "no") { print "not judged: the table was made by another compiler or on another processor"; exit 0 }
        if (better) print "fewer than in the table: benches/instructions.sh --update keeps it so"
        if (worse) { print "more than 5 % above the table"; exit 1 }
    }' "$table" -
