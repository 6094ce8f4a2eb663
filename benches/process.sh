#!/usr/bin/env bash
# What `openclick rewrite` costs as a process: the 100 KB newsletter, where starting is most of it, and 10 MB of it as
# a stream; each beside `cat FILE | cat >/dev/null` in turns, on a tmpfs. Prints medians of 21 and their ratios.
#
# Wall time is what a caller waits for; where the cores are busy it tells of them. Beside it stands the processor time
# of the processes (user and system), a mean.
#
# Measured on two busy cores: 100 KB in 0.8 to 0.95 times `cat | cat`, 1.1 to 2.2 with a reader behind a pipe; 10 MB in
# 5.9 and 5.3 times (8.1 and 8.6 before a look for `{` spared a search for placeholders in every text behind the pixel). Of
# 5.4 million instructions for 100 KB, 3.8 are the document, 0.4 the loader (12,700 relocations), 0.4 clap's commands.
#
#     benches/process.sh [RUNS]
set -euo pipefail
export LC_ALL=C # a point in numbers
cd "$(dirname "$0")/.."

runs=${1:-21}
cargo build --release --quiet
binary=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/openclick
folder=$(mktemp -d -p "$([ -d /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
trap 'rm -rf "$folder"' EXIT
cp "$binary" "$folder/openclick"
cp fixtures/html/newsletter-100k.html "$folder/100k"
for _ in {1..100}; do cat "$folder/100k"; done >"$folder/10m"
cd "$folder"
./openclick key new >keys

rewrite() { # to /dev/null: what is written there is written by the process itself
    ./openclick rewrite --tracking-domain https://t.example.com --key-file keys --message-id m1 --quiet "$1" >/dev/null
}
piped() { # with a reader, as the other has
    ./openclick rewrite --tracking-domain https://t.example.com --key-file keys --message-id m1 --quiet "$1" | cat >/dev/null
}
copied() { cat "$1" | cat >/dev/null; }

spent_in_times() { # user and system time of all children, in µs; `times` itself must run in this shell, which has them
    awk -F '[ms ]+' 'NR == 2 { printf "%d", ($1 + $3) * 60e6 + ($2 + $4) * 1e6 }' times
}
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { print a / b }'; }
declare -A name=([copied]='cat F | cat >/dev/null' [rewrite]='rewrite F >/dev/null' [piped]='rewrite F | cat >/dev/null')
median() { sort -n | sed -n "$(((runs + 1) / 2))p"; }

for file in 100k 10m; do
    declare -A wall=() cpu=([copied]=0 [rewrite]=0 [piped]=0)
    for ((run = 0; run < runs; run++)); do
        for work in copied rewrite piped; do
            times >times
            before=$(spent_in_times)
            start=${EPOCHREALTIME/[.,]/}
            $work "$file"
            end=${EPOCHREALTIME/[.,]/}
            times >times
            cpu[$work]=$((cpu[$work] + $(spent_in_times) - before))
            wall[$work]+="$((end - start))"$'\n'
        done
    done
    for work in copied rewrite piped; do
        wall[$work]=$(printf '%s' "${wall[$work]}" | median)
        printf '%-5s %-26s %7d µs, %5.2f times; processor %7d µs\n' "$file" "${name[$work]}" "${wall[$work]}" \
            "$(ratio "${wall[$work]}" "${wall[copied]}")" $((cpu[$work] / runs))
    done
done
