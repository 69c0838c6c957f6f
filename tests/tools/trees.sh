#!/usr/bin/env bash
# The trees unpack, their configuration names the new place, the truth is there.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

for name in 2.1.15-default 2.3.16-metapart 2.4.22-default 3.0.18-archive \
    3.6.1-default 3.6.1-virtdom 3.13.1-default; do
    unpack "$name"
    has "$TREE/imapd.conf" "^partition-default: $TREE/spool$"
    [ -s "$TREE/conf/mailboxes.db" ] || fail "$name: no mailboxes.db"
    [ -n "$(find "$TREE/spool" -name '[1-9]*.' -print -quit)" ] ||
        fail "$name: no message"
    truth "$name" >"$WORK/truth"
    has "$WORK/truth" '"type": *"server"'
done
note_small_set
