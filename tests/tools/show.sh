#!/usr/bin/env bash
# cyrshow knows files by what is in them, shows what can be read, and marks each
# damage behind what it is about.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/damage.sh
. "$CYRE_SOURCE/tests/damage.sh"

need jq jq
unpack 3.6.1-default
dir=$(mailbox projects)

# before N REGEX: one of the N lines before the mark of CODE fits.
before() {
    grep -B "$2" "! .*$1" "$WORK/out" >"$WORK/near" || fail "no $1 is marked"
    has "$WORK/near" "$3"
}

# json FILTER WANT: what it gives for the lines of $WORK/out.
json() {
    local got
    got=$(jq -c "$1" "$WORK/out") || fail "not JSON Lines"
    [ "$got" = "$2" ] || fail "$1 gives $got, not $2"
}

# ---- what is there ----

run 0 cyrshow "$dir"
hasnt "$WORK/out" '!'
has "$WORK/out" '/cyrus.header: header, '
has "$WORK/out" '^ *acl .*anna lrswipkxtecda'
has "$WORK/out" '^ *minor_version +17$'
has "$WORK/out" '^uid 12 +2023-09-13T09:10:24Z +719 bytes +modseq 67 \\Answered$'
run 0 cyrshow --json "$dir"
# shellcheck disable=SC2016 # keywords with a dollar sign
json 'select(.type == "record" and .uid == 26) |
    [.system_flags, .user_flags, .internaldate, .size, .modseq]' \
    '[["\\Flagged"],["NonJunk","$MDNSent","$label1"],"2002-06-24T22:03:05Z",881,33]'
run 0 cyrshow --json "$dir/cyrus.cache"
json 'select(.uid == 5) | .envelope | .[0:20]' '"(\"Sat, 21 Dec 1996 2"'
records=$(grep -c '"type":"cache-record"' "$WORK/out")

# Names tell nothing.
for file in header index cache; do
    cp "$dir/cyrus.$file" "$WORK/#$file"
    run 0 cyrshow "$WORK/#$file"
    has "$WORK/out" "#$file: $file, "
done
# Without an index the records of a cache are found one after the other.
[ "$(grep -c '^at ' "$WORK/out")" -ge "$records" ] || fail "cache walk"
run 0 cyrshow "$TREE/conf/mailboxes.db"
has "$WORK/out" 'twoskip'

# ---- what is damaged ----

poke "$dir/cyrus.header" 30 ff
poke "$dir/cyrus.index" 300 ff
poke "$dir/cyrus.cache" 5000 ff
run 4 cyrshow "$dir"
before HD-002 1 '/cyrus.header: header'
before IX-012 1 '^uid 2 '
has "$WORK/out" '^ *! stale CA-002, uid 5: '
run 4 cyrshow "$dir/cyrus.cache"
before CA-002 11 '^uid 5, at '
run 4 cyrshow --json "$dir/cyrus.index"
json 'select(.code == "index-record-crc") | [.uid, .offset]' '[2,272]'

# A file whose header is gone is known by its name alone.
zero "$dir/cyrus.index" 0 160
run 4 cyrshow "$dir/cyrus.index"
before IX-052 1 "cyrus.index: index"
# Its records are, by their check sums.
has "$WORK/out" '^uid 12 +2023-09-13T09:10:24Z .*\[intact\]$'

# Cut anywhere, whatever is left is shown.
cp "$dir/cyrus.header" "$dir/cyrus.cache" "$WORK"
for n in 0 3 4 5 100 1000 4097; do
    for file in header cache; do
        cp "$WORK/cyrus.$file" "$dir/cyrus.$file"
        size=$(stat -c %s "$dir/cyrus.$file")
        [ "$n" -lt "$size" ] || continue
        cut_file "$dir/cyrus.$file" "$n"
        status=0
        cyrshow "$dir/cyrus.$file" >"$WORK/out" 2>&1 || status=$?
        case $status in 0 | 4 | 8) ;; *) fail "exit status $status" ;; esac
    done
done

# ---- what cannot be read ----

run 8 cyrshow "$WORK/absent"
has "$WORK/err" 'No such file'
head -c 500 /dev/zero >"$WORK/zeros"
run 8 cyrshow "$WORK/zeros"
has "$WORK/err" 'no file of a mailbox'
ln -s /etc/passwd "$WORK/link"
run 8 cyrshow "$WORK/link" /dev/null
has "$WORK/err" 'link: neither file nor directory'
has "$WORK/err" 'null: neither file nor directory'
rm "$dir/cyrus.index"
mkfifo "$dir/cyrus.index"
run 4 cyrshow "$dir"
has "$WORK/out" 'FS-003: a fifo'
