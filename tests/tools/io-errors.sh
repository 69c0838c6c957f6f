#!/usr/bin/env bash
# The disk fails on one file: the scan goes on, says so in a finding, sees
# everything else, and its exit status has the bit for work not done.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

need strace strace
need jq jq
strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"

unpack 3.6.1-default
run 0 cyrscan -C "$TREE/imapd.conf" --level 4 -o "$WORK/good"
jq -r 'select(.type == "mailbox") | .path' "$WORK/good" | sort >"$WORK/all"
dir=$(mailbox user.anna)
message=$(find "$dir" -name '[1-9]*.' -printf '%f\n' | sort -n | sed -n 1p)

# failing PATH CALLS ERROR CODE [MAILBOX]
failing() {
    run 12 strace -f -qq -o "$WORK/trace" -P "$1" -e "inject=$2:error=$3" \
        cyrscan -C "$TREE/imapd.conf" --level 4 -o "$WORK/report"
    has "$WORK/trace" INJECTED
    check_reports "$WORK/report"
    findings "$WORK/report" >"$WORK/findings"
    has "$WORK/findings" "$4 ${5:-user\.anna }"
    hasnt "$WORK/findings" ' user\.fritz '
    jq -r 'select(.type == "mailbox") | .path' "$WORK/report" | sort |
        diff "$WORK/all" - || fail "mailboxes are missing"
    jq -e 'select(.type == "trailer") | .complete' "$WORK/report" \
        >"$WORK/complete" || fail "the run did not end"
}

for file in cyrus.header cyrus.index cyrus.cache; do
    failing "$dir/$file" read,pread64 EIO file-unreadable
done
failing "$dir/$message" read,pread64 EIO message-unreadable
# Which mailbox it is, is not asked of a directory that cannot be listed.
failing "$dir" getdents64 EIO directory-unreadable '(-|user\.anna) - -'

# From each open below the partitions on, in turn, every open fails: with a
# finding or without a file, never without a word.
strace -f -qq -o "$WORK/trace" -e trace=openat2 \
    cyrscan -C "$TREE/imapd.conf" -j0 -o "$WORK/report"
opens=$(grep -c 'openat2(' "$WORK/trace")
[ "$opens" -gt 50 ] || fail "only $opens opens: is openat2 there?"
for n in $(seq 1 3 "$opens"); do
    error=EACCES
    [ $((n % 2)) -eq 0 ] || error=EIO
    status=0
    strace -f -qq -o "$WORK/trace" -e "inject=openat2:error=$error:when=$n+" \
        cyrscan -C "$TREE/imapd.conf" -j0 -o "$WORK/report" \
        >"$WORK/out" 2>"$WORK/err" || status=$?
    has "$WORK/trace" INJECTED
    [ $((status & 8)) -ne 0 ] ||
        fail "open $n of $opens fails with $error, exit status $status"
    jq -e 'select(.type == "trailer") | .complete' "$WORK/report" \
        >"$WORK/complete" || fail "the run did not end"
done
