#!/usr/bin/env bash
# How a rebuild behaves around the repairs: planning opens nothing for writing;
# a plan is refused where files changed since; a running server is noticed, and
# its locks are respected; an interrupted run is gone on with; wrong usage.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

need jq jq

rebuild() {
    cyrrebuild -C "$TREE/imapd.conf" "$@"
}

outcome() {
    jq -r --arg name "$2" 'select(.type == "mailbox" and .mboxname == $name) |
        .outcome' "$1"
}

unpack 3.6.1-default
anna=$(mailbox user.anna)
fritz=$(mailbox user.fritz)

# Nothing to do.
run 0 rebuild --offline --apply -o "$WORK/report"
check_reports "$WORK/report"
cmp <(jq -r 'select(.type == "mailbox").outcome' "$WORK/report" | sort -u) \
    <(echo clean) || fail "a clean tree is not clean"

cp -a "$fritz" "$WORK/fritz"
truncate -s -70 "$anna/cyrus.index"
rm "$fritz/cyrus.index"

# A plan, and what changed since.
run 4 rebuild --plan-out "$WORK/plan" -o "$WORK/report"
check_reports "$WORK/report"
[ "$(outcome "$WORK/report" user.anna)" = planned ] || fail "not planned"
# Three losses of a kind are lines on the screen, the rest a number.
[ "$(grep -c '^    cyrus\.index uid .*LOST: flags$' "$WORK/out")" -eq 3 ] ||
    fail "not three lines"
n=$(jq -r 'select(.type == "repair" and .loss == "flags") | .mboxname' \
    "$WORK/report" | grep -c '^user\.fritz$')
has "$WORK/out" "^    and $((n - 3)) more\$"
rebuild -v >"$WORK/out" || :
[ "$(grep -c '^    cyrus\.index uid .*LOST: flags$' "$WORK/out")" -ge "$n" ] ||
    fail "-v does not show each"
cp -p "$anna/cyrus.index" "$WORK/index"
truncate -s -1 "$anna/cyrus.index"
run 9 rebuild --offline --apply --plan "$WORK/plan" -o "$WORK/report"
check_reports "$WORK/report"
[ "$(outcome "$WORK/report" user.anna)" = failed ] || fail "done all the same"
[ "$(outcome "$WORK/report" user.fritz)" = repaired ] || fail "not repaired"
cmp <(head -c -1 "$WORK/index") "$anna/cyrus.index" || fail "was touched"
# Again: what is done stays done. Then somebody else was there.
run 8 rebuild --offline --apply --plan "$WORK/plan" -o "$WORK/report"
[ "$(outcome "$WORK/report" user.fritz)" = clean ] || fail "not seen to be done"
cp -a "$WORK/fritz/." "$fritz"
# 1: what it uses is counted again.
run 9 rebuild --offline --apply --plan "$WORK/plan" -o "$WORK/report"
[ "$(outcome "$WORK/report" user.fritz)" = failed ] ||
    fail "a plan that fits no more, and not a word"
has "$WORK/out" 'user\.fritz '
head -c 200 "$WORK/plan" >"$WORK/cut"
run 8 rebuild --offline --apply --plan "$WORK/cut"

# Only what is named.
run 4 rebuild --offline --apply --only header-missing
cmp <(head -c -1 "$WORK/index") "$anna/cyrus.index" || fail "was touched"

# A server that runs.
echo "master_pid_file: $WORK/master.pid" >>"$TREE/imapd.conf"
echo 1 >"$WORK/master.pid"
hold "$WORK/master.pid"
run 8 rebuild --apply
has "$WORK/err" 'the server runs'
run 1 rebuild --apply --online
release
run 0 rebuild --apply

# The journal: what is done is skipped.
truncate -s -70 "$anna/cyrus.index"
run 1 rebuild --offline --apply -u anna -o "$WORK/first"
truncate -s -70 "$anna/cyrus.index"
rm "$fritz/cyrus.index"
sum=$(sha256sum "$anna/cyrus.index")
run 1 rebuild --offline --apply --resume "$WORK/first" -o "$WORK/second"
check_reports "$WORK/second"
[ "$(outcome "$WORK/second" user.fritz)" = repaired ] || fail "not repaired"
[ "$sum" = "$(sha256sum "$anna/cyrus.index")" ] || fail "was not skipped"

# Locks of a 2.3: the files themselves.
unpack 2.3.16-metapart
index=$(find "$TREE" -name cyrus.index -path '*/user/*' | sort | sed -n 1p)
truncate -s -20 "$index"
hold "$(dirname "$index")/cyrus.header"
run 8 rebuild --apply --online -o "$WORK/report"
[ "$(jq -r 'select(.outcome == "failed").error' "$WORK/report" | wc -l)" -eq 1 ] ||
    fail "the lock was not respected"
release
run 1 rebuild --apply --online

# A plan writes nothing but itself (a sanitizer has files of its own).
if [ -z "$CYRE_SANITIZE" ] && command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
    truncate -s -20 "$index"
    run 4 strace -f -qq -o "$WORK/trace" -e signal=none \
        -e trace=%file,ftruncate,fallocate \
        cyrrebuild -C "$TREE/imapd.conf" --plan-out "$WORK/plan"
    # Not the times of a child that reads Berkeley databases.
    sed -i '/ --- SIGCHLD /d' "$WORK/trace"
    grep -E 'O_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)' "$WORK/trace" |
        grep -vF "\"$WORK/plan" >"$WORK/writes" || :
    [ ! -s "$WORK/writes" ] || fail "a plan opened for writing"
    hasnt "$WORK/trace" '^[0-9]+ +((un)?link|rename|mkdir|rmdir|symlink|mknod)'
    hasnt "$WORK/trace" 'f?truncate|fallocate|chmod|chown|utime|setxattr'
fi

# wrong REGEX ARGUMENT...
wrong() {
    local regex=$1
    shift
    run 16 cyrrebuild "$@"
    [ ! -s "$WORK/out" ] || fail "printed something: $*"
    [ "$(wc -l <"$WORK/err")" -eq 1 ] || fail "not one line: $*"
    has "$WORK/err" '^cyrrebuild: '
    has "$WORK/err" "$regex"
}

conf=$TREE/imapd.conf
wrong 'nonsense' --nonsense
wrong 'perhaps' -C "$conf" --accept perhaps
wrong 'no-such-code' -C "$conf" --only no-such-code
wrong '11' -C "$conf" --index-version 11
wrong 'new' -C "$conf" --as-release new
wrong 'exclude' -C "$conf" --online --offline
wrong 'exclude' -C "$conf" --apply -n
wrong 'needs --apply' -C "$conf" --plan "$WORK/plan"
wrong 'surplus' -C "$conf" surplus
run 0 cyrrebuild --help
run 0 cyrrebuild --version

# A message of 3000 messages, each in the one before, is one of the server's; of
# 20000 the mailbox is rebuilt, and the message named.
unpack 3.6.1-default
anna=$(mailbox user.anna)
rm "$anna/cyrus.index"
nested() {
    printf 'Date: Mon, 2 Jan 2023 10:00:00 +0000\r\nMIME-Version: 1.0\r\n'
    printf 'Content-Type: message/rfc822\r\n\r\n%.0s' $(seq "$1")
    printf 'Subject: inner\r\n\r\ntext\r\n'
}
nested 3000 >"$anna/3000."
nested 20000 >"$anna/20000."
chown --reference="$anna" "$anna/3000." "$anna/20000."
run 1 rebuild --offline --apply -m user.anna -o "$WORK/report"
check_reports "$WORK/report"
[ "$(jq -r 'select(.code == "message-too-deep").uid' "$WORK/report")" = 20000 ] ||
    fail "not just the one that is too deep"
cyrshow --json "$anna/cyrus.index" | jq -c 'select(.uid == 3000 or .uid == 20000) |
    [.uid, .size, .header_size, .gmtime]' >"$WORK/deep"
diff - "$WORK/deep" <<'END' || fail "other records"
[3000,96081,89,"2023-01-02T10:00:00Z"]
[20000,640081,89,"2023-01-02T10:00:00Z"]
END
run 0 cyrscan -C "$TREE/imapd.conf" -m user.anna --level 5 -o "$WORK/report"
[ "$(jq -r 'select(.code == "message-not-compared").uid' "$WORK/report")" = 20000 ] ||
    fail "compared"
