#!/usr/bin/env bash
# What is selected is scanned and nothing else; shares add up to the whole.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

need jq jq
unpack 3.6.1-virtdom
conf=$TREE/imapd.conf

# names ARGUMENT...: the mailboxes of a scan, sorted.
names() {
    cyrscan -C "$conf" --level 2 --json "$@" 2>"$WORK/err" |
        jq -r 'select(.type == "mailbox") | .mboxname' | sort
}

names >"$WORK/all"
[ "$(wc -l <"$WORK/all")" -ge 11 ] || fail "too few mailboxes"

names -u gudrun >"$WORK/some"
grep -E '(^|\.)user\.gudrun(\.|$)' "$WORK/all" | diff - "$WORK/some" ||
    fail "--user"
names -p part2 >"$WORK/some"
[ -s "$WORK/some" ] || fail "--partition found nothing"
[ "$(wc -l <"$WORK/some")" -lt "$(wc -l <"$WORK/all")" ] || fail "--partition"
names -m user.gudrun -m 'user.fritz*' >"$WORK/some"
grep -E '^user\.(gudrun$|fritz)' "$WORK/all" | diff - "$WORK/some" ||
    fail "--mailbox"
names -m 'user.gudrun.%' >"$WORK/some"
grep -E '^user\.gudrun\.[^.]*$' "$WORK/all" | diff - "$WORK/some" || fail "%"
printf 'user.gudrun\nuser.fritz\n' | names --from-file - >"$WORK/some"
printf 'user.fritz\nuser.gudrun\n' | diff - "$WORK/some" || fail "--from-file"
printf 'user.gudrun\0user.fritz\0' | names -0 --from-file - >"$WORK/some"
printf 'user.fritz\nuser.gudrun\n' | diff - "$WORK/some" || fail "--null"
for k in 1 2 3; do
    names --shard $k/3
done | sort | diff "$WORK/all" - || fail "the shares are not the whole"

# What was asked for and is not there: a slip of the keyboard, or worse.
run 8 cyrscan -C "$conf" -m user.gudrun -m user.gurdun -u gudrun --cron
has "$WORK/err" '^cyrscan: no mailbox for --mailbox user\.gurdun$'
hasnt "$WORK/err" 'for --user'
run 8 cyrrebuild -C "$conf" -u gudrun -m user.fritz --cron # both there, not one
has "$WORK/err" '^cyrrebuild: no mailbox for --user gudrun$'
run 8 cyrscan -C "$conf" -p part2 -p part7 --cron
has "$WORK/err" '^cyrscan: no mailbox for --partition part7$'
hasnt "$WORK/err" 'part2'
for k in 1 2 3; do
    run 0 cyrscan -C "$conf" -u gudrun -m 'user.gud*' --shard $k/3 --cron
done
seq 12 >"$WORK/names"
run 8 cyrscan -C "$conf" --from-file "$WORK/names" --cron
has "$WORK/err" '^cyrscan: and 2 more$'

# A rescue system has the same tree below another root.
mkdir -p "$WORK/rescue/etc" "$WORK/rescue/srv"
cp -a "$TREE" "$WORK/rescue/srv/imap"
sed "s,$TREE,/srv/imap," "$conf" >"$WORK/rescue/etc/imapd.conf"
cyrscan --root "$WORK/rescue" --level 2 --json |
    jq -r 'select(.type == "mailbox") | .mboxname' | sort |
    diff "$WORK/all" - || fail "--root"

# A bare copy.
run 0 cyrscan --spool "$TREE/spool" -o "$WORK/report"
jq -r 'select(.type == "mailbox") | .mboxname' "$WORK/report" >"$WORK/some"
has "$WORK/some" '^user\.gudrun$'

# --cron is silent where nothing is wrong, and only there.
run 0 cyrscan -C "$conf" --cron
[ ! -s "$WORK/out" ] || fail "--cron printed something"
[ ! -s "$WORK/err" ] || fail "--cron wrote to standard error"
truncate -s 100 "$(mailbox user.gudrun)/cyrus.index"
run 4 cyrscan -C "$conf" --cron
[ -s "$WORK/out" ] || fail "--cron printed nothing"
run 0 cyrscan -C "$conf" --fail-on loss
run 4 cyrscan -C "$conf" --fail-on damage
