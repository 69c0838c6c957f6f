#!/usr/bin/env bash
# What real servers left behind after a clean stop is clean: every tree, at
# every level, exit status 0 and no finding above a note; every mailbox that the
# server had is in the report, and the report keeps its schema.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

need jq jq
total=0
for name in $(trees); do
    unpack "$name"
    for level in 0 1 2 3 4; do
        run 0 cyrscan -C "$TREE/imapd.conf" --level $level -v \
            -o "$WORK/report-$level.jsonl"
        above=$(jq -c 'select(.type == "finding" and .severity != "note")' \
            "$WORK/report-$level.jsonl" | head -n 5)
        [ -z "$above" ] || fail "$name, level $level: $above"
    done
    check_reports "$WORK"/report-?.jsonl
    truth "$name" | jq -r 'select(.type == "mailbox") | .internal' |
        sort >"$WORK/want"
    jq -r 'select(.type == "mailbox") | .mboxname' "$WORK/report-3.jsonl" |
        sort >"$WORK/got"
    lost=$(comm -23 "$WORK/want" "$WORK/got")
    [ -z "$lost" ] || fail "$name: not in the report: $lost"
    total=$((total + $(wc -l <"$WORK/got")))
    rm -rf "$TREE"
done
echo "$(trees | wc -l) trees, $total mailboxes, levels 0 to 4: clean"
note_small_set
