#!/usr/bin/env bash
# Even a scan that wanted to write could not: a library forced into it tries to,
# in a directory open to all, from its threads and at its end, and is refused.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

unpack 3.6.1-default
export CYRE_FORCED_WRITE="$WORK/open"
mkdir -m 1777 "$WORK/open"
mkdir -m 777 "$WORK/open/dir"
CYRE_FORCED_WRITE=$WORK/open/dir
force=$CYRE_BUILD/tests/libforced_write.so

# Without the confinement it can: --version reads nothing and confines nothing.
: >"$CYRE_FORCED_WRITE/old"
chmod 666 "$CYRE_FORCED_WRITE/old"
run 0 env LD_PRELOAD="$force" cyrscan --version
! grep '^forced-write kernel' "$WORK/err" || skip "this kernel has no Landlock"
has "$WORK/err" '^forced-write exit create: done'
has "$WORK/err" '^forced-write exit open: done'

: >"$CYRE_FORCED_WRITE/old"
chmod 666 "$CYRE_FORCED_WRITE/old"
run 0 env LD_PRELOAD="$force" cyrscan -C "$TREE/imapd.conf" -j 3 \
    -o "$WORK/open/report"
grep '^forced-write' "$WORK/err" >"$WORK/tries"
for where in thread exit; do
    for what in create open mkdir rename unlink; do
        has "$WORK/tries" "^forced-write $where $what: "
    done
done
hasnt "$WORK/tries" ': done'
[ -s "$WORK/open/report" ] || fail "the report was not written"
