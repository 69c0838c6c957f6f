#!/usr/bin/env bash
# What is installed is whole: each header compiles alone, a program links with
# pkg-config's flags, and the library exports what the headers promise and the
# symbol map lists.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

prefix=$WORK/usr
cmake --install "$CYRE_BUILD" --prefix "$prefix" >"$WORK/log"
pc=$(find "$prefix" -name cyrescue.pc)
lib=$(find "$prefix" -name 'libcyrescue.so.*' -type f)
[ -n "$pc" ] || fail "no cyrescue.pc"
[ -n "$lib" ] || fail "no library"
find "$prefix" -type f -printf '%P\n' | sort >"$WORK/files"
for file in sbin/cyrscan share/man/man8/cyrscan.8 \
    share/man/man5/cyrescue-report.5 share/doc/cyrescue/problems.md \
    share/doc/cyrescue/report.schema.json \
    share/bash-completion/completions/cyrescue; do
    has "$WORK/files" "^$file\$"
done

flags=$(sed "s,^prefix=.*,prefix=$prefix," "$pc" >"$WORK/cyrescue.pc" &&
    PKG_CONFIG_PATH=$WORK pkg-config --cflags --libs cyrescue)
for header in "$prefix"/include/cyrescue/*.h; do
    printf '#include <cyrescue/%s>\n' "$(basename "$header")" >"$WORK/one.c"
    # shellcheck disable=SC2086 # flags are words
    gcc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only \
        "$WORK/one.c" $flags || fail "$header does not compile alone"
done
printf '%s\n' '#include <cyrescue/problem.h>' '#include <stdio.h>' \
    'int main(void) { return puts(cyre_problem_row(0)->slug) < 0; }' \
    >"$WORK/one.c"
# shellcheck disable=SC2086
gcc -std=c11 "$WORK/one.c" -o "$WORK/one" $flags
LD_LIBRARY_PATH=$(dirname "$lib") "$WORK/one" >"$WORK/slug"
[ -s "$WORK/slug" ] || fail "the program printed nothing"

nm -D --defined-only "$lib" | sed -n 's/.* T \(cyre_[a-z0-9_]*\).*/\1/p' |
    sort >"$WORK/exported"
grep -oE '^\s+cyre_[a-z0-9_]+;' "$CYRE_SOURCE/lib/libcyrescue.map" |
    tr -d '\t ;' | sort >"$WORK/map"
sed -n '/^CYRE_API/,/;/p' "$prefix"/include/cyrescue/*.h | tr '\n' ' ' |
    sed 's/CYRE_API/\n/g' | grep -oE '^[^(]*\(' |
    grep -oE 'cyre_[a-z0-9_]+\(' | tr -d '(' | sort >"$WORK/promised"
diff -u "$WORK/map" "$WORK/exported" || fail "map and library differ"
diff -u "$WORK/promised" "$WORK/exported" || fail "headers and library differ"
