# shellcheck shell=bash
# lib.sh - what the test scripts share: real trees, the tools, plain assertions.
#
# A script sources this file first. It gets an empty directory $WORK, which is
# removed at the end, and the programs of the build it tests in $PATH.
set -euo pipefail

: "${CYRE_SOURCE:=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}"
: "${CYRE_BUILD:=$CYRE_SOURCE/build/dev}"
: "${CYRE_SHARED:=$CYRE_SOURCE/../shared}"
: "${CYRE_SANITIZE:=}"
export CYRE_SOURCE CYRE_BUILD CYRE_SHARED CYRE_SANITIZE
export PATH="$CYRE_BUILD/tools:$PATH" LC_ALL=C TZ=UTC

# Not the first python3 in PATH: only Debian's has Debian's modules.
# shellcheck disable=SC2034 # for the scripts
PYTHON=/usr/bin/python3

WORK=$(mktemp -d "${TMPDIR:-/tmp}/cyrescue-test.XXXXXX")
# The tools give up root; whoever they become must reach the trees.
chmod 755 "$WORK"
trap 'chmod -R u+rwX "$WORK" 2>/dev/null || :; rm -rf "$WORK"' EXIT

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

skip() {
    echo "SKIP: $*"
    exit 77
}

# need PROGRAM PACKAGE: skip where it is not installed.
need() {
    command -v "$1" >/dev/null || skip "no $1 (Debian: $2)"
}

# The file of a tree, NAME.tar.zst or NAME.truth.jsonl[.zst], from fixtures/ or
# the larger set; empty when there is none.
tree_file() {
    local dir
    for dir in "$CYRE_SOURCE/fixtures/spools" "$CYRE_SHARED/fixtures/spools"; do
        for name in "$1" "$1.zst"; do
            [ -e "$dir/$name" ] && echo "$dir/$name" && return
        done
    done
    return 0
}

# The names of all trees at hand, without "cyrus-", sorted.
trees() {
    local dir
    for dir in "$CYRE_SOURCE/fixtures/spools" "$CYRE_SHARED/fixtures/spools"; do
        [ ! -d "$dir" ] || (cd "$dir" && ls -- cyrus-*.tar.zst)
    done | sed 's/^cyrus-//; s/\.tar\.zst$//' | sort -Vu
}

# Says so when only the small set is there; the test goes on with it.
note_small_set() {
    [ -d "$CYRE_SHARED/fixtures/spools" ] ||
        echo "SKIP: the larger set of trees ($CYRE_SHARED/fixtures) is absent;" \
            "only those of fixtures/spools were used"
}

# unpack NAME [DIR]: the tree "cyrus-NAME" as DIR (default $WORK/NAME); its
# imapd.conf then names that place. $TREE is set to DIR.
unpack() {
    local tar
    tar=$(tree_file "cyrus-$1.tar.zst")
    [ -n "$tar" ] || skip "tree cyrus-$1 is absent"
    TREE=${2:-$WORK/$1}
    mkdir -p "$TREE"
    # One message is dated in 2038: tar need not tell us.
    tar --zstd --warning=no-timestamp -C "$TREE" --strip-components=1 -xf "$tar"
    sed -i "s,/srv/imap,$TREE," "$TREE/imapd.conf"
}

# truth NAME: the truth of a tree, on stdout.
truth() {
    local file
    file=$(tree_file "cyrus-$1.truth.jsonl")
    case $file in
        *.zst) zstd -qdc "$file" ;;
        ?*) cat "$file" ;;
        *) skip "the truth of cyrus-$1 is absent" ;;
    esac
}

# run STATUS COMMAND...: it must exit so; output in $WORK/out and $WORK/err.
run() {
    local want=$1 got=0
    shift
    "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || got=$?
    [ "$got" -eq "$want" ] && return
    head -n 30 "$WORK/out" "$WORK/err" >&2
    fail "exit status $got, not $want: $*"
}

# has FILE REGEX, hasnt FILE REGEX: a line of the file (does not) match it.
has() {
    grep -Eq -- "$2" "$1" && return
    head -n 40 "$1" >&2
    fail "no line of ${1#"$WORK"/} matches: $2"
}

hasnt() {
    ! grep -E -m 5 -- "$2" "$1" >&2 || fail "a line of ${1#"$WORK"/} matches: $2"
}

# check_reports FILE...: each keeps docs/report.schema.json.
check_reports() {
    local status=0
    "$PYTHON" "$CYRE_SOURCE/tests/report.py" \
        "$CYRE_SOURCE/docs/report.schema.json" "$CYRE_SOURCE/docs/problems.md" \
        "$@" || status=$?
    [ $status -ne 77 ] || exit 77
    [ $status -eq 0 ] || fail "not a report"
}

# findings FILE: one line each, "severity code mboxname file uid", without notes.
findings() {
    jq -r 'select(.type == "finding" and .severity != "note") |
        [.severity, .code, .mboxname // "-", .file // "-", .uid // "-"] |
        map(tostring) | join(" ")' "$1"
}

# mailbox NAME: the directory of cyrus.header of this (internal) name below
# $TREE; Cyrus 3.6 and later have it in the file, the others in the path.
mailbox() {
    local header pattern=${1//./\\.}
    header=$(find "$TREE" -name cyrus.header -exec \
        grep -laE "[( ]N \"?${pattern//^/\\^}\"? " {} + | sed -n 1p)
    [ -n "$header" ] || header=$(find "$TREE" -name cyrus.header \
        -path "*/${1//.//}/cyrus.header" | sed -n 1p)
    [ -n "$header" ] || fail "no directory for mailbox $1"
    dirname "$header"
}

# The names, owners, modes and bytes of all a tree has, but for undo archives.
tree_state() {
    find "$TREE" -path "$TREE/conf/cyrescue-undo" -prune -o ! -type d \
        -printf '%P %y %m %U:%G %l\n' | sort
    find "$TREE" -path "$TREE/conf/cyrescue-undo" -prune -o -type f -print0 |
        sort -z | xargs -0 sha256sum
}

# hold FILE: keeps the lock a server would, until release.
hold() {
    rm -f "$WORK/held"
    "$PYTHON" -c 'import fcntl, sys, time
f = open(sys.argv[1], "r+b")
fcntl.lockf(f, fcntl.LOCK_EX)
print("locked", flush=True)
time.sleep(60)' "$1" >"$WORK/held" &
    holder=$!
    for _ in $(seq 100); do
        [ -s "$WORK/held" ] && return
        sleep 0.1
    done
    fail "could not lock $1"
}

release() {
    kill "$holder"
    wait "$holder" || :
}
