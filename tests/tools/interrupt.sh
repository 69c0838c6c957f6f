#!/usr/bin/env bash
# SIGINT in the middle of a rebuild: what is begun is finished, exit status 32, a
# report that is not complete; --resume does the rest and no more, and the files
# are those of a run nobody interrupted. In which order mailboxes are done.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

need jq jq
need strace strace
strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"

rebuild() {
    cyrrebuild -C "$TREE/imapd.conf" --offline "$@"
}

contents() {
    (cd "$1" && find spool spool2 -type f -printf '%m %U:%G %P\n' | sort
        find spool spool2 -type f -print0 | sort -z | xargs -0 sha256sum)
}

names() {
    jq -r 'select(.type == "mailbox").mboxname' "$1"
}

hurt() {
    find "$1" -name cyrus.index -exec truncate -s -1 {} +
}

unpack 3.6.1-default "$WORK/calm"
hurt "$TREE"
run 1 rebuild --apply -o "$WORK/calm.jsonl"
contents "$TREE" >"$WORK/want"
want=$(names "$WORK/calm.jsonl" | wc -l)

for signal in INT TERM; do
    unpack 3.6.1-default "$WORK/$signal"
    hurt "$TREE"
    # -D: the tool is our child, strace its own grandchild.
    strace -D -f -qq -o /dev/null -e inject=fsync:delay_enter=100000 \
        cyrrebuild -C "$TREE/imapd.conf" --offline --apply -j1 \
        -o "$WORK/first" >"$WORK/out" 2>"$WORK/err" &
    pid=$!
    for _ in $(seq 600); do
        grep -q '"done"' "$WORK/first.journal" 2>/dev/null && break
        sleep 0.05
    done
    kill -$signal $pid
    status=0
    wait $pid || status=$?
    [ $status -eq 33 ] || fail "$signal: exit status $status"
    check_reports "$WORK/first"
    jq -e --argjson exit $status 'select(.type == "trailer") |
        .complete == false and .exit == $exit' "$WORK/first" >/dev/null ||
        fail "$signal: the trailer is not true"
    names "$WORK/first" | sort >"$WORK/done"
    done=$(wc -l <"$WORK/done")
    if [ "$done" -lt 1 ] || [ "$done" -ge "$want" ]; then
        fail "$signal: $done of $want mailboxes were done"
    fi
    # What was begun is whole.
    cmp <(grep -c '"intent"' "$WORK/first.journal") <(grep -c '"done"' \
        "$WORK/first.journal") || fail "$signal: something was left half done"
    [ -z "$(find "$TREE" -name '.cyrescue-new.*')" ] || fail "$signal: temporaries"

    run 1 rebuild --apply --resume "$WORK/first" -o "$WORK/second"
    check_reports "$WORK/second"
    names "$WORK/second" | sort | comm -12 - "$WORK/done" >"$WORK/twice"
    [ ! -s "$WORK/twice" ] || fail "$signal: done twice: $(head -n 1 "$WORK/twice")"
    [ "$(names "$WORK/second" | wc -l)" -eq $((want - done)) ] ||
        fail "$signal: not the rest"
    contents "$TREE" | diff "$WORK/want" - || fail "$signal: other files"
    # There is nothing left to go on with.
    run 0 rebuild --apply --resume "$WORK/first" -o "$WORK/third"
    rm -rf "$TREE" "$WORK/first" "$WORK/first.journal"
done

# By name; and by who is hurt most, the inbox first.
unpack 3.6.1-default "$WORK/order"
rm "$(mailbox user.fritz.Drafts)/cyrus.index" "$(mailbox user.fritz)/cyrus.index"
run 1 rebuild --apply -j1 -u fritz -u anna --order name -o "$WORK/report"
names "$WORK/report" | sort -c || fail "not in the order of the names"
run 0 cyrrebuild --offline --undo "$TREE/conf/cyrescue-undo" -q
run 1 rebuild --apply -j1 -u fritz -u anna --order impact -o "$WORK/impact"
names "$WORK/impact" >"$WORK/names"
first=$(head -n 1 "$WORK/names")
[ "$first" = user.fritz ] || fail "$first came before user.fritz"
n=$(grep -c '^user\.fritz' "$WORK/names")
head -n "$n" "$WORK/names" | grep -v '^user\.fritz' &&
    fail "somebody who is well came before him"
# Behind them what they use is counted.
jq -r 'select(.state == "done").mboxname' "$WORK/impact.journal" |
    cmp - <(printf 'user.fritz\nuser.fritz.Drafts\n%s//quota/\n' \
        "$TREE/conf") ||
    fail "the files were not written in that order"
