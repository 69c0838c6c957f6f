#!/usr/bin/env bash
# What a mailbox lost is taken from the databases, and the report says which:
# flags from conversations.db, also from one that is damaged; UIDVALIDITY from
# the status cache; the identity of a 2.x mailbox from its owner's read marks;
# the quota root from the roots there are.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/damage.sh
. "$CYRE_SOURCE/tests/damage.sh"

need jq jq

# repair MAILBOX: its report is $WORK/report.
repair() {
    local status=0
    cyrrebuild -C "$TREE/imapd.conf" --offline --apply -m "$1" \
        -o "$WORK/report" >/dev/null || status=$?
    [ $((status & ~5)) -eq 0 ] || fail "exit status $status: $1"
    check_reports "$WORK/report"
}

# origin FIELD: where the mailbox's (not a message's) value came from.
origin() {
    jq -r --arg field "$1" 'select(.type == "repair" and .field == $field and
        (.uid | not)) | "\(.origin), lost: \(.loss // "nothing")"' "$WORK/report"
}

is() {
    [ "$1" = "$2" ] || fail "$1, not $2"
}

# Conversations: intact, then with one bit flipped in the middle.
unpack 3.6.1-metapart
index=$(mailbox user.gudrun)/cyrus.index
flags() {
    cyrshow --json "$index" | jq -c 'select(.type == "record") |
        [.uid, .internaldate, .cid, (.system_flags | sort)]'
}
flags >"$WORK/before"
db=$(find "$TREE/conf" -name conversations.db -size +100k)
cp -p "$index" "$WORK/index"
cp -p "$db" "$WORK/db"
rm "$index"
repair user/gudrun
flags | cmp - "$WORK/before" || fail "other flags"
[ "$(jq -r 'select(.field == "record").origin' "$WORK/report" | sort -u)" = \
    conversations.db ] || fail "not from conversations.db"
for at in 24 5000 40000; do
    cp -p "$WORK/db" "$db"
    flip "$db" "$at"
    rm "$index"
    repair user/gudrun
    # Some may be gone with the damage; none may be another.
    same=$(flags | sort | comm -12 - <(sort "$WORK/before") | wc -l)
    all=$(wc -l <"$WORK/before")
    [ "$same" -ge $((all * 9 / 10)) ] ||
        fail "conversations.db damaged at $at: $same of $all"
done

# The status cache, where mailboxes.db is gone as well.
unpack 3.2.12-default
dir=$(mailbox user.anna)
was=$(cyrshow --json "$dir/cyrus.index" |
    jq 'select(.type == "index-header").uidvalidity')
rm "$dir/cyrus.index" "$TREE/conf/mailboxes.db"
repair user.anna
is "$(origin uidvalidity)" "statuscache.db, lost: nothing"
is "$(cyrshow --json "$dir/cyrus.index" |
    jq 'select(.type == "index-header").uidvalidity')" "$was"

# Read marks.
unpack 2.2.13-default
dir=$(mailbox user.dmitri)
was=$(cyrshow --json "$dir/cyrus.header" |
    jq -r 'select(.type == "header").uniqueid')
rm "$dir"/cyrus.*
repair user.dmitri
is "$(origin uniqueid)" "seen database, lost: nothing"
is "$(origin uidvalidity)" "uniqueid, lost: nothing"
is "$(cyrshow --json "$dir/cyrus.header" |
    jq -r 'select(.type == "header").uniqueid')" "$was"

# The quota root: another, then a header that is gone.
cp -p "$dir/cyrus.header" "$WORK/header"
sed -i 's/^user\.dmitri\t/user.nemo\t/' "$dir/cyrus.header"
repair user.dmitri
is "$(origin quotaroot)" "quota roots, lost: nothing"
cmp "$dir/cyrus.header" "$WORK/header" || fail "another header"
rm "$dir/cyrus.header"
repair user.dmitri
cmp <(sed -n 2p "$dir/cyrus.header") <(sed -n 2p "$WORK/header") ||
    fail "another quota root or uniqueid"
# A database of Berkeley: what its file lost stands in the log files. The newest
# message was deleted: status cache and, if need be, read marks know its number.
unpack 2.3.16-bdb
dir=$(mailbox user.fritz)
was=$(cyrshow --json "$dir/cyrus.index" |
    jq 'select(.type == "index-header").last_uid')
rm "$dir/cyrus.index" "$(find "$TREE" -path '*/user/fritz/*' -name "$was.")"
cp -a "$TREE" "$WORK/saved"
for db in whole 'in its logs' nowhere; do
    [ "$db" = whole ] || : >"$TREE/conf/statuscache.db"
    [ "$db" != nowhere ] || rm "$TREE"/conf/db/log.*
    repair user.fritz
    case $db in
        nowhere) is "$(origin last_uid)" "seen database, lost: nothing" ;;
        *)
            is "$db: $(origin last_uid)" "$db: statuscache.db, lost: nothing"
            is "$(cyrshow --json "$dir/cyrus.index" |
                jq 'select(.type == "index-header").last_uid')" "$was"
            ;;
    esac
    rm -r "$TREE"
    cp -a "$WORK/saved" "$TREE"
done
echo "flags, UIDVALIDITY, uniqueid, quota root: back from the databases"
note_small_set
