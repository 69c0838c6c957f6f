#!/usr/bin/python3
"""mailboxes.db of every real tree deleted, torn or zeroed at its beginning, and
made again by `cyrdb rebuild mailboxes --apply`: compared with the original,
field by field, by other eyes than the library's (mboxlist.py).

What it prints is the table of docs/rebuilt-mailboxes.md."""
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import jsonschema

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ.get("CYRE_SOURCE", os.path.join(HERE, "../.."))
BUILD = os.environ.get("CYRE_BUILD", os.path.join(SOURCE, "build/dev"))
SHARED = os.environ.get("CYRE_SHARED", os.path.join(SOURCE, "../shared"))
os.environ["PATH"] = BUILD + "/tools:" + os.environ["PATH"]
sys.path.insert(0, HERE)
import mboxlist  # noqa: E402

# What no file but mailboxes.db and its copies holds.
ONLY_THERE = {"foldermodseq", "mtime", "history"}

wrong = []


def fail(text):
    wrong.append(text)


def trees():
    found = {}
    for folder in (SOURCE + "/fixtures/spools", SHARED + "/fixtures/spools"):
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            m = re.fullmatch(r"cyrus-(.*)\.tar\.zst", name)
            if m:
                found.setdefault(m[1], os.path.join(folder, name))
    return sorted(found.items(), key=lambda x: [
        int(p) if p.isdigit() else 0 for p in re.split(r"[.-]", x[0])[:3]] +
        [x[0]])


def unpack(archive, to):
    os.makedirs(to)
    subprocess.run(["tar", "--zstd", "--warning=no-timestamp", "-C", to,
                    "--strip-components=1", "-xf", archive], check=True)
    with open(to + "/imapd.conf", encoding="utf-8") as f:
        text = f.read()
    with open(to + "/imapd.conf", "w", encoding="utf-8") as f:
        f.write(text.replace("/srv/imap", to))


def cyrdb(tree, *args):
    r = subprocess.run(["cyrdb", "rebuild", "mailboxes", "-C",
                        tree + "/imapd.conf", "--offline", *args], check=False,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return r.returncode, r.stdout.decode("utf-8", "replace")


def no_copies(tree):
    for name in ("db.backup1", "db.backup2"):
        shutil.rmtree(f"{tree}/conf/{name}", ignore_errors=True)


def gone(tree, db):
    os.unlink(db)


def gone_with_copies(tree, db):
    os.unlink(db)
    no_copies(tree)


def torn(tree, db):
    os.truncate(db, os.path.getsize(db) // 2)
    no_copies(tree)


def zeroed(tree, db):
    with open(db, "r+b") as f:
        f.write(bytes(512))
    no_copies(tree)


def stale(tree, db):
    """Gone, and db.backup1 is older: without a mailbox, with one that was
    deleted since, with another ACL, and older than every header."""
    flat = [(k, v) for k, v in mboxlist.records(db)]
    os.unlink(db)
    no_copies(tree)
    os.mkdir(tree + "/conf/db.backup1")
    lines = []
    for i, (key, value) in enumerate(flat[1:]):
        if i % 3 == 0:
            value = value.replace(b"lrs", b"l")
        lines.append(key + b"\t" + value + b"\n")
        # A tombstone is taken: nothing says that it is not one any more.
        if value.startswith((b"0", b"%(")) and is_live(mboxlist.entry(value)):
            lines.append(re.sub(rb"([a-z])$", rb"\1-deleted-since", key) +
                         b"\t" + value + b"\n")
    out = tree + "/conf/db.backup1/mailboxes.db"
    with open(out, "wb") as f:
        f.write(b"".join(sorted(set(lines))))
    os.utime(out, (1, 1))


DAMAGES = {"gone": gone, "gone, no copy": gone_with_copies, "torn": torn,
           "zeroed": zeroed, "stale copy": stale}


def header_says(tree, acl):
    """Does a cyrus.header hold this ACL?"""
    pairs = acl.split(b"\t")
    lists = b" ".join(pairs[:-1])
    for folder, _, files in os.walk(tree):
        if "cyrus.header" in files:
            with open(folder + "/cyrus.header", "rb") as f:
                data = f.read()
            if acl in data or lists in data.replace(b'"', b""):
                return True
    return False


def is_live(e):
    return not set(e["type"]) & set(b"di") and e["type"] != b"16"


def compare(tree, where, want, got, exact, counts):
    for name, e in want.items():
        there = got.get(name)
        if not there:
            counts["tombstones"][1] += not is_live(e)
            if is_live(e) or exact:
                fail(f"{where}: {name!r} is lost")
            continue
        counts["tombstones"][0] += not is_live(e)
        counts["tombstones"][1] += not is_live(e)
        for field in mboxlist.FIELDS if is_live(e) else []:
            if not e[field]:
                continue
            same = there[field] == e[field]
            counts[field][0] += same
            counts[field][1] += 1
            if same or (not exact and field in ONLY_THERE):
                continue
            if not exact and field == "acl" and header_says(tree, there["acl"]):
                continue
            fail(f"{where}: {name!r}: {field} was {e[field]!r}, "
                 f"is {there[field]!r}")
    for name in set(got) - set(want):
        fail(f"{where}: {name!r} was never there")


def check_ids(where, boxes, by_id, new):
    """Every mailbox of 3.6 and later has its record by id, and it agrees."""
    for name, e in boxes.items():
        if not new or not is_live(e):
            continue
        other = by_id.get(e["uniqueid"])
        if not other or other["name"] != name or other["acl"] != e["acl"]:
            fail(f"{where}: {name!r}: its record by id differs")


def one(name, archive, work, tables):
    pristine = work + "/pristine"
    unpack(archive, pristine)
    db = pristine + "/conf/mailboxes.db"
    want, _, new = mboxlist.read(db)
    status, out = cyrdb(pristine, "--apply")
    if status or "unchanged" not in out:
        fail(f"{name}: intact, but: {out}")
    raw = list(mboxlist.records(db))
    copy = pristine + "/conf/db.backup1/mailboxes.db"
    copied = os.path.exists(copy) and list(mboxlist.records(copy)) == raw
    for damage, hurt in DAMAGES.items():
        where = f"{name}, {damage}"
        tree = work + "/tree"
        subprocess.run(["cp", "-a", pristine, tree], check=True)
        conf = tree + "/imapd.conf"
        with open(conf, encoding="utf-8") as f:
            text = f.read()
        with open(conf, "w", encoding="utf-8") as f:
            f.write(text.replace(pristine, tree))
        db = tree + "/conf/mailboxes.db"
        hurt(tree, db)
        before = open(db, "rb").read() if os.path.exists(db) else None
        status, out = cyrdb(tree)
        if status != 4 or (open(db, "rb").read() if os.path.exists(db)
                           else None) != before:
            fail(f"{where}: a plan wrote, or exit status {status}: {out}")
        check_json(where, tree)
        status, out = cyrdb(tree, "--apply")
        if status != 1:
            fail(f"{where}: exit status {status}: {out}")
            shutil.rmtree(tree)
            continue
        counts = tables[damage].setdefault(
            name.split("-")[0] if "-then-" not in name else
            name.rpartition("-")[0], collections.defaultdict(lambda: [0, 0]))
        got, by_id, now_new = mboxlist.read(db)
        if now_new != new:
            fail(f"{where}: records of another release")
        compare(tree, where, want, got, copied and damage == "gone", counts)
        check_ids(where, got, by_id, now_new)
        if subprocess.run(["cyrdb", "check", "-q", db],
                          check=False).returncode:
            fail(f"{where}: the new file is not clean")
        status, out = cyrdb(tree, "--apply")
        if status or "unchanged" not in out:
            fail(f"{where}: a second time: {status} {out}")
        subprocess.run(["cyrrebuild", "--offline", "--undo", tree + "/conf/cyrescue-undo"],
                       check=True, stdout=subprocess.DEVNULL)
        if (open(db, "rb").read() if os.path.exists(db) else None) != before:
            fail(f"{where}: the undo did not bring the file back")
        shutil.rmtree(tree)
    shutil.rmtree(pristine)


def check_json(where, tree):
    """The plan as JSON keeps docs/dbrebuild.schema.json."""
    with open(SOURCE + "/docs/dbrebuild.schema.json", encoding="utf-8") as f:
        schema = json.load(f)
    for line in cyrdb(tree, "--json")[1].splitlines():
        try:
            jsonschema.validate(json.loads(line), schema)
        except jsonschema.ValidationError as e:
            fail(f"{where}: {line}: {e.message}")


def print_tables(tables):
    columns = [f for f in mboxlist.FIELDS if f not in ("server", "jmapid")]
    columns += ["tombstones"]
    for damage in tables:
        print(f"\n### {damage}\n")
        print("| release | " + " | ".join(columns) + " |")
        print("|---" * (len(columns) + 1) + "|")
        total = collections.defaultdict(lambda: [0, 0])
        for release, counts in list(tables[damage].items()) + [
                ("**all**", total)]:
            for c in columns if counts is not total else []:
                total[c][0] += counts[c][0]
                total[c][1] += counts[c][1]
            print(f"| {release} | " + " | ".join(
                "%d/%d" % tuple(counts[c]) if counts[c][1] else "-"
                for c in columns) + " |")


def main():
    tables = {d: {} for d in DAMAGES}
    # Memory, where there is some: each of the many runs syncs.
    work = tempfile.mkdtemp(prefix="cyrescue-test.", dir="/dev/shm"
                            if os.access("/dev/shm", os.W_OK) else None)
    os.chmod(work, 0o755)
    try:
        for name, archive in trees():
            one(name, archive, work, tables)
            if wrong:
                break
    finally:
        shutil.rmtree(work)
    print_tables(tables)
    if not os.path.isdir(SHARED + "/fixtures/spools"):
        print("SKIP: the larger set of trees is absent; only those of "
              "fixtures/spools were used")
    if wrong:
        print("\n".join(wrong[:20]))
        sys.exit("FAIL: %d differences" % len(wrong))


main()
