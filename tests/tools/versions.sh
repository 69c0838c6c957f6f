#!/usr/bin/env bash
# Not one cyrus.* file is left and nobody names the release: what is written the
# server can read, because the databases tell how old it may be.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

need jq jq

# The index version: of all mailboxes the highest.
version() {
    # What else the scan has to say is not the question here.
    { cyrscan -C "$TREE/imapd.conf" --level 2 --json 2>/dev/null || :; } |
        jq -s 'map(.index_version // 0) | max'
}

[ $# -gt 0 ] || mapfile -t names < <(trees | grep -- '-default$' | grep -v 'then')
for name in "${names[@]:-$@}"; do
    unpack "$name"
    was=$(version)
    find "$TREE" -name 'cyrus.*' -delete
    status=0
    cyrrebuild -C "$TREE/imapd.conf" --offline --apply -q \
        >/dev/null || status=$?
    [ $((status & ~5)) -eq 0 ] || fail "$name: exit status $status"
    is=$(version)
    # 2.1 to 2.4 take an older index over when they open it; later ones read
    # any from 6 on in place. None reads a newer one.
    [[ $is -gt 0 && $is -le $was ]] || fail "$name: $is, was $was"
    [[ $was -lt 13 || $is -ge 12 ]] || fail "$name: $is, was $was"
    echo "$name: index version $was, written $is"
    rm -rf "$TREE"
done
note_small_set
