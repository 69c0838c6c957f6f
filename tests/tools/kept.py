#!/usr/bin/python3
"""What a rebuild gives back, held against what the server answered over IMAP.

Of each tree a copy loses, in every mailbox, all cyrus.* files, or only the
header, the index or the cache. After `cyrrebuild --apply` the mailboxes are
compared with the tree's truth, value by value; a table per release is printed.
What is on the disk in no copy is in EXCUSES, with the reason, and nothing else
may be missing. Arguments: names of trees (default: all)."""
import collections
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import truth as t  # noqa: E402

CASES = {"all": ("index", "header", "cache", "expunge"), "header": ("header",),
         "index": ("index",), "cache": ("cache",)}
VALUES = ("mailbox", "uid", "date", "size", "envelope", "structure", "flags", "seen",
          "keywords", "modseq", "uidvalidity", "uniqueid", "uidnext", "acl")

def never_read(releases, name, where):
    """The mailbox without messages, which nobody selected. 2.3.7 keeps no status
    cache, 2.3.16 does."""
    return where.endswith("Empty") and releases[1] <= (2, 3, 7)


# Values that no file has any more when these are gone: (cases, value, test of
# release, tree and place, why). Everything else must come back to the last one.
EXCUSES = [
    (("all", "index"), "flags", lambda r, n, w: not conversations(r, n, w),
     "flags are in the index, and in the owner's conversations.db if kept"),
    (("all", "index"), "seen", lambda r, n, w: not conversations(r, n, w),
     "so is \\Seen from 2.4 on"),
    (("all", "index"), "keywords", lambda r, n, w: True,
     "which message has a keyword is in the index alone"),
    (("all", "header"), "keywords", lambda r, n, w: True,
     "names of keywords are in the header alone: they get placeholders"),
    (("all", "index"), "modseq", lambda r, n, w: True,
     "raised above all others, so that clients fetch what was made again"),
    (("all", "index"), "date", lambda r, n, w: r[0] < (2, 4),
     "up to 2.3 a message file does not have its internal date as mtime"),
    (("all", "header"), "uniqueid", lambda r, n, w: renamed(r, w),
     "up to 2.4 a renamed mailbox has an id made of its old name"),
    (("all", "header"), "uniqueid", lambda r, n, w: "Empty" in w and
     r[0] < (2, 4) <= r[1],
     "2.3 and 2.4 count its hash in two ways, and nobody has read this one"),
    (("all",), "uidvalidity", lambda r, n, w: renamed(r, w),
     "which is also the only copy of its UIDVALIDITY, but for statuscache.db"),
    (("all",), "uidvalidity", never_read,
     "up to 2.3.7 read marks alone have that of a mailbox without messages"),
    (("all",), "uniqueid", never_read,
     "and its id, which is made of it"),
    (("all", "index", "cache"), "envelope", lambda r, n, w: r[0] != r[1],
     "the answer was of a record of the first release: new ones are the last's"),
    (("all", "index", "cache"), "envelope",
     lambda r, n, w: (2, 3, 0) <= r[0] < (2, 3, 10),
     "lmtpd of 2.3.3 and 2.3.7 stored some local parts in lower case"),
    (("all", "index", "cache"), "structure", lambda r, n, w: r[0] != r[1],
     "the same"),
]


def conversations(releases, name, where=" user."):
    """3.2 and later with `conversations: yes`, which is the variant metapart;
    shared mailboxes have none."""
    return (releases[1] >= (3, 2) and name.endswith("-metapart") and
            " user." in where)


def renamed(releases, where):
    return releases[0] < (2, 5) and "Renamed" in where


wrong = t.wrong
lost = collections.Counter()
total = collections.Counter()


def count(key, value, kept, where):
    total[key, value] += 1
    if kept:
        return
    lost[key, value] += 1
    releases, case, name = key
    for cases, what, applies, _ in EXCUSES:
        if case in cases and what == value and applies(releases, name, where):
            return
    wrong.append("%s, without %s: %s" % (where, case, value))


def keyword_sets(box):
    """By keyword the messages that have it: what is left of one that lost its
    name."""
    ret = collections.defaultdict(set)
    for uid, record in box.records.items():
        for flag in record["user_flags"]:
            ret[flag].add(uid)
    return sorted(map(sorted, ret.values()))


def same_cache(box, record, want):
    for cached in box.cache_records(record["uid"], record):
        return [want[i].encode("latin-1") in t.both(cached[i])
                for i in ("envelope", "bodystructure")]
    return [False, False]


def check_message(key, name, box, before, mailbox, want):
    where = "%s %s %d" % (name, mailbox["internal"], want["uid"])
    record = box.records.get(want["uid"])
    releases = key[0]
    count(key, "uid", record is not None, where)
    if record is None:
        return
    count(key, "date", t.iso_seconds(record["internaldate"]) ==
          t.seconds(want["internaldate"]), where)
    count(key, "size", record["size"] == want["size"], where)
    # The answer of a server that took messages over from 2.3 is of one of two
    # parsers (truth.py).
    if not releases[0] < (2, 4) <= releases[1]:
        envelope, structure = same_cache(box, record, want)
        count(key, "envelope", envelope, where)
        count(key, "structure", structure, where)
    got = set(record["system_flags"]) & (t.SYSTEM - {"\\Seen"})
    count(key, "flags", got == set(want["flags"]) & (t.SYSTEM - {"\\Seen"}),
          where)
    if t.has_seen(releases[1], box, mailbox):
        count(key, "seen", ("\\Seen" in record["system_flags"]) ==
              ("\\Seen" in want["flags"]), where)
    count(key, "keywords", sorted(record["user_flags"]) == sorted(
        f for f in want["flags"] if f[0] != "\\"), where)
    if "modseq" in want:
        count(key, "modseq", record["modseq"] == want["modseq"], where)


def rights(pairs):
    """Without the c and d that 2.3.3 shows beside what it made of them."""
    return sorted((who, "".join(sorted(set(r) - set("cd"))))
                  for who, r in pairs)


def check_mailbox(key, name, box, before, want):
    where = "%s %s" % (name, want["internal"])
    count(key, "uidvalidity",
          box.index["uidvalidity"] == before.index["uidvalidity"], where)
    count(key, "uniqueid",
          box.header["uniqueid"] == before.header["uniqueid"], where)
    count(key, "uidnext", box.index["last_uid"] + 1 == want["uidnext"], where)
    # The rights in mailboxes.db are those the server goes by.
    acl = box.header["acl"]
    count(key, "acl", acl == before.header["acl"] or rights(
        zip(acl[::2], acl[1::2])) == rights(want["acl"]), where)
    if key[1] == "header" and keyword_sets(box) != keyword_sets(before):
        wrong.append("%s: other messages have a keyword" % where)
    if key[1] in ("header", "cache") and set(box.expunged) != set(
            before.expunged):
        wrong.append("%s: other messages are expunged" % where)


def check_case(case, name, tree, messages, mailboxes, before, releases):
    for path, _, files in os.walk(tree):
        for kind in CASES[case]:
            if "cyrus." + kind in files:
                os.unlink("%s/cyrus.%s" % (path, kind))
    # When no index is left the administrator must say whose files to write.
    release = ("--as-release", ".".join(map(str, releases[1]))) if (
        "index" in CASES[case]) else ()
    # That a directory without any file is a mailbox only a person can say.
    accept = ("--accept", "all") if case == "all" else ()
    run = subprocess.run([t.TOOLS + "cyrrebuild", "-C", tree + "/imapd.conf",
                          "--apply", "--offline", "-q", *release, *accept],
                         text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if run.returncode & ~5:
        wrong.append("%s, without %s: exit status %d: %s" % (
            name, case, run.returncode, run.stdout[-300:]))
        return
    # One that mailboxes.db alone has is listed too.
    boxes = {k: v for k, v in t.find(tree, rebuilt=True).items() if v.index}
    key = (releases, case, name)
    for m in mailboxes.values():
        count(key, "mailbox", m["internal"] in boxes,
              "%s %s" % (name, m["internal"]))
        if m["internal"] not in boxes:
            continue
        check_mailbox(key, name, boxes[m["internal"]], before[m["internal"]],
                      m)
    for m in messages:
        mailbox = mailboxes[m["mailbox"]]
        if mailbox["internal"] in boxes:
            check_message(key, name, boxes[mailbox["internal"]],
                          before[mailbox["internal"]], mailbox, m)


def check_tree(name, work):
    lines = t.lines(t.shell("truth $1", name))
    ends = (lines[0]["release"].split("-then-") * 2)[:2]
    releases = tuple(tuple(int(n) for n in r.split(".")) for r in ends)
    mailboxes = {o["name"]: o for o in lines if o["type"] == "mailbox"}
    messages = [o for o in lines if o["type"] == "message"]
    t.shell('unpack "$1" "$2"', name, work + "/tree")
    before = t.find(work + "/tree")
    subprocess.run(["mv", work + "/tree", work + "/saved"], check=True)
    for case in CASES:
        subprocess.run(["cp", "-a", work + "/saved", work + "/tree"],
                       check=True)
        check_case(case, name, work + "/tree", messages, mailboxes, before,
                   releases)
        subprocess.run(["rm", "-rf", work + "/tree"], check=True)
    subprocess.run(["rm", "-rf", work + "/saved"], check=True)


def percent(case, value, of):
    keys = [k for k in total if k[1] == value and k[0][1] == case and
            k[0][2] in of]
    n = sum(total[k] for k in keys)
    if not n:
        return "-"
    kept = n - sum(lost[k] for k in keys)
    return "%.1f" % (100.0 * kept / n) if kept < n else "100"


def print_table(groups):
    for case in CASES:
        print("\nWithout %s\n" % ("any cyrus.* file" if case == "all" else
                                  "cyrus." + case))
        print("| %-30s | %s |" % ("%", " | ".join(VALUES)))
        print("|" + "-" * 32 + "|" + "|".join(
            "-" * (len(v) + 2) for v in VALUES) + "|")
        for group, names in groups.items():
            print("| %-30s | %s |" % (group, " | ".join(
                "%*s" % (len(v), percent(case, v, names)) for v in VALUES)))


def group_of(name):
    """A row a release; trees with conversations are rows of their own."""
    release, _, variant = name.partition("-")
    if variant.startswith("then-"):
        return "%s-then-%s" % (release, variant.split("-")[1])
    ends = tuple(int(n) for n in release.split("."))
    return release + (", conversations" if conversations((ends, ends), name)
                      else "")


def main():
    if not os.path.exists(t.TOOLS + "cyrrebuild"):
        print("SKIP: this build has no cyrrebuild")
        sys.exit(77)
    names = sys.argv[1:] or t.shell("trees").split()
    print(t.shell("note_small_set"), end="")
    groups = collections.defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="cyrescue-test.") as work:
        os.chmod(work, 0o755)
        for name in names:
            check_tree(name, work)
            groups[group_of(name)].append(name)
    print_table(groups)
    print("\nWhat is in no file any more:")
    for cases, value, _, why in EXCUSES:
        print("* without %s, %s: %s" % (" or ".join(cases), value, why))
    if wrong:
        print("\n" + "\n".join(wrong[:int(os.environ.get("CYRE_SHOW", 40))]))
        sys.exit("FAIL: %d values" % len(wrong))


main()
