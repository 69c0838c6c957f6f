#!/usr/bin/env bash
# `./dev demo`: a spool that a real Cyrus 3.6.1 left behind, damaged as a crash
# and an fsck would: scanned, rebuilt, scanned clean, and taken back. README.md
# shows this output; the test tools/demo.sh compares the two.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/damage.sh
. "$CYRE_SOURCE/tests/damage.sh"

# say TEXT COMMAND...: does it, and says so.
say() {
    echo "  $1"
    shift
    "$@"
}

unpack 3.6.1-default
anna=$(mailbox user.anna)
work=$(mailbox user.anna.Work)
fritz=$(mailbox user.fritz)

echo "A spool that Cyrus 3.6.1 left behind, after the crash:"
say "user.anna: the first 512 bytes of cyrus.index are zeros" \
    zero "$anna/cyrus.index" 0 512
say "user.anna: cyrus.cache lost its second half" \
    cut_file "$anna/cyrus.cache" $(($(stat -c %s "$anna/cyrus.cache") / 2))
say "user.anna.Work: cyrus.index lost its last record" \
    cut_file "$work/cyrus.index" -112
say "user.fritz: cyrus.header is gone" \
    rm "$fritz/cyrus.header"
cp -a "$TREE" "$WORK/crashed"

# step COMMAND...: shows it, its output and its exit status, with the places as
# on a real server.
step() {
    local status=0
    echo
    echo "\$ $*" | sed "s,$TREE,/srv/imap,g"
    "$@" >"$WORK/out" 2>&1 || status=$?
    sed "s,$TREE,/srv/imap,g" "$WORK/out"
    echo "\$ echo \$?"
    echo $status
}

step cyrscan -C "$TREE/imapd.conf"
step cyrrebuild -C "$TREE/imapd.conf" -q -j1 --apply
step cyrscan -C "$TREE/imapd.conf" -q
step cyrrebuild -C "$TREE/imapd.conf" --undo "$TREE/conf/cyrescue-undo"
rm -r "$TREE/conf/cyrescue-undo"
echo
if diff -r "$WORK/crashed" "$TREE" >"$WORK/out"; then
    echo "Every file is what it was after the crash, byte for byte."
else
    cat "$WORK/out"
fi
