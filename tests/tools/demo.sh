#!/usr/bin/env bash
# README.md shows what ./dev demo prints.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

"$CYRE_SOURCE/tests/demo.sh" | sed 's/^\(.\)/    \1/' >"$WORK/demo"
sed -n '/^<!-- demo -->$/,/^<!-- \/demo -->$/{/^<!--/d;p}' \
    "$CYRE_SOURCE/README.md" >"$WORK/readme"
diff -u "$WORK/readme" "$WORK/demo" || fail "README.md: run ./dev docs"
