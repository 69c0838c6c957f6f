#!/usr/bin/env bash
# Damaged real trees are rebuilt: afterwards the scan finds nothing that a
# rebuild could do, in mailboxes and databases, a second run changes nothing, one thread and eight write the
# same files, the messages are what they were, and --undo brings every damaged
# file back, byte for byte. What was reviewed in a plan is what is done.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/damage.sh
. "$CYRE_SOURCE/tests/damage.sh"

need jq jq

# Each mailbox of the tree is hurt in another way.
hurt() {
    local dir=$1 way=$2 i=$1/cyrus.index h=$1/cyrus.header c=$1/cyrus.cache
    case $way in
        0) rm -f "$i" ;;
        1) rm -f "$h" ;;
        2) rm -f "$c" ;;
        3) truncate -s -70 "$i" ;;
        4) truncate -s 20 "$h" ;;
        5) [ ! -s "$c" ] || truncate -s "$(($(stat -c %s "$c") / 2))" "$c" ;;
        6) zero "$i" 0 96 ;;
        7) zero "$h" 0 64 ;;
        8) [ ! -s "$c" ] || zero "$c" 0 512 ;;
        9) flip "$i" 17 ;;
        10) flip "$i" "$(($(stat -c %s "$i") - 30))" ;;
        11) flip "$h" 30 ;;
        12) rm -f "$i" "$h" "$c" ;;
        13) : >"$i" ;;
    esac
}
WAYS=14

messages() {
    find "$TREE" -path "$TREE/conf" -prune -o -type f -name '[1-9]*.' \
        -printf '%P %i %T@ %m\n' | sort
    find "$TREE" -path "$TREE/conf" -prune -o -type f -name '[1-9]*.' \
        -print0 | sort -z | xargs -0 sha256sum
}

rebuild() {
    cyrrebuild -C "$TREE/imapd.conf" --offline "$@"
}

# 0: nothing to do; any of 1 (repaired) and 4 (problems left) is fine.
repairs() {
    local status=0
    rebuild "$@" >"$WORK/out" 2>"$WORK/err" || status=$?
    [ $((status & ~5)) -eq 0 ] && return
    head -n 40 "$WORK/out" "$WORK/err" >&2
    fail "exit status $status: $*"
}

undo_all() {
    local archive
    for archive in $(find "$TREE/conf/cyrescue-undo" -name '*.tar.zst' | sort -r); do
        run 0 cyrrebuild --offline --undo "$archive" -q
        rm "$archive"
    done
}

one_tree() {
    local name=$1 shift=$2 n=0 dir left
    unpack "$name"
    while read -r dir; do
        hurt "$dir" $(((n + shift) % WAYS))
        n=$((n + 1))
    done < <(find "$TREE" -name cyrus.index -printf '%h\n' | sort)
    messages >"$WORK/messages"
    tree_state >"$WORK/damaged"

    run 4 rebuild --plan-out "$WORK/plan.jsonl"
    tree_state | cmp - "$WORK/damaged" || fail "$name: planning wrote"
    check_plan "$WORK/plan.jsonl"
    repairs --apply --plan "$WORK/plan.jsonl" -j 1 -o "$WORK/report-1.jsonl"
    check_reports "$WORK/report-1.jsonl"
    tree_state >"$WORK/one"
    messages | cmp - "$WORK/messages" || fail "$name: messages changed"
    undo_all
    tree_state | diff "$WORK/damaged" - >&2 || fail "$name: not undone"
    repairs --apply --plan "$WORK/plan.jsonl" -j 8
    tree_state | diff "$WORK/one" - >&2 || fail "$name: -j 8 differs"

    cyrscan -C "$TREE/imapd.conf" --level 5 -o "$WORK/scan.jsonl" \
        >/dev/null || :
    left=$(jq -r 'select(.type == "finding" and .severity != "note" and
        (.fix == "exact" or .fix == "rule")) |
        [.code, .path, .file, .uid, .detail] | map(tostring) | join(" ")' \
        "$WORK/scan.jsonl" | head -n 5)
    [ -z "$left" ] || fail "$name: left: $left"
    repairs --apply -o "$WORK/report-2.jsonl"
    tree_state | diff "$WORK/one" - >&2 || fail "$name: not idempotent"
    mailboxes=$((mailboxes + n))
    rm -rf "$TREE"
}

check_plan() {
    "$PYTHON" - "$CYRE_SOURCE/docs/plan.schema.json" "$1" <<'END' ||
import json, sys
try:
    import jsonschema
except ImportError:
    sys.exit(0)
v = jsonschema.Draft202012Validator(json.load(open(sys.argv[1])))
for line in open(sys.argv[2]):
    v.validate(json.loads(line))
END
        fail "not a plan"
}

mailboxes=0 shift=0
[ $# -gt 0 ] || mapfile -t names < <(trees)
for name in "${names[@]:-$@}"; do
    one_tree "$name" $shift
    shift=$((shift + 5))
done
echo "$mailboxes mailboxes damaged in $WAYS ways: rebuilt"
note_small_set
