#!/usr/bin/env bash
# Level 5: what the servers themselves cached of every message of every tree is
# what we make of it; one letter changed in a record, which nothing else can
# show in an index without checksums, is found.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/damage.sh
. "$CYRE_SOURCE/tests/damage.sh"

need jq jq
for name in $(trees); do
    unpack "$name"
    run 0 cyrscan -C "$TREE/imapd.conf" --level 5 -o "$WORK/report.jsonl"
    [ -z "$(findings "$WORK/report.jsonl")" ] || fail "$name: not clean"
    rm -rf "$TREE"
done

unpack 2.3.16-metapart
d=$(dirname "$(find "$TREE" -name cyrus.cache -size +1k | sort | sed -n 1p)")
poke "$d/cyrus.cache" 11 58
run 0 cyrscan -C "$TREE/imapd.conf" --level 4
run 4 cyrscan -C "$TREE/imapd.conf" --level 5 -o "$WORK/report.jsonl"
check_reports "$WORK/report.jsonl"
findings "$WORK/report.jsonl" >"$WORK/found"
has "$WORK/found" '^stale cache-stale .* cyrus.cache [0-9]+$'
[ "$(wc -l <"$WORK/found")" -eq 1 ] || fail "more than the one message"
note_small_set
