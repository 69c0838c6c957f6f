#!/usr/bin/env bash
# Every case of fixtures/bad/: a real tree is damaged as damage.sh says, and the
# scan finds exactly what scan.txt says, in that mailbox, file and message.
#
# usage: bad.sh [--accept] [NNN...]    --accept writes scan.txt
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/damage.sh
. "$CYRE_SOURCE/tests/damage.sh"

need jq jq

# Every finding as "severity code mboxname file uid"; what the pristine tree has
# already is left out.
scan() {
    local status=0
    cyrscan -C "$TREE/imapd.conf" --level 4 -q -o "$1.jsonl" >"$WORK/out" \
        2>"$WORK/err" || status=$?
    jq -r 'select(.type == "finding") | [.severity, .code, .mboxname // "-",
            .file // "-", .uid // "-"] | map(tostring) | join(" ")' \
        "$1.jsonl" | sort >"$1"
    return $status
}

one_case() {
    local case=$1 status=0 want=0 name
    name=$(sed -n 's/^# tree: //p' "$case/damage.sh")
    unpack "$name" "$WORK/tree"
    [ -e "$WORK/$name" ] || scan "$WORK/$name" ||
        fail "$name is not clean before"
    # shellcheck source=/dev/null
    . "$case/damage.sh"
    scan "$WORK/after" || status=$?
    comm -13 "$WORK/$name" "$WORK/after" >"$WORK/found"
    check_reports "$WORK/after.jsonl"
    if $accept; then
        cp "$WORK/found" "$case/scan.txt"
    fi
    diff -u "$case/scan.txt" "$WORK/found" || fail "$case"
    grep -qv '^note ' "$case/scan.txt" && want=4
    [ $((status & ~8)) -eq $want ] || fail "$case: exit status $status"
    rm -rf "$WORK/tree"
}

accept=false
if [ "${1:-}" = --accept ]; then
    accept=true
    shift
fi
cases=0
for case in "$CYRE_SOURCE"/fixtures/bad/[0-9]*; do
    number=$(basename "$case")
    number=${number%%-*}
    [ $# -eq 0 ] || [[ " $* " == *" $number "* ]] || continue
    one_case "$case"
    cases=$((cases + 1))
done
[ $cases -gt 0 ] || fail "no such case"
echo "$cases cases: each found and attributed"
