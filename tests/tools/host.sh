#!/usr/bin/env bash
# What a host adds to its spool: an imapd.conf in several files, hard links, a
# lost+found, root who gives himself up, and little memory.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

need jq jq
unpack 3.6.1-default
conf=$TREE/imapd.conf

# Partitions in a file of their own, elsewhere, and the rest in another.
mkdir -m 755 "$WORK/etc" "$WORK/more"
grep '^partition-' "$conf" >"$WORK/more/partitions.conf"
grep -v '^partition-' "$conf" >"$WORK/etc/rest.conf"
printf '@include: %s\n' "$WORK/more/partitions.conf" "$WORK/etc/rest.conf" \
    >"$WORK/etc/imapd.conf"
run 0 cyrscan -C "$WORK/etc/imapd.conf" --json
cp "$WORK/out" "$WORK/included"
run 0 cyrscan -C "$conf" --json
for f in included out; do
    jq -c 'select(.type == "mailbox")' "$WORK/$f" >"$WORK/$f.mailboxes"
done
[ "$(wc -l <"$WORK/out.mailboxes")" -eq 11 ] || fail "not 11 mailboxes"
diff "$WORK/included.mailboxes" "$WORK/out.mailboxes" >&2 ||
    fail "@include: other mailboxes"

# One that is not there, and one that includes itself: told, the rest read;
# the summary alone says why the exit status is 4.
for what in "$WORK/none.conf" "$WORK/etc/loop.conf"; do
    { cat "$conf"; echo "@include: $what"; } >"$WORK/etc/loop.conf"
    run 4 cyrscan -C "$WORK/etc/loop.conf" -q
    has "$WORK/out" '^11 mailboxes of 2 customers, 233 messages'
    has "$WORK/out" '^  damaged +server  .*conf-include'
done

# A message delivered to several mailboxes is one file with several names.
dir=$(mailbox user.anna)
message=$(find "$dir" -name '[0-9]*.' | sed -n 1p)
ln "$message" "$WORK/another-name"
run 0 cyrscan -C "$conf" --level 5
rm "$WORK/another-name"

# What fsck left is root's; it is counted, and none of it is opened.
mkdir -m 700 "$TREE/spool/lost+found"
cp "$dir/cyrus.index" "$TREE/spool/lost+found/#12345"
cp "$message" "$TREE/spool/lost+found/#12346"
run 4 cyrscan -C "$conf"
if [ "$(id -u)" -eq 0 ]; then
    has "$WORK/out" 'FS-006 entries in lost\+found: 2$'
    has "$WORK/out" '^  damaged +server  lost-found'
fi
rm -r "$TREE/spool/lost+found"

# Too little memory for a file: the file is named, the work is not all done.
run 12 cyrscan -C "$conf" --memory 2K
has "$WORK/out" 'FS-007 larger than the limit of 2048 bytes'
has "$WORK/out" '^11 mailboxes of 2 customers'

# However little it is, the run goes to its end: also where the copies of a
# Berkeley database, or the record made of a message, are larger than the limit.
for name in 2.3.16-metapart 2.2.13-then-2.3.16-default 2.4.22-default; do
    unpack "$name"
    for size in 1 1K 3K 32K 60K; do
        for tool in 'cyrscan --level 5' cyrrebuild 'cyrdb rebuild mailboxes' \
            'cyrdb rebuild seen'; do
            status=0
            $tool -C "$TREE/imapd.conf" --memory $size >"$WORK/out" \
                2>"$WORK/err" || status=$?
            [ $((status & ~12)) -eq 0 ] || fail "$tool $size: exit $status"
            hasnt "$WORK/err" 'out of memory'
        done
    done
    rm -rf "$TREE"
done
TREE=$WORK/3.6.1-default

# Root becomes the owner of the configdirectory before the first look into it.
[ "$(id -u)" -eq 0 ] || skip "only root has something to give up (the rest ran)"
need strace strace
chown -R 12345:12346 "$TREE/conf" "$TREE/spool" "$TREE/spool2"
# (The leak check of a sanitizer does not work below strace.)
run 0 env ASAN_OPTIONS=detect_leaks=0 strace -f -o "$WORK/trace" -e trace=setresuid,setresgid,%file \
    cyrscan -C "$conf"
has "$WORK/trace" 'setresgid\(12346, 12346, 12346\) += 0'
has "$WORK/trace" 'setresuid\(12345, 12345, 12345\) += 0'
sed '/setresuid(12345/q' "$WORK/trace" | grep open >"$WORK/before" || :
hasnt "$WORK/before" "$TREE/(conf|spool2?)/[^\"]"
