# shellcheck shell=bash
# damage.sh - ways to hurt a file, for the cases of fixtures/bad/
#
# Sourced by a case's damage.sh through tests/tools/bad.sh, behind lib.sh.

# cut FILE SIZE: to this size, or by this much (-1).
cut_file() {
    truncate --no-create -s "$2" "$1"
}

# zero FILE OFFSET LENGTH
zero() {
    dd if=/dev/zero of="$1" bs=1 seek="$2" count="$3" conv=notrunc status=none
}

# flip FILE OFFSET: one bit of this byte.
flip() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    poke "$1" "$2" "$(printf %02x $((byte ^ 1)))"
}

# poke FILE OFFSET HEX...
poke() {
    local file=$1 offset=$2 hex
    shift 2
    for hex in "$@"; do
        printf '%b' "\\x$hex" |
            dd of="$file" bs=1 seek="$offset" conv=notrunc status=none
        offset=$((offset + 1))
    done
}

# edit FILE header|N FIELD=VALUE...: in a cyrus.index, with its checksums right.
edit() {
    "$PYTHON" "$CYRE_SOURCE/tests/edit_index.py" "$@"
}

# message MAILBOX-DIR N: the Nth message file that is in no other mailbox too.
message() {
    find "$1" -maxdepth 1 -links 1 -name '[1-9]*.' -printf '%f\n' | sort -n |
        sed -n "$2{s,^,$1/,p}"
}

# edit_db FILE FORMAT SED-SCRIPT: its entries, one "key TAB value" a line, through
# sed; owner and mode stay.
edit_db() {
    cyrdb convert "$1" "$WORK/entries" --to flat >/dev/null
    sed "$3" "$WORK/entries" >"$WORK/edited"
    cyrdb convert "$WORK/edited" "$WORK/written" --to "$2" >/dev/null
    cat "$WORK/written" >"$1"
    rm "$WORK/entries" "$WORK/edited" "$WORK/written"
}
