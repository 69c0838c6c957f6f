#!/usr/bin/python3
"""cyrrebuild --index-version against the releases' own `reconstruct -V`.

The mailbox that ../shared/fixtures/conversions has in every version is
converted from its release's version to each of the others; index header and
records, as cyrshow prints them, are those the release wrote but for the fields
in KNOWN, each with its reason, and so it is back again (from v12 on). So are
the annotations that hold what a version has no field for. Arguments: releases (default: all)."""
import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.environ.get("CYRE_SOURCE", os.path.abspath(
    os.path.join(os.path.dirname(__file__), "..", "..")))
TOOLS = os.environ.get("CYRE_BUILD", SOURCE + "/build/dev") + "/tools/"
SHARED = os.environ.get("CYRE_SHARED", SOURCE + "/../shared")
LIB = os.path.join(SOURCE, "tests", "lib.sh")
ARCHIVE = SHARED + "/fixtures/conversions/index-versions-a.tar.zst"

# (field, test of release, version as found and to be written, why).
KNOWN = [
    ("last_repack_time", lambda r, a, b: True, "when it was converted"),
    ("changes_epoch", lambda r, a, b: a < 17 <= b, "the same"),
    ("header_crc", lambda r, a, b: True, "the sum of the others"),
    ("record_crc", lambda r, a, b: True, "the same"),
    ("first_expunged", lambda r, a, b: r == "2.5.17" and b == 12,
     "2.5.17 forgets it: cyr_expire would pass the mailbox over"),
    ("modseq", lambda r, a, b: r == "2.5.17" and b in (8, 9),
     "2.5.17 puts it in the upper half of its place"),
    ("content_offset", lambda r, a, b: r == "3.13.1" and b < 12,
     "3.13.1 writes gmtime there: older servers cut the message"),
    ("generation_no", lambda r, a, b: a < b, "there and back: two rewrites"),
    ("createdmodseq", lambda r, a, b: a < 16 <= b,
     "the header had no room for it"),
    ("pop3_show_after", lambda r, a, b: a < 13 <= b,
     "the header had no room for it"),
]

compared = collections.Counter()
known = collections.Counter()
wrong = collections.Counter()


def shell(command, *args):
    return subprocess.run(["bash", "-c", '. "$1"; shift; ' + command, "_", LIB,
                           *args], check=True, stdout=subprocess.PIPE,
                          text=True).stdout


def show(path):
    run = subprocess.run([TOOLS + "cyrshow", "--json", path], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    header, records = {}, {}
    for o in map(json.loads, run.stdout.splitlines()):
        if o["type"] == "index-header":
            header = o
        elif o["type"] == "record":
            records[o["uid"]] = o
    return header, records


def annotations(folder):
    """Of messages: value by uid, entry and user."""
    path = folder + "/cyrus.annotations"
    if not os.path.exists(path):
        return {}
    run = subprocess.run([TOOLS + "cyrdb", "show", "--json", path], text=True,
                         stdout=subprocess.PIPE)
    return {o["key"]: o["value"][8:].split("\0")[0]
            for o in map(json.loads, run.stdout.splitlines())
            if o["type"] == "key"}


def same(release, a, b, ours, theirs):
    for field in sorted(set(ours) | set(theirs)):
        if field in ("offset", "type", "file", "damage"):
            continue
        compared[release] += 1
        if ours.get(field) == theirs.get(field):
            continue
        for name, applies, why in KNOWN:
            if name == field and applies(release, a, b):
                known[field + ": " + why] += 1
                break
        else:
            wrong["%s v%d to v%d: %s" % (release, a, b, field)] += 1
            if wrong["%s v%d to v%d: %s" % (release, a, b, field)] == 1:
                print(release, a, b, field, ours.get(field), theirs.get(field))


def convert(tree, name, to):
    run = subprocess.run([TOOLS + "cyrrebuild", "-C", tree + "/imapd.conf",
                          "--apply", "--offline", "--index-version", str(to),
                          "-m", name], text=True, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT)
    # Repaired, and nothing left.
    if run.returncode != 1:
        wrong["%s to v%d: exit status %d: %s" % (
            name, to, run.returncode, run.stdout[-300:])] += 1


def back(release, tree, name, box, theirs, version, before):
    """From the release's own conversion to the version it came from."""
    for file in ("index", "cache", "header", "annotations"):
        if os.path.exists(box + "/cyrus." + file):
            os.unlink(box + "/cyrus." + file)
        if os.path.exists(theirs + "/cyrus." + file):
            shutil.copy(theirs + "/cyrus." + file, box)
    shell('chown -R --reference="$1/spool" "$2"', tree, box)
    native = before[0]["minor_version"]
    convert(tree, name, native)
    ours = show(box + "/cyrus.index")
    if set(ours[1]) != set(before[1]):
        wrong["%s v%d and back: other records" % (release, version)] += 1
    same(release, version, native, ours[0], before[0])
    for uid in set(ours[1]) & set(before[1]):
        same(release, version, native, ours[1][uid], before[1][uid])


def one_release(release, versions, work):
    tree = work + "/" + release
    name = open("%s/%s/MAILBOX" % (versions, release)).read().strip()
    shell('unpack "$1" "$2"', release + "-default", tree)
    box = shell('TREE=$1; d=$(mailbox "$2"); echo "$d"', tree,
                name).strip()
    subprocess.run(["cp", "-a", box, work + "/before"], check=True)
    before = show(box + "/cyrus.index")
    native = before[0]["minor_version"]
    for v in sorted(os.listdir(versions + "/" + release)):
        path = "%s/%s/%s/cyrus.index" % (versions, release, v)
        if not os.path.exists(path):
            continue
        theirs = show(path)
        to = theirs[0]["minor_version"]
        if to == native or to != int(v[1:]):
            continue
        subprocess.run(["rm", "-rf", box], check=True)
        subprocess.run(["cp", "-a", work + "/before", box], check=True)
        convert(tree, name, to)
        ours = show(box + "/cyrus.index")
        same(release, native, to, ours[0], theirs[0])
        same(release, native, to, annotations(box),
             annotations(os.path.dirname(path)))
        if set(ours[1]) != set(theirs[1]):
            wrong["%s v%d: other records" % (release, to)] += 1
        for uid in set(ours[1]) & set(theirs[1]):
            same(release, native, to, ours[1][uid], theirs[1][uid])
        # Below v12 \\Seen went to the owner's database, which is not here.
        if to >= 12:
            back(release, tree, name, box, os.path.dirname(path), to, before)
    subprocess.run(["rm", "-rf", tree, work + "/before"], check=True)


def main():
    if not os.path.exists(ARCHIVE):
        print("SKIP: the converted mailboxes (%s) are absent" % ARCHIVE)
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="cyrescue-test.") as work:
        os.chmod(work, 0o755)
        versions = work + "/versions"
        os.mkdir(versions)
        subprocess.run(["tar", "--zstd", "-C", versions, "-xf", ARCHIVE],
                       check=True)
        for release in sys.argv[1:] or sorted(os.listdir(versions)):
            one_release(release, versions, work)
    for release, n in compared.items():
        print("%s: %d values compared" % (release, n))
    for what, n in sorted(known.items()):
        print("%6d differ in %s" % (n, what))
    if wrong:
        print("\n".join("%6d %s" % (n, w) for w, n in sorted(wrong.items())))
        sys.exit("FAIL: %d values" % sum(wrong.values()))


main()
