#!/usr/bin/env bash
# Manual pages render without a warning; the options of --help, of the manual
# page and of the completion are the same; what a page refers to exists.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

need groff groff-base
cd "$CYRE_SOURCE"

for page in docs/man/*.[578]; do
    groff -ww -mandoc -Tutf8 -z "$page" >"$WORK/warnings" 2>&1 || :
    [ ! -s "$WORK/warnings" ] || {
        cat "$WORK/warnings" >&2
        fail "$page does not render cleanly"
    }
    sed -n 's/^\.Xr \(cyr[a-z-]*\) \([0-9]\).*/\1.\2/p' "$page" |
        while read -r other; do
            case $other in cyr_*) continue ;; esac # of Cyrus itself
            [ -e "docs/man/$other" ] || fail "$page: there is no $other"
        done
done

help_options() {
    $1 --help | sed -n 's/^ *\(-[^ ].*\)$/\1/p' | sed 's/   *.*//' |
        grep -oE -- '(^|[ ,])--?[A-Za-z0-9][a-z0-9-]*' | tr -d ' ,' | sort -u
}

man_options() {
    sed -n 's/^\.It \(Fl .*\)/\1/p' "docs/man/$1.8" |
        { grep -oE 'Fl [A-Za-z0-9-]+' || :; } | sed 's/Fl /-/' | sort -u
}

# shellcheck source=completions/cyrescue
completion_options() (
    . completions/cyrescue
    # shellcheck disable=SC2034 # the completion reads it
    COMP_CWORD=1
    "_$1" "$1" - "$1"
    printf '%s\n' "${COMPREPLY[@]}" | sort -u
)

for page in docs/man/*.8; do
    tool=$(basename "$page" .8)
    help_options "$tool" >"$WORK/help"
    if [ "$tool" = cyrdb ]; then
        { cat "$WORK/help" && help_options "cyrdb rebuild"; } | sort -u \
            >"$WORK/both"
        mv "$WORK/both" "$WORK/help"
    fi
    man_options "$tool" >"$WORK/man"
    completion_options "$tool" >"$WORK/completion"
    [ -s "$WORK/help" ] || fail "$tool --help shows no option"
    # cyrdb takes the options of all tools, and documents those it uses.
    if [ "$tool" = cyrdb ]; then
        comm -12 "$WORK/help" "$WORK/man" >"$WORK/both"
        mv "$WORK/both" "$WORK/help"
    fi
    diff -u "$WORK/help" "$WORK/man" || fail "$tool: --help and manual page"
    diff -u "$WORK/man" "$WORK/completion" ||
        fail "$tool: manual page and completion"
done
