#!/bin/sh
# Unpacks the caches sixteen releases wrote, and the messages they are of, into
# $1, once. $2: the folder of the shared fixtures.
set -eu

out=$1
fixtures=$2/fixtures
if [ ! -f "$fixtures/caches/golden-caches-a.tar.zst" ]; then
	echo "skipped: no $fixtures/caches"
	exit 77
fi
[ -f "$out/complete" ] && exit 0
mkdir -p "$out"
for archive in caches/golden-caches-a caches/mutants-a mail/mail-corpus-a; do
	zstd -q -d --long=27 -c "$fixtures/$archive.tar.zst" | tar -x -C "$out"
done
# UIDS.tsv names them without the form.
cp "$out"/nul/crlf/*.eml "$out/nul/"
: >"$out/complete"
