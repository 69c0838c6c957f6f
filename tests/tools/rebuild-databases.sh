#!/usr/bin/env bash
# One run of cyrrebuild brings mailboxes and databases back together: behind it
# a scan finds nothing that can be repaired; what it tells is what the scan
# finds; a second run changes nothing; any number of threads writes the same;
# --undo brings the damage back. What a person must decide stays, what is in
# order is not written, and --only, -u, --accept, --plan, --shard, --online and
# --no-databases leave alone what they should.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/damage.sh
. "$CYRE_SOURCE/tests/damage.sh"

need jq jq

# As tree_state, but of databases their records: when a file or an entry was
# made is the hour of the test.
content() {
    local db
    tree_state | grep -v '\.db$\|\.seen$\|\.db \|\.seen '
    find "$TREE/conf" -name cyrescue-undo -prune -o \
        -name mailboxes.db -print -o -name '*.seen' -print | sort |
        while IFS= read -r db; do
            echo "$db"
            cyrdb show --raw "$db" | sed -E 's/ M [0-9]+//'
        done
}

rebuild() {
    cyrrebuild -C "$TREE/imapd.conf" --offline "$@"
}

# scan STATUS: and what it finds, "code what", in $WORK/found.
scan() {
    run "$1" cyrscan -C "$TREE/imapd.conf" -o "$WORK/scan.jsonl"
    jq -r 'select(.type == "finding" and .severity != "note") |
        .code' "$WORK/scan.jsonl" | sort -u >"$WORK/found"
}

# undo, and it must be the state in FILE.
undone() {
    run 0 cyrrebuild --undo "$TREE/conf/cyrescue-undo" -q
    rm -r "$TREE/conf/cyrescue-undo"
    tree_state | diff "$1" - >&2 || fail "not undone"
}

# What a report says of databases: "database action name".
entries() {
    jq -r 'select(.type == "entry") |
        [.database, .action, .name] | join(" ")' "$1"
}

state() {
    jq -r --arg db "$2" 'select(.type == "sum" and .database == $db).state' "$1"
}

# Wrong usage of a quota root that has some.
miscount() {
    sed -i -E '1s/^[0-9]+$/7/; s/\bS \([0-9]+/S (7/' "$(quota_file)"
}
quota_file() {
    find "$TREE/conf" -path '*quota/*' -type f | sort | sed -n 1p
}

# ---- nothing is wrong ----

for name in $(trees); do
    case $name in
        # The servers left what was never counted, or not to the end.
        2.3.16-then-3.6.1-* | 2.4.22-then-3.0.18-* | 2.5.17-*) continue ;;
    esac
    unpack "$name"
    tree_state >"$WORK/before"
    scan 0
    run 0 rebuild --apply
    tree_state | diff "$WORK/before" - >&2 || fail "$name: was written"
    [ ! -d "$TREE/conf/cyrescue-undo" ] ||
        [ -z "$(find "$TREE/conf/cyrescue-undo" -name 'undo-*')" ] ||
        fail "$name: there is an archive"
    rm -rf "$TREE"
done

# ---- everything at once ----

# hurt FORMAT PATTERN: the entry of a mailbox, a quota, a user's read marks, and
# two mailboxes of which nothing but messages is left to count.
hurt() {
    local index
    edit_db "$TREE/conf/mailboxes.db" "$1" "$2"
    miscount
    index=$(find "$TREE" -name cyrus.index -size +1 | sort)
    rm "$(sed -n 1p <<<"$index")"
    truncate -s -20 "$(sed -n 2p <<<"$index")"
}

together() {
    local name=$1 damage=$2 j
    unpack "$name"
    $damage
    tree_state >"$WORK/damaged"
    scan 4
    for code in $3; do
        has "$WORK/found" "^$code$"
    done
    run 4 rebuild -o "$WORK/plan.jsonl"
    check_reports "$WORK/plan.jsonl"
    tree_state | diff "$WORK/damaged" - >&2 || fail "$name: a plan wrote"
    for j in 0 1 8; do
        run 1 rebuild --apply --timezone UTC -j $j -o "$WORK/report"
        check_reports "$WORK/report"
        entries "$WORK/report" >"$WORK/entries-$j"
        content >"$WORK/new-$j"
        diff "$WORK/new-0" "$WORK/new-$j" >&2 || fail "$name: -j $j differs"
        diff "$WORK/entries-0" "$WORK/entries-$j" >&2 ||
        fail "$name: -j $j tells otherwise"
        scan 0
        run 0 rebuild --apply
        undone "$WORK/damaged"
    done
    echo "$name: $(sort "$WORK/entries-0" | cut -d' ' -f1,2 | uniq -c |
        tr -s ' \n' ' ')"
    rm -rf "$TREE"
}

hurt_2_4() {
    hurt skiplist '/^user.dmitri.Family\t/d'
    mv "$TREE/spool/user/dmitri/Renamed Drafts" "$TREE/spool2/user/dmitri/"
}
hurt_3_6() {
    hurt twoskip '/user.fritz.Drafts/d'
}
hurt_2_3() {
    hurt skiplist '/^user.elif.Work\t/d'
    sed -i 's/2a0202586b047ce7/2a0202586b047c00/' \
        "$(mailbox user.elif.Work)/cyrus.header"
}
together 2.4.22-default hurt_2_4 \
    'meta-dir-no-db-entry db-partition-disagrees index-missing'
together 3.6.1-default hurt_3_6 \
    'meta-dir-no-db-entry index-missing'
together 2.3.16-metapart hurt_2_3 'meta-dir-no-db-entry seen-detached'

# The list is gone, and so are the headers that would name its mailboxes'
# uniqueids: these come back first.
gone() {
    rm "$TREE/conf/mailboxes.db"*
    rm -rf "$TREE/conf/db.backup1" "$TREE/conf/db.backup2"
    rm "$(mailbox user.anna)/cyrus.index"
    miscount
}
together 3.6.1-default gone 'mailboxes-db-missing index-missing'

# ---- what a person must decide ----

unpack 2.4.22-default
edit_db "$TREE/conf/mailboxes.db" skiplist \
    '/^user.gudrun.Work/s/\t0 /\t2 /; /^user.gudrun.Empty\t/d'
run 5 rebuild --apply -o "$WORK/report"
check_reports "$WORK/report"
has "$WORK/err" '^cyrrebuild: mailboxes.db: a person must decide .*: cyrdb rebuild mailboxes -C /'
grep -qx 'mailboxes.db left user.gudrun.Work' <(entries "$WORK/report") ||
    fail "not told that it is left"
[ "$(jq -c 'select(.type == "databases").left' "$WORK/report")" = \
    '{"db-reserved-entry":1}' ] || fail "something else is left"
cyrdb show "$TREE/conf/mailboxes.db" >"$WORK/list"
has "$WORK/list" '^user.gudrun.Work.2 '
has "$WORK/list" '^user.gudrun.Empty.0 '
scan 4
[ "$(cat "$WORK/found")" = db-reserved-entry ] || fail "the scan finds more"
run 1 rebuild --apply --accept all
scan 0
rm -rf "$TREE"

# ---- only part of it ----

unpack 2.4.22-default
hurt_2_4
tree_state >"$WORK/damaged"

# A reviewed plan tells, and need not have all databases.
run 4 rebuild --plan-out "$WORK/plan"
has "$WORK/plan" '"databases":\["mailboxes.db","quota","seen"\]'
has "$WORK/plan" '"type":"entry","database":"mailboxes.db","action":"added"'
sed '1s/"mailboxes.db",//' "$WORK/plan" >"$WORK/without"
run 5 rebuild --apply --plan "$WORK/without" -o "$WORK/report"
has "$WORK/err" '^cyrrebuild: mailboxes.db: .*the plan does not have it'
[ -z "$(state "$WORK/report" mailboxes.db)" ] || fail "not in the plan, but done"
[ "$(state "$WORK/report" quota)" = written ] || fail "in the plan, not done"
undone "$WORK/damaged"
cp -p "$TREE/conf/mailboxes.db" "$WORK/list.db"
edit_db "$TREE/conf/mailboxes.db" skiplist '/^user.gudrun.Empty\t/d'
run 13 rebuild --apply --plan "$WORK/plan" -o "$WORK/report"
check_reports "$WORK/report"
[ "$(state "$WORK/report" mailboxes.db)" = failed ] || fail "another file, done"
jq -r 'select(.type == "sum").error // ""' "$WORK/report" >"$WORK/told"
has "$WORK/told" 'changed since the plan was made'
has "$WORK/err" '^cyrrebuild: quota: .*mailboxes.db is not'
run 0 cyrrebuild --undo "$TREE/conf/cyrescue-undo" -q
rm -r "$TREE/conf/cyrescue-undo"
cp -p "$WORK/list.db" "$TREE/conf/mailboxes.db"
run 1 rebuild --apply --plan "$WORK/plan"
scan 0
undone "$WORK/damaged"

# Not at all.
run 5 rebuild --apply --no-databases
has "$WORK/err" '^cyrrebuild: mailboxes.db: .*--no-databases: cyrdb rebuild mailboxes'
tree_state | grep ' conf/\|/conf/' | diff <(grep ' conf/\|/conf/' \
    "$WORK/damaged") - >&2 || fail "--no-databases wrote"
scan 4
has "$WORK/found" '^meta-dir-no-db-entry$'
undone "$WORK/damaged"
# Of several runs side by side none does the server's; one behind them does.
for k in 1 2; do
    status=0
    rebuild --apply --shard $k/2 >"$WORK/out" 2>"$WORK/err" || status=$?
    [ $((status & ~5)) -eq 0 ] || fail "shard $k/2: exit status $status"
    tree_state | grep ' conf/\|/conf/' | diff <(grep ' conf/\|/conf/' \
        "$WORK/damaged") - >&2 || fail "a shard wrote a database"
done
run 1 rebuild --apply
scan 0
undone "$WORK/damaged"

# Only what is proven: usage is counted, an entry is made by a rule.
run 4 rebuild --accept exact -o "$WORK/report"
entries "$WORK/report" >"$WORK/told"
hasnt "$WORK/told" ' added '


# Only some findings.
run 5 rebuild --apply --only db-partition-disagrees -o "$WORK/report"
entries "$WORK/report" >"$WORK/told"
has "$WORK/told" '^mailboxes.db changed user.dmitri.Renamed Drafts'
hasnt "$WORK/told" ' added '
undone "$WORK/damaged"
cp -a "$TREE" "$WORK/whole"
rm -rf "$TREE"
unpack 2.4.22-default
edit_db "$TREE/conf/mailboxes.db" skiplist '/^user.gudrun.Empty\t/d'
miscount
run 5 rebuild --apply --only quota-usage -o "$WORK/report"
[ "$(state "$WORK/report" quota)" = written ] || fail "quota was asked for"
scan 4
[ "$(cat "$WORK/found")" = meta-dir-no-db-entry ] || fail "not only the quota"
rm -rf "$TREE"
mv "$WORK/whole" "$TREE"

# Only some mailboxes, and their entries.
edit_db "$TREE/conf/mailboxes.db" skiplist '/^user.gudrun.Empty\t/d'
tree_state >"$WORK/damaged"
status=0
rebuild --apply -u gudrun -o "$WORK/report" >/dev/null 2>&1 || status=$?
[ $((status & ~1)) -eq 0 ] || fail "exit status $status"
cyrdb show "$TREE/conf/mailboxes.db" >"$WORK/list"
has "$WORK/list" '^user.gudrun.Empty.0 '
hasnt "$WORK/list" '^user.dmitri.Family.0 '
undone "$WORK/damaged"
rm "$TREE/conf/mailboxes.db"
run 4 rebuild --apply -u gudrun
has "$WORK/err" 'only some mailboxes were asked for: cyrdb rebuild mailboxes'
[ ! -e "$TREE/conf/mailboxes.db" ] || fail "a list of some mailboxes was made"
rm -rf "$TREE"

# One mailbox of a user: his quota is counted over all of them.
unpack 2.4.22-default
rm "$(mailbox 'user.dmitri.Renamed Drafts')/cyrus.index"
miscount
run 1 rebuild --apply -m 'user.dmitri.Renamed Drafts'
scan 0
rm -rf "$TREE"

# The server runs: it has them open.
unpack 2.4.22-default
miscount
echo "master_pid_file: $WORK/master.pid" >>"$TREE/imapd.conf"
echo 1 >"$WORK/master.pid"
hold "$WORK/master.pid"
cp -a "$TREE/conf" "$WORK/conf"
run 4 cyrrebuild -C "$TREE/imapd.conf" --apply --online
release
has "$WORK/err" '^cyrrebuild: quota: .*the server runs.*: cyrdb rebuild quota -C '
diff -r -x cyrescue-undo -x lock "$WORK/conf" "$TREE/conf" || fail "--online wrote"
run 1 cyrrebuild -C "$TREE/imapd.conf" --apply --online
scan 0
rm -rf "$TREE"

# ---- a mailbox with the name of a database ----

unpack 2.4.22-default
mv "$(mailbox bulletin.a)" "$TREE/spool/quota"
edit_db "$TREE/conf/mailboxes.db" skiplist 's/^bulletin.a\t/quota\t/'
miscount
run 1 rebuild --apply -o "$WORK/first"
grep -q '"state":"done"' "$WORK/first.journal" || fail "not in the journal"
rm "$(mailbox quota)/cyrus.index"
run 1 rebuild --apply --resume "$WORK/first" -o "$WORK/second"
[ "$(jq -r 'select(.type == "mailbox" and .mboxname == "quota").outcome' \
    "$WORK/second")" = repaired ] ||
    fail "the mailbox was taken for the database of its name"
rm -rf "$TREE"
note_small_set
