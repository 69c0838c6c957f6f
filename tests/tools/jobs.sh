#!/usr/bin/env bash
# The number of threads shows nowhere: text and report of a damaged tree are the
# same bytes for one thread and for eight, time after time.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/damage.sh
. "$CYRE_SOURCE/tests/damage.sh"

for name in 2.3.16-metapart 3.6.1-default; do
    unpack "$name"
    # Every third index loses its end, every fifth header goes.
    n=0
    while read -r file; do
        n=$((n + 1))
        [ $((n % 3)) -ne 0 ] || truncate -s -70 "$file"
        [ $((n % 5)) -ne 0 ] || rm "$(dirname "$file")/cyrus.header"
    done < <(find "$TREE" -name cyrus.index | sort)
    # A bit of every second database.
    n=0
    while read -r file; do
        n=$((n + 1))
        [ $((n % 2)) -ne 0 ] || flip "$file" $(($(stat -c %s "$file") / 2))
    done < <(find "$TREE/conf" -name '*.db' -o -name '*.seen' | sort)
    for jobs in 1 8 8 8 2; do
        run 4 cyrscan -C "$TREE/imapd.conf" -v --level 0 -j $jobs -o "$WORK/report"
        sed 1d "$WORK/report" >"$WORK/level0-$jobs"
        cmp "$WORK/level0-1" "$WORK/level0-$jobs" || fail "$name: -j$jobs"
        run 4 cyrscan -C "$TREE/imapd.conf" -v --level 4 -j $jobs -o "$WORK/report"
        # The header names the run.
        sed 1d "$WORK/report" >"$WORK/report-$jobs"
        cp "$WORK/out" "$WORK/text-$jobs"
        cmp "$WORK/report-1" "$WORK/report-$jobs" || fail "$name: -j$jobs"
        cmp "$WORK/text-1" "$WORK/text-$jobs" || fail "$name: -j$jobs, text"
    done
done

# One mailbox so large that all threads read it together; every 400th message is
# damaged, in ways that show only when it is read.
unpack 3.6.1-default "$WORK/large"
index=$(find "$TREE" -name cyrus.index -printf '%s %p\n' | sort -n | tail -n 1)
"$PYTHON" - "$(dirname "${index#* }")" <<'END'
import os
import sys

os.chdir(sys.argv[1])
first = [name for name in os.listdir() if name.endswith(".")][0]
with open(first, "rb") as f:
    message = f.read()
for uid in range(100000, 112000):
    name = "%d." % uid
    if uid % 400:
        os.link(first, name)
        continue
    with open(name, "wb") as f:
        f.write(bytes(len(message)) if uid % 800 else b"")
for uid in range(100301, 112000, 900):
    os.unlink("%d." % uid)
    os.symlink(first, "%d." % uid)
END
for jobs in 1 8 2; do
    run 4 cyrscan -C "$TREE/imapd.conf" -v --level 5 -j $jobs -o "$WORK/report"
    sed 1d "$WORK/report" >"$WORK/report-$jobs"
    cmp "$WORK/report-1" "$WORK/report-$jobs" || fail "large: -j$jobs"
done
zeroed=$(grep -c '"code":"message-zeroed"' "$WORK/report-1")
[ "$zeroed" -eq 15 ] || fail "large: $zeroed zeroed messages, not 15"

# A database that all threads look at, show and write together; every 700th value
# is not what it should be. The second time the keys come in another order.
"$PYTHON" - >"$WORK/flat.db" <<'END'
for n in range(50000):
    print("user.u%05d\t%%(A %%(u%05d lrswipkxtecdan%s) I %d P default V %d)"
          % (n, n, " x" if n % 700 == 0 else "", n * 7919, 1700000000 + n))
END
for order in raw mailbox; do
    for jobs in 1 8 2; do
        dir=$WORK/$order-$jobs
        mkdir "$dir"
        run 0 cyrdb convert "$WORK/flat.db" "$dir/mailboxes.db" --to twoskip \
            --order $order -j $jobs
        run 4 cyrdb check --json -j $jobs "$dir/mailboxes.db"
        sed "s:$dir::" "$WORK/out" >"$dir/check"
        has "$dir/check" '"offset":'
        cyrdb show -j $jobs "$dir/mailboxes.db" >"$dir/show"
        cyrdb show --raw "$dir/mailboxes.db" | LC_ALL=C sort |
            cmp - "$WORK/flat.db" || fail "a database with -j$jobs"
        diff -r "$WORK/$order-1" "$dir" || fail "a database with -j$jobs"
    done
done

# So large that it is looked at while it is read; then with a damaged record.
for format in twoskip skiplist; do
    db=$WORK/$format/mailboxes.db
    mkdir "$WORK/$format"
    run 0 cyrdb convert "$WORK/flat.db" "$db" --to $format
    [ "$(stat -c %s "$db")" -gt $((4 << 20)) ] || fail "$db is not large"
    for damage in none one; do
        [ $damage = none ] || flip "$db" $(($(stat -c %s "$db") / 2))
        for jobs in 1 8 2; do
            cyrdb check -v --json -j $jobs "$db" >"$WORK/$damage-$jobs" || :
            cyrdb show --json -j $jobs "$db" >>"$WORK/$damage-$jobs" || :
            cmp "$WORK/$damage-1" "$WORK/$damage-$jobs" ||
                fail "$format, damage: $damage, -j$jobs"
        done
    done
    ! cmp -s "$WORK/none-1" "$WORK/one-1" || fail "$format: no damage was seen"
done
