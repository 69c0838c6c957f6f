#!/usr/bin/env bash
# docs/problems.md is what the problem table makes of it.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

"$CYRE_BUILD/tests/gen_problems" >"$WORK/problems.md"
diff -u "$CYRE_SOURCE/docs/problems.md" "$WORK/problems.md" ||
    fail "docs/problems.md is out of date: run ./dev docs"

# Each code is found by something: a damage, a real file, or a unit test.
sed -n 's/^### [^ ]* //p' "$WORK/problems.md" | sort >"$WORK/codes"
sed -n 's/.*X(\([A-Z0-9_]*\), "[^"]*", "\([^"]*\)".*/CYRE_P_\1 \2/p' \
    "$CYRE_SOURCE/lib/base/cyrescue/problem-table.h" >"$WORK/names"
[ "$(wc -l <"$WORK/names")" -eq "$(wc -l <"$WORK/codes")" ] ||
    fail "the table and docs/problems.md have different numbers of rows"
cd "$CYRE_SOURCE"
{
    awk '!/^#/ { print $2 }' fixtures/bad/*/scan.txt tests/tools/pristine-notes.txt
    awk '{ print $1 }' fixtures/databases/damage.txt
    grep -ohwE 'CYRE_P_[A-Z0-9_]+' tests/unit/*.c | sort -u |
        join - <(sort "$WORK/names") | cut -d' ' -f2
    grep -ohE '\b[a-z0-9]+(-[a-z0-9]+)+\b' tests/tools/*.sh tests/tools/*.py
    # By number: "### CD-009 db-reverse-acl" of the page.
    grep -ohE '\b[A-Z]{2}-[0-9]{3}\b' tests/tools/*.sh tests/tools/*.py |
        sort -u | join - <(sed -n 's/^### //p' "$WORK/problems.md" | sort) |
        cut -d' ' -f2
} | sort -u >"$WORK/tested"
# Those that wait for a test are known by name: the list only gets shorter.
comm -23 "$WORK/codes" "$WORK/tested" >"$WORK/untested"
new=$(comm -13 tests/tools/untested-codes.txt "$WORK/untested")
[ -z "$new" ] || fail "no test finds:"$'\n'"$new"
new=$(comm -23 tests/tools/untested-codes.txt "$WORK/untested")
[ -z "$new" ] || fail "tested, and still in untested-codes.txt:"$'\n'"$new"
echo "$(wc -l <"$WORK/codes") codes, $(wc -l <"$WORK/untested") without a test"
