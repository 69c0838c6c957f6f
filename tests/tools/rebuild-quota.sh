#!/usr/bin/env bash
# cyrdb rebuild quota: real trees count to what their servers stored; usage that
# was changed comes back with the limits untouched, byte for byte; a root that is
# gone is made again without a limit, and said so; the undo takes it back. Of a
# damaged quotas.db every limit is kept that can still be read, and told as
# doubtful where a later one may be lost.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

quota=/usr/lib/cyrus/bin/quota

rebuild() {
    local status=$1
    shift
    run "$status" cyrdb rebuild quota -C "$TREE/imapd.conf" --offline "$@"
}

# Every quota file, or quotas.db as text, with its name.
stored() {
    if [ -e "$TREE/conf/quotas.db" ]; then
        cyrdb show "$TREE/conf/quotas.db"
    else
        (cd "$TREE/conf" && find . -path '*quota/*' -type f | sort |
            xargs grep -H .)
    fi
}

# The limits of quotas.db, without what is used.
limits() {
    cyrdb show --raw "$TREE/conf/quotas.db" |
        sed -E 's/\t[0-9]+ /\t/; s/%\(S \([0-9]+ ([0-9]+)\)/\1/
            s/ (M|AS|NF) \([0-9]+\)//g; s/(M|AS|NF) \([0-9]+/\1 (/g
            s/( MODSEQ [0-9]+)?\)$//' | sort
}

# damage_all FILE HOW: the file of all roots.
damage_all() {
    local size
    size=$(stat -c %s "$1")
    case $2 in
        head) dd if=/dev/zero of="$1" bs=64 count=1 conv=notrunc status=none ;;
        cut) truncate -s $((size * 2 / 3)) "$1" ;;
    esac
}

one_file() {
    local name=$1 how db=$TREE/conf/quotas.db status
    limits >"$WORK/limits"
    cp -p "$db" "$WORK/whole"
    for how in head cut; do
        damage_all "$db" $how
        cp -p "$db" "$WORK/damaged"
        status=0
        cyrdb rebuild quota -C "$TREE/imapd.conf" --offline --apply \
            >"$WORK/out" || status=$?
        # After a cut nobody knows which changes were behind it.
        if [ $how = cut ]; then
            [ $status -eq 5 ] || fail "$name, $how: exit status $status"
            has "$WORK/out" '^doubtful '
        else
            [ $status -eq 1 ] || fail "$name, $how: exit status $status"
        fi
        limits | diff "$WORK/limits" - >&2 || fail "$name, $how: the limits"
        cyrdb check "$db" >/dev/null || fail "$name, $how: not written anew"
        rebuild 0
        cyrrebuild --offline --undo "$TREE/conf/cyrescue-undo" >/dev/null
        cmp "$db" "$WORK/damaged" || fail "$name, $how: not undone"
        rm -r "$TREE/conf/cyrescue-undo"
        cp -p "$WORK/whole" "$db"
        echo "$name: quotas.db, $how: $(wc -l <"$WORK/limits") limits kept"
    done
}

for name in $(trees); do
    unpack "$name"
    # The servers of these left what was never counted: messages and folders
    # from before an upgrade; in 2.5 a folder that was deleted.
    case $name in
        2.3.16-then-3.6.1-* | 2.4.22-then-3.0.18-* | 2.5.17-*)
            rebuild 1 --apply
            rm -r "$TREE/conf/cyrescue-undo"
            ;;
    esac
    rebuild 0
    has "$WORK/out" '[0-9] kept; unchanged'
    stored >"$WORK/want"
    if [ ! -e "$TREE/conf/quotas.db" ]; then
        # Usage that is wrong, storage and everything else.
        find "$TREE/conf" -path '*quota/*' -type f -exec \
            sed -i -E '1s/^[0-9]+$/7/; s/(S|M|AS|NF) \([0-9]+/\1 (7/g' {} +
        stored >"$WORK/damaged"
        rebuild 4
        stored | diff "$WORK/damaged" - || fail "$name: a plan wrote"
        rebuild 1 --apply
        stored | diff "$WORK/want" - || fail "$name: counted otherwise"
        cyrrebuild --offline --undo "$TREE/conf/cyrescue-undo" >/dev/null
        stored | diff "$WORK/damaged" - || fail "$name: not undone"
        rebuild 1 --apply
        # One that is gone, with its folder.
        file=$(find "$TREE/conf" -path '*quota/*' -type f | sort | sed -n 1p)
        rm -r "${file%/*}"
        rebuild 5 --apply
        has "$WORK/out" 'added .*: headers name it'
        sed -E '2s/.*/-1/; s/ [0-9]+\)/)/g; s/ MODSEQ [0-9]+//' \
            <(tail -n +1 "$file") >"$WORK/got"
        diff "$WORK/got" "$file" >/dev/null || {
            cat "$file" >&2
            fail "$name: a lost root has a limit"
        }
    fi
    [ ! -e "$TREE/conf/quotas.db" ] || one_file "$name"
    # The server counts the same.
    case $name in
        3.6.1-default | 3.6.1-virtdom)
            if [ -x $quota ] && [ "$(id -u)" -eq 0 ] && id cyrus >/dev/null; then
                for dir in proc lock socket log; do
                    install -d -o cyrus -g mail "$TREE/conf/$dir"
                done
                chown -R cyrus:mail "$TREE/conf"
                setpriv --reuid=cyrus --regid=mail --clear-groups \
                    $quota -C "$TREE/imapd.conf" -f >"$WORK/out" 2>&1
                hasnt "$WORK/out" 'usage was'
                echo "$name: quota -f has nothing to correct"
            fi
            ;;
    esac
    rm -rf "$TREE"
done
note_small_set
