#!/usr/bin/env bash
# A link, a fifo or a directory in a file's place is a finding and never opened:
# the scan neither follows it, nor waits for a writer, nor fails.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

unpack 3.6.1-default
dir=$(mailbox user.anna)
message=$(find "$dir" -name '[1-9]*.' -printf '%f\n' | sort -n | sed -n 1p)
mv "$dir/cyrus.index" "$TREE/elsewhere"
ln -s "$TREE/elsewhere" "$dir/cyrus.index"
rm "$dir/cyrus.cache" "$dir/$message"
mkfifo "$dir/cyrus.cache"
mkdir "$dir/$message"
run 4 timeout 20 cyrscan -C "$TREE/imapd.conf" -o "$WORK/report"
check_reports "$WORK/report"
findings "$WORK/report" >"$WORK/findings"
for what in 'cyrus\.index -' 'cyrus\.cache -' "- ${message%.}"; do
    has "$WORK/findings" "not-a-regular-file user\.anna $what"
done

# A mailbox directory that is a link is not entered.
unpack 3.6.1-default "$WORK/linked"
dir=$(mailbox user.anna)
mv "$dir" "$TREE/elsewhere"
ln -s "$TREE/elsewhere" "$dir"
run 4 timeout 20 cyrscan -C "$TREE/imapd.conf" -o "$WORK/report"
findings "$WORK/report" >"$WORK/findings"
has "$WORK/findings" 'not-a-regular-file'
! jq -r .mboxname "$WORK/report" | grep -x user.anna ||
    fail "the link was followed"

# A damaged size does not make us read (or allocate) it.
unpack 3.6.1-default "$WORK/big"
dir=$(mailbox user.anna)
truncate -s 3000000000 "$dir/cyrus.header"
(cd "$dir" && touch core.{1..1100})
run 12 timeout 20 cyrscan -C "$TREE/imapd.conf" -o "$WORK/report"
jq -r 'select(.type == "finding") | .code' "$WORK/report" >"$WORK/codes"
has "$WORK/codes" '^file-too-big$'
has "$WORK/codes" '^odd-files-many$'

# A uuid directory of a name that no release makes.
index=$dir/cyrus.index
unpack 3.6.1-virtdom
mkdir -p "$TREE/spool/uuid/q/j/q"
cp -a "$index" "$TREE/spool/uuid/q/j/q"
run 4 cyrscan -C "$TREE/imapd.conf" -o "$WORK/report"
findings "$WORK/report" >"$WORK/findings"
has "$WORK/findings" 'fs-invalid-uniqueid'
