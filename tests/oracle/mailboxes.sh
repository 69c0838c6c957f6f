#!/usr/bin/env bash
# Debian's Cyrus 3.6.1 serves a tree of that release whose mailboxes.db was
# gone, torn, zeroed at its beginning, or replaced by an old copy, after
# `cyrdb rebuild mailboxes`: LIST of every user, ACLs, EXAMINE as in the truth.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

cyrus=/usr/lib/cyrus/bin
for program in ctl_cyrusdb ctl_mboxlist imapd; do
    [ -x $cyrus/$program ] || skip "no $cyrus/$program (Debian: cyrus-imapd)"
done
[ "$(id -u)" -eq 0 ] || skip "only root can become the user cyrus"
id cyrus >/dev/null 2>&1 || skip "no user cyrus"
need setpriv util-linux

as_cyrus() {
    setpriv --reuid=cyrus --regid=mail --clear-groups "$@"
}

damage() {
    case $1 in
        gone) rm "$db" ;;
        torn) truncate -s $(($(stat -c %s "$db") / 2)) "$db" ;;
        zeroed) dd if=/dev/zero of="$db" bs=512 count=1 conv=notrunc status=none ;;
    esac
}

for tree in 3.6.1-default 3.6.1-hashed 3.6.1-metapart 3.6.1-virtdom; do
    truth $tree >"$WORK/truth.jsonl"
    for damage in gone torn zeroed; do
        unpack $tree "$WORK/tree"
        db=$TREE/conf/mailboxes.db
        for dir in proc lock socket log; do
            install -d -o cyrus -g mail "$TREE/conf/$dir"
        done
        damage $damage
        run 1 cyrdb rebuild mailboxes -C "$TREE/imapd.conf" --apply --offline
        run 0 cyrdb check -q "$db"
        # What the server does when it starts.
        as_cyrus $cyrus/ctl_cyrusdb -C "$TREE/imapd.conf" -r \
            >"$WORK/out" 2>&1 || fail "ctl_cyrusdb: exit status $?"
        [ ! -s "$WORK/out" ] || fail "ctl_cyrusdb: $(head -n 3 "$WORK/out")"
        echo "$tree, $damage: rebuilt"
        "$PYTHON" "$CYRE_SOURCE/tests/oracle/mailboxes.py" \
            "$TREE/imapd.conf" "$WORK/truth.jsonl" || fail "$tree, $damage"
        rm -rf "$TREE"
    done
done
