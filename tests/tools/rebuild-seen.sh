#!/usr/bin/env bash
# cyrdb rebuild seen: real trees need nothing; what was torn, zeroed or lost its
# first bytes comes back in its own format; read marks whose mailbox got another
# uniqueid are put under that, where it is proven whose they are; marks that are
# newer stay; the undo takes all of it back, byte for byte.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

rebuild() {
    local status=$1
    shift
    run "$status" cyrdb rebuild seen -C "$TREE/imapd.conf" --offline "$@"
}

# Every seen database that is in use, the one with the most keys first.
seen_files() {
    find "$TREE/conf/user" -name '*.seen' -o -name seen.db | while read -r f; do
        echo "$(cyrdb show --raw "$f" | wc -l) $f"
    done | sort -k1,1nr -k2 | cut -d' ' -f2-
}

undo() {
    cyrrebuild --offline --undo "$TREE/conf/cyrescue-undo" >/dev/null
    cmp "$file" "$WORK/damaged" || fail "$name: not undone"
    rm -r "$TREE/conf/cyrescue-undo"
}

# salvaged [all]: what the database holds is all that it held, or it is told that
# something is lost.
salvaged() {
    local got=0
    cp -p "$file" "$WORK/damaged"
    rebuild 4
    cmp "$file" "$WORK/damaged" || fail "$name: a plan wrote"
    cyrdb rebuild seen -C "$TREE/imapd.conf" --offline --apply >"$WORK/out" ||
        got=$?
    has "$WORK/out" 'its first bytes|it is damaged'
    cyrdb check "$file" >/dev/null || fail "$name: not whole"
    [ "$(stat -c %u:%g:%a "$file")" = "$(stat -c %u:%g:%a "$WORK/damaged")" ] ||
        fail "$name: owner or mode"
    [ "$(cyrdb show "$file" | wc -l)" -gt 0 ] || fail "$name: nothing"
    cyrdb show --raw "$file" >"$WORK/got"
    # Where the last value of a key is lost, the one before it counts.
    tr '\t' '\n' <"$WORK/got" | while read -r text; do
        grep -qaF -- "$text" "$WORK/whole" ||
            fail "$name: never written: $text"
    done
    case $got-${1-} in
        1-*) diff "$WORK/want" "$WORK/got" || fail "$name: not told" ;;
        5-) ! cmp -s "$WORK/want" "$WORK/got" || fail "$name: nothing is lost" ;;
        *) fail "$name: exit status $got" ;;
    esac
    cp "$file" "$WORK/first"
    rebuild 0 --apply
    cmp "$file" "$WORK/first" || fail "$name: the second run writes"
    undo
    cp -p "$WORK/whole" "$file"
}

# zero OFFSET LENGTH: in the file
zero() {
    dd if=/dev/zero of="$file" bs=1 seek="$1" count="$2" conv=notrunc status=none
}

# What a reconstruct does that finds no header: the mailbox has another id, in
# its header and in mailboxes.db, since 3.6 in its path.
reidentify() {
    local old=$1 new=$2 list=$TREE/conf/mailboxes.db format dir
    grep -rlZF --include=cyrus.header -- "$old" "$TREE" |
        xargs -0 sed -i "s/$old/$new/"
    find "$TREE" -depth -type d -path "*/uuid/*/$old" | while read -r dir; do
        mkdir -p "${dir%/uuid/*}/uuid/${new:0:1}/${new:1:1}"
        mv "$dir" "${dir%/uuid/*}/uuid/${new:0:1}/${new:1:1}/$new"
    done
    if cyrdb show --raw "$list" | grep -qF -- "$old"; then
        format=$(cyrdb check -v "$list" | sed -nE 's/.*: ([a-z]+), .*/\1/p' |
            sed -n 1p)
        mkdir -p "$TREE/conf/db.backup1"
        cp "$list" "$TREE/conf/db.backup1/mailboxes.db"
        cyrdb show --raw "$list" | sed "s/$old/$new/g" >"$WORK/list"
        rm "$list"
        cyrdb convert --to "$format" "$WORK/list" "$list" >/dev/null
    fi
}

for name in $(trees); do
    unpack "$name"
    find "$TREE/conf/user" -type f -exec md5sum {} + | sort >"$WORK/sums"
    rebuild 0
    has "$WORK/out" 'unchanged'
    hasnt "$WORK/out" '^(attached|replaced|unreadable|undecided)'
    rebuild 0 --apply
    find "$TREE/conf/user" -type f -exec md5sum {} + | sort |
        diff "$WORK/sums" - || fail "$name: a whole tree was changed"
    rm -rf "$TREE"
done

done=0
for name in 2.2.13-default 2.3.16-default 2.3.16-metapart 2.4.22-default \
    2.5.17-default 3.0.18-default 3.6.1-default; do
    [ -n "$(tree_file "cyrus-$name.tar.zst")" ] || continue
    unpack "$name"
    file=$(seen_files | sed -n 1p)
    [ -n "$file" ] || fail "$name: no seen database"
    chmod 640 "$file"
    cp -p "$file" "$WORK/whole"
    cyrdb show --raw "$file" >"$WORK/want"
    size=$(stat -c %s "$file")
    # The header and what stands before the first record.
    zero 0 48
    salvaged all
    # A sector in the middle, where there is one; a torn tail.
    if [ "$(wc -l <"$WORK/want")" -gt 2 ]; then
        truncate -s $((size - 20)) "$file"
        salvaged
        zero $((size / 2)) 64
        salvaged
    fi

    # Up to 2.4 the id of a mailbox that was renamed is of its former name.
    id=$(cut -f1 "$WORK/want" | while read -r id; do
        grep -rlF --include=cyrus.header -- "$id" "$TREE" |
            grep -v Renamed >/dev/null && echo "$id"
    done | sed -n 1p)
    [ -n "$id" ] || fail "$name: no mailbox"
    new=$(echo "$id" | tr '0-9a-f' 'f0-9a-e')
    reidentify "$id" "$new"
    cp -p "$file" "$WORK/damaged"
    rebuild 4
    has "$WORK/out" "$id -> $new"
    rebuild 4 --json
    jq -es --arg new "$new" 'any(.[]; .action == "attached" and
        .fields[0].after == $new)' "$WORK/out" >/dev/null || fail "$name: JSON"
    rebuild 1 --apply
    cyrdb show --raw "$file" | sort >"$WORK/got"
    sed "s/^$id/$new/" "$WORK/want" | sort | diff - "$WORK/got" ||
        fail "$name: not attached"
    rebuild 0 --apply
    undo

    # Marks of its own that are newer stay, older ones go. Other users' are done.
    rebuild 1 --apply
    for change in 4000000000 1; do
        format=$(cyrdb check -v "$file" | sed -nE 's/.*: ([a-z]+), .*/\1/p' |
            sed -n 1p)
        (cyrdb show --raw "$WORK/damaged"
            printf '%s\t1 %s 1 %s 1\n' "$new" $change $change) |
            LC_ALL=C sort >"$WORK/list"
        rm "$file"
        cyrdb convert --to "$format" "$WORK/list" "$file" >/dev/null
        cyrdb show --raw "$file" >"$WORK/list"
        if [ $change -eq 1 ]; then
            rebuild 1 --apply
            has "$WORK/out" '^replaced '
            hasnt <(cyrdb show --raw "$file") "^$id"
        else
            rebuild 0 --apply
            has "$WORK/out" '^own-newer '
            cyrdb show --raw "$file" | diff "$WORK/list" - ||
                fail "$name: newer marks are gone"
        fi
    done
    done=$((done + 1))
    rm -rf "$TREE"
done
[ $done -gt 1 ] || fail "no tree"
note_small_set
