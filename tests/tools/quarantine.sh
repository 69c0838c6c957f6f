#!/usr/bin/env bash
# --orphans: files of messages that were deleted stay where they are, unless the
# administrator says otherwise; quarantined, they keep bytes, owner, mode and
# time, the server and a scan do not see them, and --undo brings them back.
# --accept all: what is no file and stands in the place of one goes aside.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck source=tests/damage.sh
. "$CYRE_SOURCE/tests/damage.sh"

need jq jq

rebuild() {
    cyrrebuild -C "$TREE/imapd.conf" --offline "$@"
}

left_files() {
    jq -r 'select(.code == "message-file-left").uid' "$WORK/scan"
}

# Exit status 1, or 5 where something is left, is fine.
repairs() {
    local status=0
    rebuild "$@" >"$WORK/out" 2>"$WORK/err" || status=$?
    [ $((status & ~4)) -eq 1 ] && return
    head -n 40 "$WORK/out" "$WORK/err" >&2
    fail "exit status $status: $*"
}

scan() {
    cyrscan -C "$TREE/imapd.conf" -o "$WORK/scan" -q "$@"
}

# Every entry of the tree but the server's configuration.
snapshot() {
    find "$TREE" -path "$TREE/conf" -prune -o ! -type d \
        -printf '%P %y %l %m %U:%G %T@\n' | sort
    find "$TREE" -path "$TREE/conf" -prune -o -type f -print0 | sort -z |
        xargs -0 sha256sum
}

# forget INDEX: takes the second record out; prints its uid.
forget() {
    "$PYTHON" - "$1" <<'END'
import struct, sys
with open(sys.argv[1], "r+b") as f:
    b = bytearray(f.read())
    start, size = struct.unpack(">II", b[12:20])
    at = start + size
    print(struct.unpack(">I", b[at:at + 4])[0])
    del b[at:at + size]
    f.seek(0)
    f.write(b)
    f.truncate()
END
}

for name in 3.6.1-default 2.4.22-default; do
    unpack "$name"
    # The one with most messages.
    box=$(find "$TREE/spool" -name '[1-9]*.' -printf '%h\n' | sort | uniq -c |
        sort -rn | sed -n '1s/^ *[0-9]* //p')

    # An index that is whole and does not have the message: it was deleted.
    uid=$(forget "$box/cyrus.index")
    repairs --apply --orphans report
    rm -r "$TREE/conf/cyrescue-undo"
    chmod 640 "$box/$uid."
    touch -d '2003-02-01 04:05:06.789' "$box/$uid."
    snapshot >"$WORK/before"

    for orphans in auto report; do
        run 0 rebuild --apply --orphans $orphans
        snapshot | cmp - "$WORK/before" || fail "$name: $orphans moved it"
    done
    run 0 scan
    [ "$(left_files)" = "$uid" ] || fail "$name: not seen"

    # The plan, and just that.
    run 4 rebuild --orphans quarantine --plan-out "$WORK/plan" -o "$WORK/report"
    check_reports "$WORK/report"
    snapshot | cmp - "$WORK/before" || fail "$name: planning moved it"
    [ "$(jq -c 'select(.type == "mailbox").quarantine' "$WORK/plan")" = \
        "[{\"uid\":$uid}]" ] || fail "$name: not planned"
    run 8 rebuild --apply --plan "$WORK/plan"
    has "$WORK/out" 'were the options the same'
    snapshot | cmp - "$WORK/before" || fail "$name: moved without the policy"
    file=$(stat -c '%i %a %U:%G %y' "$box/$uid.")
    run 1 rebuild --apply --plan "$WORK/plan" --orphans quarantine
    run 0 rebuild --apply --plan "$WORK/plan" --orphans quarantine
    there=$(find "$TREE" -path '*/.cyrescue-quarantine/*' -name "$uid.")
    [ "$there" = "$TREE/spool/.cyrescue-quarantine/${box#"$TREE"/spool/}/$uid." ] ||
        fail "$name: it is in '$there'"
    [ "$(stat -c '%i %a %U:%G %y' "$there")" = "$file" ] || fail "$name: not the file"
    run 0 scan
    [ -z "$(left_files)" ] || fail "$name: still seen"
    hasnt "$WORK/scan" quarantine
    run 0 rebuild --apply --orphans quarantine

    # A second one of that name does not replace the first.
    cp -p "$there" "$box/$uid."
    printf 'another\n' >>"$box/$uid."
    run 1 rebuild --apply --orphans quarantine
    [ -e "$there" ] || fail "$name: the first of two is gone"
    [ -e "$there~1" ] || fail "$name: the second of two is gone"

    run 4 cyrrebuild --offline --undo "$TREE/conf/cyrescue-undo"
    has "$WORK/out" "^refused: changed.*/$uid\\.$"
    has "$box/$uid." '^another$'
    rm "$box/$uid."
    run 0 cyrrebuild --offline --undo \
        "$(find "$TREE/conf/cyrescue-undo" -name '*.zst' | sort | head -n 1)"
    has "$WORK/out" "^move.*/$uid\\.$"
    [ "$(stat -c '%i %a %U:%G %y' "$box/$uid.")" = "$file" ] || fail "$name: not undone"
    snapshot | cmp - "$WORK/before" || fail "$name: not the originals"
    [ ! -e "$TREE/spool/.cyrescue-quarantine" ] || fail "$name: an empty folder is left"
    rm -r "$TREE/conf/cyrescue-undo"

    # Adopted because somebody says so.
    run 1 rebuild --apply --orphans adopt
    run 0 scan --level 4
    [ -z "$(left_files)" ] || fail "$name: not adopted"
    run 0 cyrrebuild --offline --undo "$TREE/conf/cyrescue-undo" -q
    snapshot | cmp - "$WORK/before" || fail "$name: not the originals"
    rm -r "$TREE/conf/cyrescue-undo" "$box/$uid."

    # Something that is no file.
    rm "$box/cyrus.header" "$box/cyrus.cache"
    ln -s /etc/passwd "$box/cyrus.cache"
    mkdir "$box/cyrus.header"
    mkfifo "$box/cyrus.header/fifo"
    snapshot >"$WORK/before"
    run 4 rebuild --apply
    snapshot | cmp - "$WORK/before" || fail "$name: something was moved"
    sum=$(sha256sum /etc/passwd)
    run 1 rebuild --apply --accept all
    [ "$sum" = "$(sha256sum /etc/passwd)" ] || fail "the link was followed"
    [ -f "$box/cyrus.header" ] || fail "$name: no header in its place"
    [ ! -L "$box/cyrus.cache" ] || fail "$name: the link is still there"
    [ -L "${there%/*}/cyrus.cache" ] || fail "$name: the link is gone"
    [ -p "${there%/*}/cyrus.header/fifo" ] || fail "$name: the folder is gone"
    run 0 scan --level 4
    run 0 cyrrebuild --offline --undo "$TREE/conf/cyrescue-undo"
    snapshot | diff "$WORK/before" - || fail "$name: not the originals"
    rm -rf "$TREE"
done

# What only a person can decide, decided: the server is not to remove it.
unpack 3.6.1-default
box=$(mailbox user.anna)
edit "$box/cyrus.index" header 'options=|0x80000000'
run 4 rebuild --apply
run 1 rebuild --apply --accept all
run 0 scan
run 0 rebuild --apply --accept all
