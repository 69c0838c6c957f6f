#!/usr/bin/env bash
# --undo: what it tells, what it refuses, and that it refuses nothing else, its
# exit status, and archives of a server that is mounted somewhere else than it
# was when it was rebuilt.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# damage: a header and a cache are gone, an index is cut.
damage() {
    truncate -s -70 "$(mailbox user.anna)/cyrus.index"
    rm "$(mailbox user.fritz)/cyrus.header"
    find "$TREE" -name cyrus.cache -path '*/spool2/*' -delete
}

# snapshot DIR: its mail and metadata, with times.
snapshot() {
    (cd "$1" && find spool spool2 -printf '%P %y %m %U:%G %s\n' \
        -type f -printf '%P %T@\n' | sort
        find spool spool2 -type f -print0 | sort -z | xargs -0 sha256sum)
}

unpack 3.6.1-default
undo=$TREE/conf/cyrescue-undo
anna=$(mailbox user.anna)
damage
snapshot "$TREE" >"$WORK/damaged"
run 1 cyrrebuild -C "$TREE/imapd.conf" --offline --apply -j1
snapshot "$TREE" >"$WORK/rebuilt"

# A dry run tells all and does nothing.
run 0 cyrrebuild --offline --undo "$undo" -n
has "$WORK/out" '^restore	user\.anna	.*/cyrus\.index$'
has "$WORK/out" '^remove	user\.fritz	.*/cyrus\.header$'
has "$WORK/out" 'dry run: nothing was done'
snapshot "$TREE" | cmp - "$WORK/rebuilt" || fail "a dry run did something"

# What was changed since is refused, and the rest of that mailbox with it.
cp -p "$anna/cyrus.index" "$WORK/index"
printf x >>"$anna/cyrus.index"
snapshot "$TREE" >"$WORK/changed"
for n in -n ''; do
    run 4 cyrrebuild --offline --undo "$undo" $n
    has "$WORK/out" '^refused: changed	user\.anna	.*/cyrus\.index$'
    has "$WORK/out" ' 1 refused'
    cmp -s <(cat "$WORK/index" - <<<x | head -c -1) "$anna/cyrus.index" ||
        fail "a file that was changed is gone"
done
# The others are what they were before the rebuild.
grep -vF "${anna##*/}" "$WORK/damaged" |
    diff - <(snapshot "$TREE" | grep -vF "${anna##*/}") ||
    fail "the other mailboxes were not undone"
# Quiet is not about those.
run 4 cyrrebuild --offline --undo "$undo" -q
has "$WORK/out" '^refused: changed	user\.anna	'
run 0 cyrrebuild --offline --undo "$undo" --force -q
snapshot "$TREE" | diff "$WORK/damaged" - || fail "not the originals"
run 0 cyrrebuild --offline --undo "$undo"
has "$WORK/out" '^0 restored, 0 removed, 0 moved back, [1-9]'

# Of databases each file stands for itself: mail came in for one quota root.
rm -r "$undo"
for root in a/user.anna f/user.fritz; do
    cp -p "$TREE/conf/quota/$root" "$WORK/${root#*/}"
    sed -i -E 's/S \([0-9]+/S (7/' "$TREE/conf/quota/$root"
done
cp -p "$TREE/conf/quota/f/user.fritz" "$WORK/fritz"
run 1 cyrrebuild -C "$TREE/imapd.conf" --offline --apply
cmp "$TREE/conf/quota/a/user.anna" "$WORK/user.anna"
sed -i -E 's/S \([0-9]+/S (12345/' "$TREE/conf/quota/a/user.anna"
cp -p "$TREE/conf/quota/a/user.anna" "$WORK/anna"
run 4 cyrrebuild --offline --undo "$undo" -q
has "$WORK/out" '^refused: changed	.*/conf//quota/	.*/conf/quota/a/user\.anna$'
[ "$(grep -c ^refused "$WORK/out")" -eq 1 ] || fail "another one was refused"
cmp "$TREE/conf/quota/a/user.anna" "$WORK/anna" || fail "new mail is not counted"
cmp "$TREE/conf/quota/f/user.fritz" "$WORK/fritz" || fail "the other was not undone"
snapshot "$TREE" | diff "$WORK/damaged" - || fail "mailboxes were not undone"
cp -p "$WORK/user.anna" "$TREE/conf/quota/a"
cp -p "$WORK/user.fritz" "$TREE/conf/quota/f"
rm -r "$undo"
run 1 cyrrebuild -C "$TREE/imapd.conf" --offline --apply -j1
archive=$(find "$undo" -name '*.tar.zst' | sort | tail -n 1)
run 0 cyrrebuild --offline --undo "$undo" -q

# A server that runs: found by the archive's place, or by imapd.conf.
echo "master_pid_file: $WORK/master.pid" >>"$TREE/imapd.conf"
for pid in "$WORK/master.pid" "$TREE/conf/master.pid"; do
    echo 1 >"$pid"
    hold "$pid"
    run 8 cyrrebuild -C "$TREE/imapd.conf" --undo "$archive"
    has "$WORK/err" 'the server runs'
    run 0 cyrrebuild -C "$TREE/imapd.conf" --undo "$archive" -n
    run 0 cyrrebuild -C "$TREE/imapd.conf" --undo "$archive" --offline
    release
    rm "$pid"
done
echo 1 >"$TREE/conf/master.pid"
hold "$TREE/conf/master.pid"
run 8 cyrrebuild --undo "$undo"
has "$WORK/err" 'the server runs'
release
rm "$TREE/conf/master.pid"
run 16 cyrrebuild --undo "$undo" --online
has "$WORK/err" 'stop the server'

# No archive, a damaged one, one of nothing.
run 8 cyrrebuild --offline --undo "$WORK/none"
has "$WORK/err" '/none: No such file'
head -c 1000 "$archive" >"$WORK/undo-1.tar.zst"
run 8 cyrrebuild --offline --undo "$WORK/undo-1.tar.zst"
[ "$(wc -l <"$WORK/err")" -eq 1 ] || fail "not one line"
mkdir "$WORK/empty"
run 0 cyrrebuild --offline --undo "$WORK/empty"
run 16 cyrrebuild --offline --undo "$undo" -u anna
has "$WORK/err" 'whole archives'

# Rebuilt in its place, undone below the root of a rescue system …
rm -r "$undo"
run 1 cyrrebuild -C "$TREE/imapd.conf" --offline --apply
rescue=$WORK/rescue
mkdir -p "$rescue$(dirname "$TREE")"
mv "$TREE" "$rescue$TREE"
run 8 cyrrebuild --offline --undo "$rescue$undo" -q
run 0 cyrrebuild --offline --undo "$rescue$undo" --root "$rescue/"
has "$WORK/out" "	$rescue$TREE/spool"
snapshot "$rescue$TREE" | diff "$WORK/damaged" - || fail "not the originals below a root"

# … and the other way round.
rm -r "$rescue$undo"
run 1 cyrrebuild --root "$rescue" -C "$TREE/imapd.conf" --offline --apply
mv "$rescue$TREE" "$TREE"
run 8 cyrrebuild --offline --undo "$undo" -q
run 0 cyrrebuild --offline --undo "$undo" --root / -q
snapshot "$TREE" | diff "$WORK/damaged" - || fail "not the originals in their place"

# A third place than that of the rebuild.
rm -r "$undo"
mv "$TREE" "$rescue$TREE"
run 1 cyrrebuild --root "$rescue" -C "$TREE/imapd.conf" --offline --apply
mv "$rescue" "$WORK/elsewhere"
run 0 cyrrebuild --offline --undo "$WORK/elsewhere$undo" --root "$WORK/elsewhere" -q
snapshot "$WORK/elsewhere$TREE" | diff "$WORK/damaged" - ||
    fail "not the originals in a third place"

# A directory may be called anything; a terminal must not obey it.
unpack 2.4.22-default
odd=$WORK/odd/user/$'a\033[31mb'
mkdir -p "$odd"
find "$(mailbox user.gudrun)" -maxdepth 1 -type f -exec cp -t "$odd" {} +
chmod 600 "$odd"/*
rm "$odd/cyrus.cache"
run 1 cyrrebuild --spool "$WORK/odd" --undo-dir "$WORK/odd-undo" --offline --apply
run 0 cyrrebuild --offline --undo "$WORK/odd-undo"
has "$WORK/out" '/a\\x1b\[31mb/cyrus\.cache$'
hasnt "$WORK/out" $'\033'
