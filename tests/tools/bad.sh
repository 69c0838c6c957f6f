#!/usr/bin/env bash
# Every case of fixtures/bad/: a real tree is damaged as damage.sh says, and the
# scan finds exactly what scan.txt says, in that mailbox, file and message. Then
# it is rebuilt: rebuild.txt has what changes and what a scan still finds, with
# the reason. No message is touched, a second rebuild changes nothing, and
# --undo brings the damage back byte for byte.
#
# usage: bad.sh [--accept] [NNN...]    --accept writes the two files
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/damage.sh
. "$CYRE_SOURCE/tests/damage.sh"

need jq jq

# Every finding as "severity code mboxname file uid", of a database "severity code
# user path uid".
scan() {
    local status=0
    cyrscan -C "$TREE/imapd.conf" --level 4 -q -o "$1.jsonl" >"$WORK/out" \
        2>"$WORK/err" || status=$?
    jq -r --arg conf "$TREE/conf/" 'select(.type == "finding") |
        [.severity, .code, .mboxname // .userid // "-", .file //
            (if .mboxname == null and (.path // "" | startswith($conf))
             then .path[($conf | length):] else null end) // "-",
            .uid // "-"] | map(tostring) | join(" ")' "$1.jsonl" |
        sort >"$1"
    return $status
}

messages() {
    grep -E '/[0-9]+\.( f |$)' "$1"
}

rebuild() {
    local status=0
    cyrrebuild -C "$TREE/imapd.conf" --offline --apply -q -o "$1" \
        >"$WORK/out" 2>"$WORK/err" || status=$?
    [ "$(jq 'select(.type == "trailer") | .exit' "$1")" -eq $status ] ||
        fail "$case: exit status $status is not that of the report"
}

# expected NAME: $WORK/NAME is what the case has under this name. Lines with #
# are for people.
expected() {
    local want=$case/$1.txt
    if $accept; then
        { sed '/^#/!d' "$want" 2>/dev/null || :; } >"$WORK/comments"
        cat "$WORK/comments" "$WORK/$1" >"$want"
    fi
    sed '/^#/d' "$want" | diff -u - "$WORK/$1" || fail "$want"
}

found_and_attributed() {
    local status=0 want=0
    scan "$WORK/after" || status=$?
    comm -13 "$WORK/$name" "$WORK/after" >"$WORK/scan"
    check_reports "$WORK/after.jsonl"
    expected scan
    grep -qvE '^(#|note )' "$case/scan.txt" && want=4
    [ $((status & ~8)) -eq $want ] || fail "$case: exit status $status"
}

rebuilt_and_undone() {
    tree_state >"$WORK/damaged"
    rebuild "$WORK/rebuild.jsonl"
    check_reports "$WORK/rebuild.jsonl"
    "$PYTHON" "$CYRE_SOURCE/tests/repairs.py" "$WORK/rebuild.jsonl" \
        >"$WORK/rebuild"
    tree_state >"$WORK/rebuilt"
    cmp <(messages "$WORK/damaged") <(messages "$WORK/rebuilt") ||
        fail "$case: messages changed"
    scan "$WORK/again" || :
    comm -13 "$WORK/$name" "$WORK/again" |
        sed -n '/^note /!s/^/left: /p' >>"$WORK/rebuild"
    expected rebuild
    $accept || ! grep -q '^left: ' "$WORK/rebuild" ||
        grep -q '^#' "$case/rebuild.txt" ||
        fail "$case/rebuild.txt does not say why this is left"

    rebuild "$WORK/second.jsonl"
    tree_state | diff "$WORK/rebuilt" - >&2 || fail "$case: not idempotent"
    [ ! -d "$TREE/conf/cyrescue-undo" ] ||
        run 0 cyrrebuild --offline --undo "$TREE/conf/cyrescue-undo" -q
    tree_state | diff "$WORK/damaged" - >&2 || fail "$case: not undone"
}

one_case() {
    name=$(sed -n 's/^# tree: //p' "$case/damage.sh")
    if grep -q "^# needs: root" "$case/damage.sh" && [ "$(id -u)" -ne 0 ]; then
        echo "SKIP: $case: only root can do this damage"
        return 0
    fi
    unpack "$name" "$WORK/tree"
    [ -e "$WORK/$name" ] || scan "$WORK/$name" ||
        fail "$name is not clean before"
    # shellcheck source=/dev/null
    . "$case/damage.sh"
    found_and_attributed
    rebuilt_and_undone
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
    one_case
    cases=$((cases + 1))
done
[ $cases -gt 0 ] || fail "no such case"
echo "$cases cases: each found and attributed, rebuilt, and undone"
