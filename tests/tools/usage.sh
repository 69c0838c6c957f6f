#!/usr/bin/env bash
# Wrong usage: one clear line on standard error, nothing on standard output,
# exit status 16.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

tool=cyrscan

# wrong REGEX ARGUMENT...
wrong() {
    local regex=$1
    shift
    run 16 $tool "$@"
    [ ! -s "$WORK/out" ] || fail "printed something: $tool $*"
    [ "$(wc -l <"$WORK/err")" -eq 1 ] || {
        cat "$WORK/err" >&2
        fail "not one line: $tool $*"
    }
    has "$WORK/err" "^$tool: "
    has "$WORK/err" "$regex"
}

unpack 3.6.1-default
conf=$TREE/imapd.conf
wrong 'nonsense' --nonsense
wrong 'level' -C "$conf" --level
wrong '9' -C "$conf" --level 9
wrong 'x' -C "$conf" --level x
wrong 'jobs' -C "$conf" -j -1
wrong 'many' -C "$conf" -j many
wrong '3/2' -C "$conf" --shard 3/2
wrong '0/2' -C "$conf" --shard 0/2
wrong 'two' -C "$conf" --shard two
wrong '12Q' -C "$conf" --memory 12Q
wrong 'awful' -C "$conf" --fail-on awful
wrong 'sometimes' -C "$conf" --progress sometimes
wrong 'surplus' -C "$conf" surplus
wrong 'before' --meta "$TREE/meta" --spool "$TREE/spool"
# All of them are not what a list without a name selects.
wrong '/dev/null' -C "$conf" --from-file /dev/null
# It names the path that was tried, and the two ways without one.
wrong "$WORK/empty/etc/imapd.conf" --root "$WORK/empty"
has "$WORK/err" '--spool'
has "$WORK/err" '--root'
wrong "$WORK/absent" -C "$WORK/absent"

# What was named and is not there is no wrong usage, but work not done.
run 8 cyrscan -C "$conf" --from-file "$WORK/absent"
has "$WORK/err" "^cyrscan: $WORK/absent: No such file"
run 8 cyrscan -C "$conf" --from-file "$TREE"
has "$WORK/err" "^cyrscan: $TREE: Is a directory"

run 0 cyrscan --help
has "$WORK/out" '--level'
run 0 cyrscan --version
has "$WORK/out" '^cyrscan .*[0-9]+\.[0-9]+'

tool=cyrshow
wrong 'PATH'
wrong 'nonsense' --nonsense "$TREE"
wrong 'level' --level 3 "$TREE"
wrong 'memory' --memory
wrong '12Q' --memory 12Q "$TREE"
run 0 cyrshow --help
has "$WORK/out" '--json'
run 0 cyrshow --version
has "$WORK/out" '^cyrshow .*[0-9]+\.[0-9]+'

tool=cyrrebuild
wrong 'nonsense' -C "$conf" --nonsense
wrong 'surplus' -C "$conf" surplus
wrong 'some' -C "$conf" --accept some
wrong 'all' -C "$conf" --orphans all
wrong 'no-such-code' -C "$conf" --only no-such-code
wrong '1.5' -C "$conf" --as-release 1.5
wrong '11' -C "$conf" --index-version 11
wrong 'chance' -C "$conf" --order chance
wrong '--apply' -C "$conf" --plan "$WORK/plan"
wrong '--apply' -C "$conf" --resume "$WORK/report"
wrong 'exclude' -C "$conf" --apply -n
wrong 'exclude' -C "$conf" --online --offline
wrong '--undo' -C "$conf" --force
wrong "$WORK/absent" -C "$WORK/absent"

tool=cyrdb
wrong 'show'
wrong 'nonsense' nonsense
wrong 'nonsense' show --nonsense "$conf"
wrong 'FILE' show
# What only a server has is no option of those that are given files.
wrong "'-u'" check -u jane "$conf"

# A configuration without a partition leads nowhere.
sed -i '/^partition-/d' "$conf"
run 16 cyrscan -C "$conf"
has "$WORK/err" 'names no partition; name one with --spool$'
has "$WORK/out" 'CF-008' # conf-no-partition
hasnt "$WORK/out" 'No message'
