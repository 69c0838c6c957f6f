#!/usr/bin/env bash
# A scan opens nothing for writing but its report, and changes nothing: neither
# the system calls it makes nor the tree afterwards say otherwise.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

need strace strace
strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"

snapshot() {
    find "$TREE" -printf '%P %y %s %T@ %C@ %m %U:%G %l\n' | sort
    find "$TREE" -type f -print0 | sort -z | xargs -0 sha1sum
}

for name in 2.3.16-metapart 3.6.1-virtdom; do
    unpack "$name"
    snapshot >"$WORK/before"
    for level in 0 1 2 3 4; do
        run 0 strace -f -qq -o "$WORK/trace" \
            -e signal=none -e trace=%file,%desc,ftruncate,fallocate,mknod \
            cyrscan -C "$TREE/imapd.conf" --level "$level" -o "$WORK/report"
        grep -E 'O_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)' "$WORK/trace" |
            grep -vF "\"$WORK/report" >"$WORK/writes" || :
        [ ! -s "$WORK/writes" ] || {
            cat "$WORK/writes" >&2
            fail "$name: opened for writing"
        }
        hasnt "$WORK/trace" '\b(un)?link(at)?\(|rename|mkdir|rmdir|symlink|mknod'
        hasnt "$WORK/trace" 'f?truncate|fallocate|chmod|chown|utime|setxattr'
        # Every open below the tree refuses a link in the last place.
        grep -E 'open(at2?)?\(' "$WORK/trace" | grep -E 'cyrus\.|"[0-9]+\."' |
            grep -v O_NOFOLLOW >"$WORK/follows" || :
        [ ! -s "$WORK/follows" ] || {
            head -n 5 "$WORK/follows" >&2
            fail "$name: opened without O_NOFOLLOW"
        }
        rm -f "$WORK/report"
    done
    snapshot >"$WORK/after"
    diff "$WORK/before" "$WORK/after" || fail "$name: the tree has changed"
done
