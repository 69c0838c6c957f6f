#!/usr/bin/env bash
# `./dev demo`: a spool that a real Cyrus 3.6.1 left behind, damaged as a crash
# and an fsck would, and what cyrscan says of it. README.md shows this output;
# the test tools/demo.sh compares the two.
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
say "user.fritz: one message has no bytes" \
    cut_file "$(message "$fritz" 2)" 0
echo
echo "\$ cyrscan -C /srv/imap/imapd.conf"
status=0
cyrscan -C "$TREE/imapd.conf" >"$WORK/out" || status=$?
sed "s,$TREE,/srv/imap,g" "$WORK/out"
echo "\$ echo \$?"
echo $status
