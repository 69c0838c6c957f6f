#!/usr/bin/python3
"""What cyrshow reads from the files is what the server answered over IMAP.

For each tree: mailboxes by internal name (cyrscan says where they are), their
header, index, expunge file and caches as cyrshow --json prints them, against
the tree's truth. What cannot be compared is said where it is left out; nothing
is left out in silence, and the numbers at the end say how much was compared."""
import collections
import datetime
import json
import os
import subprocess
import sys
import tempfile

SOURCE = os.environ.get("CYRE_SOURCE", os.path.abspath(
    os.path.join(os.path.dirname(__file__), "..", "..")))
TOOLS = os.environ.get("CYRE_BUILD", SOURCE + "/build/dev") + "/tools/"
LIB = os.path.join(SOURCE, "tests", "lib.sh")
SYSTEM = {"\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "\\Seen"}

compared = collections.Counter()
wrong = []


def shell(command, *args):
    return subprocess.run(["bash", "-c", '. "$1"; shift; ' + command, "_", LIB,
                           *args], check=True, stdout=subprocess.PIPE,
                          text=True).stdout


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def both(text):
    """The bytes a string of ours can stand for. U+0080 to U+00FF is a byte in
    a string that was no UTF-8, and a character in one that was."""
    ret = {text.encode("utf-8")}
    if all(ord(c) < 256 for c in text):
        ret.add(text.encode("latin-1"))
    return ret


def same(what, where, got, want):
    compared[what] += 1
    if got != want:
        wrong.append("%s: %s: read %r, the server said %r" %
                     (where, what, got, want))


def at_least(what, where, got, want):
    compared[what + " of a mailbox deleted since"] += 1
    if got < want:
        wrong.append("%s: %s: read %r, less than the server said, %r" %
                     (where, what, got, want))


def seconds(text):
    when = datetime.datetime.strptime(text.strip(), "%d-%b-%Y %H:%M:%S %z")
    return int(when.timestamp())


def iso_seconds(text):
    """Without the nanoseconds of v20, which IMAP does not show."""
    when = datetime.datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
    return int(when.replace(tzinfo=datetime.timezone.utc).timestamp())


class Mailbox:
    """All that the files of a mailbox say."""

    def __init__(self, dirs):
        self.header = self.index = None
        self.records, self.expunged, self.caches = {}, {}, []
        for d in dirs:
            if os.path.isdir(d):
                self.read_directory(d)
        for d in dirs:
            if os.path.exists(d + "/cyrus.cache"):
                self.caches.append(self.show(d + "/cyrus.cache"))

    @staticmethod
    def show(path):
        run = subprocess.run([TOOLS + "cyrshow", "--json", path], text=True,
                             stdout=subprocess.PIPE)
        if run.returncode != 0:
            wrong.append("%s: exit status %d" % (path, run.returncode))
        return lines(run.stdout)

    def read_directory(self, path):
        kind = None
        for o in self.show(path):
            if o["type"] == "file":
                kind = o["kind"]
            elif o["type"] == "header":
                self.header = o
            elif o["type"] == "index-header" and kind == "index":
                self.index = o
            elif o["type"] == "record":
                gone = kind == "expunge" or "expunged" in o["system_flags"]
                (self.expunged if gone else self.records)[o["uid"]] = o

    def cache_records(self, uid, record):
        """One, or two where the archive has one of its own: its cache has no
        index beside it, so there the offset tells."""
        for cache in self.caches:
            for o in cache:
                if o["type"] == "cache-record" and (
                        o["uid"] == uid if "uid" in o else
                        "archived" in record["system_flags"] and
                        o["offset"] == record["cache_offset"]):
                    yield o


def find(tree, rebuilt=False):
    """Internal names and the directories of a mailbox."""
    options = dict(line.split(": ", 1)
                   for line in open(tree + "/imapd.conf").read().splitlines())
    run = subprocess.run([TOOLS + "cyrscan", "--json", "--level", "2", "-C",
                          tree + "/imapd.conf"], text=True, check=False,
                         stdout=subprocess.PIPE)
    # A quota, say, does not fit what is in a rebuilt mailbox.
    if run.returncode & ~(4 if rebuilt else 0):
        sys.exit("%s: cyrscan: exit status %d" % (tree, run.returncode))
    ret = {}
    for o in lines(run.stdout):
        if o["type"] != "mailbox":
            continue
        roots = [options[k + o["partition"]] for k in
                 ("partition-", "metapartition-", "archivepartition-")
                 if k + o["partition"] in options]
        for root in roots:
            if o["path"].startswith(root + "/"):
                rest = o["path"][len(root):]
        ret[o["mboxname"]] = Mailbox([root + rest for root in roots])
    return ret


def has_seen(release, box, truth):
    """Is the \\Seen that `user` saw a flag of the record? It is from 2.4 on, in
    indexes from v12 on, for the owner, and with sharedseen for all; else it is
    in a database of the user (docs/formats/user-databases.md)."""
    if release < (2, 4) or box.index["minor_version"] < 12:
        return False
    return ("sharedseen" in box.index["options"] or
            truth["internal"].split("!")[-1].startswith(
                "user." + truth["user"].split("@")[0].replace(".", "^")))


def check_acl(where, releases, box, truth):
    acl = box.header["acl"]
    got = sorted(map(list, zip(acl[::2], acl[1::2])))
    want = sorted(truth["acl"])
    # GETACL answers from mailboxes.db. Up to 2.3 a RENAME moves cyrus.header
    # with the rights of before, while the new name starts with its owner's
    # alone; a delayed DELETE, which is one too, then adds the administrator's
    # in both (docs/formats/errata.md), and in every later release.
    if truth["type"] == "deleted-mailbox" or (
            releases[0] < (2, 4, 0) and "Renamed" in truth["internal"]):
        more = [pair[0] for pair in got if pair[0] not in dict(want)]
        if truth["type"] == "deleted-mailbox":
            same("who a DELETE adds to the acl", where, set(more) - {"cyrus"},
                 set())
        got = [pair for pair in got if pair[0] in dict(want)]
        compared["acl of a mailbox deleted, or renamed by 2.1 to 2.3"] += 1
    # These show the rights c and d of old clients beside the ones that RFC 4314
    # made of them; the files have the new ones only.
    if (2, 3, 0) <= releases[1] < (2, 3, 16):
        got = [[who, sorted(set(rights) | set("c" * ("k" in rights)) |
                            set("d" * ("t" in rights)))]
               for who, rights in got]
        want = [[who, sorted(rights)] for who, rights in want]
    same("acl", where, got, want)


def check_mailbox(where, releases, box, truth):
    same("exists", where, len(box.records), truth["exists"])
    same("uidnext", where, box.index["last_uid"] + 1, truth["uidnext"])
    # What was answered before a DELETE, which is a RENAME: that always counts
    # in highestmodseq (since 3.0 by the counter of the user) and, in 2.4 and 2.5
    # alone, makes a new UIDVALIDITY (docs/formats/errata.md).
    gone = truth["type"] == "deleted-mailbox"
    if gone and (2, 4, 0) <= releases[0] < (3, 0, 0):
        at_least("uidvalidity", where, box.index["uidvalidity"],
                 truth["uidvalidity"])
    else:
        same("uidvalidity", where, box.index["uidvalidity"],
             truth["uidvalidity"])
    if "highestmodseq" in truth and gone:
        at_least("highestmodseq", where, box.index["highestmodseq"],
                 truth["highestmodseq"] + 1)
    elif "highestmodseq" in truth:
        same("highestmodseq", where, box.index["highestmodseq"],
             truth["highestmodseq"])
    check_acl(where, releases, box, truth)
    same("keywords", where, sorted(f for f in box.header["flags"] if f),
         sorted(f for f in truth["flags"] if f[0] != "\\"))
    if "mailboxid" in truth:
        same("mailboxid", where, box.header["uniqueid"], truth["mailboxid"])


def check_flags(where, record, want, seen):
    got = set(record["user_flags"]) | SYSTEM.intersection(
        record["system_flags"])
    ignored = {"\\Recent"} if seen else {"\\Recent", "\\Seen"}
    same("flags", where, sorted(got - ignored), sorted(set(want) - ignored))


def check_cache(where, releases, box, record, truth):
    # The upgrade from 2.3 parses messages again, with another parser. Either
    # the file still holds what 2.3 made of a message, and the later server
    # answered what it made of it; or the file holds the later server's, and the
    # answer is 2.3's, given before the message was expunged.
    if releases[0] < (2, 4) <= releases[1] and (
            record["cache_version"] <= 2 or truth["type"] == "expunged"):
        compared["envelope and bodystructure of two parsers"] += 1
        return
    if "unlinked" in record["system_flags"]:
        compared["expunged, without a cache record"] += 1
        return
    found = False
    for cached in box.cache_records(record["uid"], record):
        found = True
        for item in "envelope", "bodystructure":
            want = truth[item].encode("latin-1")
            same(item, where, want if want in both(cached[item]) else
                 cached[item], want)
    if not found:
        wrong.append("%s: no cache record" % where)


def check_message(where, releases, box, record, truth, seen):
    check_flags(where, record, truth["flags"], seen)
    same("internaldate", where, iso_seconds(record["internaldate"]),
         seconds(truth["internaldate"]))
    same("size", where, record["size"], truth["size"])
    if "guid" in record and record["guid"].strip("0") and len(
            record["guid"]) == 40:
        same("sha1", where, record["guid"], truth["sha1"])
    same("header_size", where, record["header_size"], truth["header_size"])
    check_cache(where, releases, box, record, truth)


def deleted(boxes, internal):
    """The mailbox that a delayed DELETE made of this one, or None: an immediate
    one left nothing."""
    domain, bang, name = internal.rpartition("!")
    prefix = domain + bang + "DELETED." + name + "."
    found = [n for n in boxes if n.startswith(prefix)]
    return boxes[found[0]] if found else None


def check_tree(name, tree):
    truth = lines(shell("truth $1", name))
    boxes = find(tree)
    both_ends = (truth[0]["release"].split("-then-") * 2)[:2]
    releases = [tuple(int(n) for n in r.split(".")) for r in both_ends]
    mailboxes, box_of = {}, {}
    for t in truth:
        if t["type"] not in ("mailbox", "deleted-mailbox"):
            continue
        gone = t["type"] == "deleted-mailbox"
        key = (t["name"], gone)
        mailboxes[key] = t
        box = deleted(boxes, t["internal"]) if gone else boxes.get(
            t["internal"])
        box_of[key] = box
        if box:
            check_mailbox("%s %s" % (name, t["internal"]), releases, box, t)
        elif gone:
            compared["deleted mailbox that left no files"] += 1
        else:
            wrong.append("%s: no mailbox %s" % (name, t["internal"]))
    for t in truth:
        if t["type"] not in ("message", "expunged", "deleted-message"):
            continue
        key = (t["mailbox"], t["type"] == "deleted-message")
        if not box_of[key]:
            continue
        check_one(name, releases, box_of[key], mailboxes[key], t)


def check_one(name, releases, box, mailbox, truth):
    where = "%s %s %d" % (name, mailbox["internal"], truth["uid"])
    if truth["type"] == "expunged":
        # An immediate expunge left no record; a delayed one raised the modseq.
        record = box.expunged.get(truth["uid"])
        if record is None:
            compared["expunged, without a record"] += 1
            return
        compared["expunged"] += 1
    else:
        record = box.records.get(truth["uid"])
        if record is None:
            wrong.append("%s: no record" % where)
            return
        if "modseq" in truth:
            same("modseq", where, record["modseq"], truth["modseq"])
    check_message(where, releases, box, record, truth,
                  has_seen(releases[1], box, mailbox))


def main():
    names = sys.argv[1:] or shell("trees").split()
    print(shell("note_small_set"), end="")
    with tempfile.TemporaryDirectory(prefix="cyrescue-test.") as work:
        for name in names:
            tree = work + "/tree"
            shell('unpack "$1" "$2"', name, tree)
            check_tree(name, tree)
            subprocess.run(["rm", "-rf", tree], check=True)
    print("%d trees;" % len(names), ", ".join(
        "%s %d" % item for item in sorted(compared.items())))
    if wrong:
        print("\n".join(wrong[:int(os.environ.get("CYRE_SHOW", 40))]))
        sys.exit("FAIL: %d differences" % len(wrong))


if __name__ == "__main__":
    main()
