#!/usr/bin/env bash
# docs/problems.md is what the problem table makes of it.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

"$CYRE_BUILD/tests/gen_problems" >"$WORK/problems.md"
diff -u "$CYRE_SOURCE/docs/problems.md" "$WORK/problems.md" ||
    fail "docs/problems.md is out of date: run ./dev docs"
