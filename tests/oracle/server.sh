#!/usr/bin/env bash
# Debian's Cyrus 3.6.1 agrees: damage to every mailbox of each tree of that
# release, a rebuild, a scan that finds nothing to repair, `reconstruct -n -G`
# that says nothing it did not say of the tree before the damage, and imapd that
# serves what the tree's server served (oracle/imap.py).
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

cyrus=/usr/lib/cyrus/bin
for program in reconstruct imapd; do
    [ -x $cyrus/$program ] || skip "no $cyrus/$program (Debian: cyrus-imapd)"
done
[ "$(id -u)" -eq 0 ] || skip "only root can become the user cyrus"
id cyrus >/dev/null 2>&1 || skip "no user cyrus"
need jq jq
need setpriv util-linux
need cyrrebuild "this project"

# The sum of the sizes of annotations, which stands in the header of the index
# alone: without that, a rebuild does not count them.
annotation_bytes=' updating quota_annot_used: '

as_cyrus() {
    setpriv --reuid=cyrus --regid=mail --clear-groups "$@"
}

prepare() {
    cp -a "$WORK/pristine" "$TREE"
    sed "s,$WORK/pristine,$TREE," -i "$TREE/imapd.conf"
}

metadata() {
    find "$TREE" -path "$TREE/conf" -prune -o -type f -name "$1" -print0
}

damage() {
    case $1 in
        index) metadata cyrus.index | xargs -0 rm ;;
        header) metadata cyrus.header | xargs -0 rm ;;
        cache) metadata cyrus.cache | xargs -0 rm ;;
        sector)
            metadata cyrus.index | xargs -0 -I {} dd if=/dev/zero of={} bs=512 \
                count=1 conv=notrunc status=none
            ;;
        all) metadata 'cyrus.*' | xargs -0 rm ;;
    esac
}

# reconstruct_says OUT: what the server's own check prints, on a copy, because
# its dry run writes.
reconstruct_says() {
    local copy=$WORK/copy
    cp -a "$TREE" "$copy"
    sed "s,$TREE,$copy," "$TREE/imapd.conf" >"$copy/imapd.conf"
    as_cyrus $cyrus/reconstruct -C "$copy/imapd.conf" -n -G >"$1" 2>&1 ||
        fail "reconstruct: exit status $?"
    rm -rf "$copy"
}

# first_sector: of each mailbox the uids of the records in the first 512 bytes
# of its index: four of 112 bytes, behind a header of 160.
first_sector() {
    local name
    jq -r 'select(.type == "mailbox").internal' "$WORK/truth.jsonl" |
        while IFS= read -r name; do
            printf '%s\t%s\n' "$name" "$(cyrshow --json \
                "$(mailbox "$name")/cyrus.index" 2>/dev/null |
                jq -r 'select(.type == "record").uid' | sed 4q | paste -s)"
        done
}

without_unseen() {
    local line
    while IFS= read -r line; do
        grep -qxF -- "${line%%: *}" "$WORK/unseen-names" || echo "$line"
    done
}

# The first tree in every way, the others in those that are hardest.
damages='index header cache sector all'
for tree in 3.6.1-default 3.6.1-virtdom 3.6.1-hashed 3.6.1-metapart; do
    [ -n "$(tree_file "cyrus-$tree.tar.zst")" ] || continue
    unpack $tree "$WORK/pristine"
    truth $tree >"$WORK/truth.jsonl"
    for dir in proc lock socket log; do
        install -d -o cyrus -g mail "$TREE/conf/$dir"
    done
    reconstruct_says "$WORK/before"
    first_sector >"$WORK/first"
    for damage in $damages; do
        TREE=$WORK/tree
        prepare
        damage "$damage"
        status=0
        # A mailbox that had no message has no file left then: only a person
        # can say that it is to be made again.
        accept=rule
        [ "$damage" != all ] || accept=all
        cyrrebuild -C "$TREE/imapd.conf" --apply --offline --accept $accept \
            >"$WORK/out" 2>&1 || status=$?
        case $status in
            0 | 1 | 4 | 5) ;;
            *)
                tail -n 20 "$WORK/out" >&2
                fail "$tree, $damage: cyrrebuild: exit status $status"
                ;;
        esac
        status=0
        cyrscan -C "$TREE/imapd.conf" --level 4 -o "$WORK/report.jsonl" \
            >/dev/null || status=$?
        left=$(jq -r 'select(.type == "finding" and .severity != "note" and
            .fix != "ask") | [.code, .mboxname, .uid // ""] |
            map(tostring) | join(" ")' "$WORK/report.jsonl" | head -n 5)
        [ -z "$left" ] || fail "$tree, $damage: still there: $left"
        echo "$tree, $damage: rebuilt, scanned ($status)"
        # A directory without any file is not seen as a mailbox.
        jq -r 'select(.type == "mailbox") | .mboxname' "$WORK/report.jsonl" |
            sort >"$WORK/seen"
        jq -r 'select(.type == "mailbox" and .exists == 0) | .internal' \
            "$WORK/truth.jsonl" | sort | comm -23 - "$WORK/seen" >"$WORK/unseen"
        jq -r --rawfile unseen "$WORK/unseen" 'select(.type == "mailbox" and
            (.internal | IN($unseen | split("\n")[]))) | .internal, .name' \
            "$WORK/truth.jsonl" >"$WORK/unseen-names"
        reconstruct_says "$WORK/after"
        annotations=$(grep -c "$annotation_bytes" "$WORK/after" || :)
        [ "$annotations" -eq 0 ] || case $damage in
            index | sector | all)
                echo "  reconstruct counts the bytes of annotations of" \
                    "$annotations mailboxes again"
                sed -i "/$annotation_bytes/d" "$WORK/after"
                ;;
        esac
        without_unseen <"$WORK/before" >"$WORK/want"
        without_unseen <"$WORK/after" | diff "$WORK/want" - | grep '^>' &&
            fail "$tree, $damage: reconstruct has something to say"
        "$PYTHON" "$CYRE_SOURCE/tests/oracle/imap.py" "$TREE/imapd.conf" \
            "$WORK/truth.jsonl" "$damage" "$WORK/unseen" "$WORK/first" ||
            fail "$tree, $damage: imapd"
        rm -rf "$TREE"
    done
    rm -rf "$WORK/pristine"
    damages='sector all'
done
