#!/usr/bin/env bash
# Every database that real servers wrote reads to what their own tools printed.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

same=0
# compare FILE TRUTH: equal, byte for byte.
compare() {
    cyrdb show --raw "$1" >"$WORK/got" 2>"$WORK/err" || :
    cmp "$WORK/got" "$2" || fail "$1 is not $2"
    same=$((same + 1))
}

# The histories of cyr_dbtool. A killed writer is told, and only that.
histories() {
    local db truth
    for db in "$1"/*.db; do
        truth=$db.show
        case $db in
            *-skiplist-killed.db)
                # A reader of 3.6.1 shows the open transaction, too; the truth
                # after recovery stands in fixtures/.
                truth=$CYRE_SOURCE/fixtures/databases/${db##*/}.recovered
                run 4 cyrdb check "$db"
                has "$WORK/out" DB-005
                ;;
            *-flat-killed.db) run 0 cyrdb check -q "$db" ;;
            *-killed.db)
                run 4 cyrdb check "$db"
                has "$WORK/out" DB-004
                has "$WORK/out" DB-005
                ;;
            # These hold nothing: their records stood in the log of an
            # environment that was not kept (db_dump shows none either).
            */2.[45]*-berkeley-*)
                run 0 cyrdb check -v "$db"
                has "$WORK/out" DB-016
                continue
                ;;
            *) run 0 cyrdb check -q "$db" ;;
        esac
        compare "$db" "$truth"
    done
}

histories "$CYRE_SOURCE/fixtures/databases"
set="$CYRE_SHARED/fixtures/databases/databases-a.tar.zst"
if [ -e "$set" ]; then
    mkdir "$WORK/histories"
    tar --zstd -C "$WORK/histories" -xf "$set"
    histories "$WORK/histories"
else
    echo "SKIP: the larger set of databases ($set) is absent"
fi

# What SQLite had begun stands beside the file; an empty one says nothing.
cp "$CYRE_SOURCE/fixtures/databases/3.6.1-sql-churn.db" "$WORK/sql.db"
for end in -journal -wal; do
    : >"$WORK/sql.db$end"
    run 0 cyrdb check "$WORK/sql.db"
    echo something >"$WORK/sql.db$end"
    run 4 cyrdb check "$WORK/sql.db"
    has "$WORK/out" DB-020
    rm "$WORK/sql.db$end"
done

# Each tree: what its release printed of each database; all others are clean.
for name in $(trees); do
    unpack "$name"
    (cd "$TREE/conf" && find . -type f -printf '%P\n') >"$WORK/list"
    for oracle in "$TREE"/oracle/db/*.txt; do
        base=${oracle##*/}
        base=${base%.*.txt}
        file=$(tr / _ <"$WORK/list" | grep -nxF "$base" | cut -d: -f1)
        file=$(sed -n "${file}p" "$WORK/list")
        sed '/^--stderr--$/,$d' "$oracle" >"$WORK/want"
        case $name in
            2.4.22-[!t]* | *-then-2.4.22-*)
                # Its tool printed strings: they end at the first NUL.
                cyrdb show --json "$TREE/conf/$file" |
                    "$PYTHON" -c '
import json, sys
for line in sys.stdin:
    e = json.loads(line)
    for part, end in ((e["key"], "\t"), (e["value"], "\n")):
        try:
            raw = part.encode("latin-1")
        except UnicodeEncodeError:
            raw = part.encode()
        sys.stdout.buffer.write(raw.split(b"\0")[0] + end.encode())
' >"$WORK/got"
                cmp "$WORK/got" "$WORK/want" || fail "$name: $file"
                same=$((same + 1))
                ;;
            *) compare "$TREE/conf/$file" "$WORK/want" ;;
        esac
    done
    find "$TREE/conf" -type f \( -name '*.seen' -o -name '*.sub' -o \
        -name '*.db' -o -name '*.conversations' -o -path '*/quota/*' \) \
        ! -name counters.db -print0 | xargs -0r cyrdb check -q ||
        fail "$name: a database is not clean"
    rm -rf "$TREE"
done
note_small_set
echo "$same databases read as their servers printed them"
