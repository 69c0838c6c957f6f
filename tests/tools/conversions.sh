#!/usr/bin/env bash
# One mailbox in every index version, as the releases' own `reconstruct -V`
# converted it: clean at levels 3 and 4, in its place among the message files.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

need jq jq
archive=$CYRE_SHARED/fixtures/conversions/index-versions-a.tar.zst
[ -e "$archive" ] || skip "the converted mailboxes ($archive) are absent"
mkdir "$WORK/versions"
tar --zstd -C "$WORK/versions" -xf "$archive"

count=0
for release in "$WORK"/versions/*/; do
    unpack "$(basename "$release")-default"
    name=$(cat "$release/MAILBOX")
    dir=$(mailbox "$name")
    for version in "$release"/v*/; do
        rm -f "$dir"/cyrus.*
        for file in index cache header annotations; do
            [ -e "$version/cyrus.$file" ] && cp "$version/cyrus.$file" "$dir/"
        done
        chown -R --reference="$TREE/spool" "$dir"
        for level in 3 4; do
            run 0 cyrscan -C "$TREE/imapd.conf" --level $level -m "$name" \
                -o "$WORK/report.jsonl"
            above=$(findings "$WORK/report.jsonl" | head -n 5)
            [ -z "$above" ] || fail "$version, level $level: $above"
            has "$WORK/report.jsonl" "\"mboxname\":\"$name\".*\"index_version\":"
        done
        count=$((count + 1))
    done
    rm -rf "$TREE"
done
[ "$count" -gt 40 ] || fail "only $count conversions"
echo "$count conversions of a mailbox, levels 3 and 4: clean"
