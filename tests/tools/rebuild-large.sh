#!/usr/bin/env bash
# One mailbox so large that all threads make its records together, of messages
# of a real server: the files and the report are the same bytes for any number
# of threads, whether all records are made or every other is copied; the first
# message that cannot be had ends it in the same words, and leaves everything as
# it was; every thread works; memory hardly grows with them; --undo takes it back.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

need jq jq
# So many that those of half the cache are many as well.
MESSAGES=20000
[ -z "$CYRE_SANITIZE" ] || MESSAGES=14000
EXTRA_MIB=24 # what seven threads more may cost
# A sanitizer keeps books of each byte, and what was freed for a while.
[ -z "$CYRE_SANITIZE" ] || EXTRA_MIB=$((4 * EXTRA_MIB))

unpack 3.6.1-default
conf=$TREE/imapd.conf
dir=$(mailbox user.anna)

# All messages of the tree, again and again.
"$PYTHON" - "$TREE/spool" "$dir" $MESSAGES <<'END'
import os
import sys

spool, mailbox, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
messages = sorted(os.path.join(path, name)
                  for path, _, names in os.walk(spool) for name in names
                  if name.endswith(".") and name[:-1].isdigit())
for n in range(count):
    os.link(messages[n % len(messages)],
            os.path.join(mailbox, "%d." % (100000 + n)))
END

metadata() {
    find "$dir" -name 'cyrus.*' | sort | xargs -r sha256sum
}

# rebuild STATUS JOBS [ARGUMENT...]: report in $WORK/report-JOBS, without the
# line that names the run and what is said of the time of day; peak memory in
# $peak (MiB).
rebuild() {
    local status=$1 jobs=$2
    shift 2
    run "$status" "$PYTHON" -c 'import resource, subprocess, sys
status = subprocess.run(sys.argv[2:]).returncode
with open(sys.argv[1], "w") as f:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, file=f)
sys.exit(status)' "$WORK/peak" \
        cyrrebuild -C "$conf" --offline --apply --no-databases -u anna \
        -j "$jobs" -o "$WORK/report" "$@"
    sed '1d; /"index-date-future"/s/"expected":[0-9]*,//' "$WORK/report" \
        >"$WORK/report-$jobs"
    peak=$(cat "$WORK/peak")
}

# all_same STATUS WHAT [ARGUMENT...]: rebuilds what is there now, with one thread
# and with more; afterwards it is there again, and what was made in $WORK/made.
all_same() {
    local status=$1 what=$2 jobs archive alone=0
    shift 2
    metadata >"$WORK/before"
    for jobs in 1 2 8; do
        rebuild "$status" $jobs "$@"
        metadata >"$WORK/after-$jobs"
        cmp "$WORK/after-1" "$WORK/after-$jobs" >&2 || fail "$what: -j$jobs"
        cmp "$WORK/report-1" "$WORK/report-$jobs" >&2 ||
            fail "$what: report of -j$jobs"
        echo "$what: -j$jobs: $peak MiB"
        [ $jobs -ne 1 ] || alone=$peak
        [ -n "$CYRE_SANITIZE" ] || [ "$peak" -le $((alone + EXTRA_MIB)) ] ||
            fail "$what: -j$jobs takes $peak MiB, -j1 $alone"
        archive=$(find "$TREE/conf/cyrescue-undo" -name '*.tar.zst')
        if [ -n "$archive" ]; then
            rm -rf "$WORK/made"
            mkdir "$WORK/made"
            cp -p "$dir"/cyrus.* "$WORK/made"
            run 0 cyrrebuild --offline --undo "$archive" -q
            rm "$archive"
        fi
        metadata | diff "$WORK/before" - >&2 || fail "$what: not as it was"
    done
}

# Everything is gone.
rm "$dir"/cyrus.*
all_same 1 'all gone'
records=$(cyrshow --json "$WORK/made/cyrus.index" | grep -c '"type":"record"')
[ "$records" -gt $MESSAGES ] || fail "$records records of $MESSAGES messages"

# A message larger than what may be held cannot be read; where there is a second
# one, nobody hears of it.
for uid in 109999 112000; do
    mv "$dir/$uid." "$WORK"
    truncate -s 100M "$dir/$uid."
done
all_same 8 'unreadable' --memory 64M
jq -r 'select(.code == "message-unreadable").uid' "$WORK/report-1" |
    cmp - <(echo 109999) || fail "not the first one alone"
mv "$WORK/109999." "$WORK/112000." "$dir"

# Every other page of the cache is gone: records are made, records are copied.
cp -p "$WORK/made"/cyrus.* "$dir"
"$PYTHON" - "$dir/cyrus.cache" <<'END'
import os
import sys

with open(sys.argv[1], "r+b") as f:
    for at in range(0, os.path.getsize(sys.argv[1]), 8192):
        f.seek(at)
        f.write(bytes(4096))
END
all_same 1 'every other page'

# Each of the threads has its share (a sanitizer's threads are its own affair).
if [ -z "$CYRE_SANITIZE" ] && command -v strace >/dev/null &&
    strace -o /dev/null true 2>/dev/null; then
    run 4 strace -f -qq -o "$WORK/trace" -e trace=openat2 \
        cyrrebuild -C "$conf" --no-databases -u anna -j 4
    awk '/"1[0-9]*\."/ { n[$1]++ }
        END { for (thread in n) many += n[thread] > 100; exit many != 4 }' \
        "$WORK/trace" || fail "not all threads parse"
fi

# The record of each message is the one it has.
cp -p "$WORK/made"/cyrus.* "$dir"
cyrscan -C "$conf" -u anna --level 5 -o "$WORK/scan" >"$WORK/out" || :
findings "$WORK/scan" >"$WORK/findings"
hasnt "$WORK/findings" .
