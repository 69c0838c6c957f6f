#!/usr/bin/python3
"""Indexes of other mailboxes, and right ones that look like it.

Of each tree one copy has every cyrus.index in the place of another mailbox's,
after which no message may have a flag or a date that is another message's; one
has every message cut, and a cyrus.header the index does not know, after which
each must still have its own. Arguments: names of trees (default: all)."""
import collections
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import truth as t  # noqa: E402

CODE = "index-of-another-mailbox"
counts = collections.Counter()
wrong = t.wrong


def found(tree):
    """The mailboxes whose index is said to be of another."""
    run = subprocess.run([t.TOOLS + "cyrscan", "--json", "-C",
                          tree + "/imapd.conf"], text=True,
                         stdout=subprocess.PIPE)
    if run.returncode & ~4:
        wrong.append("%s: cyrscan: exit status %d" % (tree, run.returncode))
    return {o["mboxname"] for o in t.lines(run.stdout)
            if o["type"] == "finding" and o["code"] == CODE}


def rebuild(tree, name):
    run = subprocess.run([t.TOOLS + "cyrrebuild", "-C", tree + "/imapd.conf",
                          "--apply", "--offline", "-q"], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if run.returncode & ~5:
        wrong.append("%s: exit status %d: %s" % (name, run.returncode,
                                                 run.stdout[-300:]))
    boxes = t.find(tree, rebuilt=True)
    # A record without message has no cache record either: cyrshow says so.
    wrong[:] = [w for w in wrong if not w.endswith("exit status 4")]
    return boxes


def indexes(tree):
    return sorted(os.path.join(path, "cyrus.index")
                  for path, _, files in os.walk(tree) if "cyrus.index" in files)


def swap(tree):
    """Each gets the index of the next."""
    paths = indexes(tree)
    data = [open(p, "rb").read() for p in paths]
    for p, d in zip(paths, data[1:] + data[:1]):
        with open(p, "r+b") as f:
            f.truncate(0)
            f.write(d)


def cut(tree):
    for path, _, files in os.walk(tree):
        for f in files:
            p = os.path.join(path, f)
            if re.fullmatch(r"[1-9]\d*\.", f):
                size = os.path.getsize(p)
                os.truncate(p, size // 512 * 512 if size > 512 else
                            max(size // 2, 1))
            elif f == "cyrus.header":
                data = open(p, "rb").read()
                with open(p, "r+b") as out:
                    out.truncate(0)
                    out.write(data.replace(b"lrswip", b"lrsip", 1))


def says_nothing(record):
    """A file that ends within its header may be a cut one, and an empty header
    looks like any other: then the uid decides (docs/design.md section 5)."""
    return record["header_size"] in (record["size"], 2)


def own(record, key):
    return set(record[key]) & t.SYSTEM if key == "system_flags" else record[key]


def check_swapped(name, boxes, before, named):
    """A record has the flags its message had, or none, or, where a record of
    the other index is of a message like it, that one's."""
    others = collections.defaultdict(list)
    for box in before.values():
        for r in box.records.values():
            others[r["uid"], r["size"]].append(r)
    for mailbox, box in boxes.items():
        was = before[mailbox]
        for uid, r in box.records.items():
            old = was.records.get(uid) or was.expunged.get(uid)
            if not old:
                # Without a file it says nothing; it waits for a person.
                if mailbox in named:
                    wrong.append("%s %s %d: from nowhere" % (
                        name, mailbox, uid))
                continue
            flags = own(r, "system_flags")
            if was.index["minor_version"] < 12:
                # That is in a database of the user.
                flags.discard("\\Seen")
            twins = [o for o in others[uid, old["size"]] if
                     o.get("guid") == old.get("guid")]
            counts["messages"] += 1
            counts["with flags"] += bool(flags)
            if flags - own(old, "system_flags") and not any(
                    flags <= own(o, "system_flags") for o in twins) and (
                    mailbox in named or not says_nothing(old)):
                wrong.append("%s %s %d: has %s" % (name, mailbox, uid, flags))
        for uid in set(was.records) - set(box.records) - set(box.expunged):
            # Below the last uid of an index that may be right it was deleted.
            if mailbox in named:
                wrong.append("%s %s %d: gone" % (name, mailbox, uid))


def check_cut(name, boxes, before):
    for mailbox, box in boxes.items():
        for uid, old in before[mailbox].records.items():
            r = box.records.get(uid)
            counts["cut"] += 1
            for key in ("system_flags", "user_flags", "internaldate"):
                if not r or own(r, key) != own(old, key):
                    wrong.append("%s %s %d: %s was %r, is %r" % (
                        name, mailbox, uid, key, own(old, key),
                        r and own(r, key)))


def check_tree(name, work):
    tree, saved = work + "/tree", work + "/saved"
    t.shell('unpack "$1" "$2"', name, tree)
    before = t.find(tree)
    subprocess.run(["cp", "-a", tree, saved], check=True)
    swap(tree)
    named = found(tree)
    counts["swapped"] += len(before)
    counts["named"] += len(named)
    check_swapped(name, rebuild(tree, name), before, named)
    subprocess.run(["rm", "-rf", tree], check=True)
    os.rename(saved, tree)
    cut(tree)
    for mailbox in found(tree):
        wrong.append("%s %s: called another's" % (name, mailbox))
    check_cut(name, rebuild(tree, name), before)
    subprocess.run(["rm", "-rf", tree], check=True)


def main():
    names = sys.argv[1:] or t.shell("trees").split()
    print(t.shell("note_small_set"), end="")
    with tempfile.TemporaryDirectory(prefix="cyrescue-test.") as work:
        os.chmod(work, 0o755)
        for name in names:
            check_tree(name, work)
    print(", ".join("%d %s" % (n, what) for what, n in counts.items()))
    if not sys.argv[1:] and counts["named"] * 10 < counts["swapped"] * 7:
        wrong.append("too few were found to be of another mailbox")
    if wrong:
        print("\n".join(wrong[:int(os.environ.get("CYRE_SHOW", 40))]))
        sys.exit("FAIL: %d" % len(wrong))


main()
