#!/usr/bin/python3
"""What a repair keeps (docs/design.md section 8), as a table per release.

The main mailbox of a tree is damaged in 22 ways, each time repaired by
`cyrrebuild --apply`, and its records compared with those of before. On the
3.6.1 tree Debian's `reconstruct` gets the same damaged copies. docs/score.md
has the printed table. Arguments: names of trees (default: one a release)."""
import calendar
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

SOURCE = os.environ.get("CYRE_SOURCE", os.path.abspath(
    os.path.join(os.path.dirname(__file__), "..", "..")))
TOOLS = os.environ.get("CYRE_BUILD", SOURCE + "/build/dev") + "/tools/"
LIB = os.path.join(SOURCE, "tests", "lib.sh")
RECONSTRUCT = "/usr/lib/cyrus/bin/reconstruct"
RECONSTRUCT_RELEASE = "3.6.1"
SYSTEM = {"\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "\\Seen"}
INBOX = re.compile(r"(.*!)?user\.[^.]+")

wrong = []


def shell(command, *args):
    return subprocess.run(["bash", "-c", '. "$1"; shift; ' + command, "_", LIB,
                           *args], check=True, stdout=subprocess.PIPE,
                          text=True).stdout


def as_cyrus(*command):
    return ["setpriv", "--reuid=cyrus", "--regid=mail", "--clear-groups",
            *command]


def time_of(record):
    """Without the nanoseconds of v20: the time of a file need not have them."""
    return calendar.timegm(time.strptime(record["internaldate"][:19],
                                         "%Y-%m-%dT%H:%M:%S"))


def garbage(size):
    ret = b""
    while len(ret) < size:
        ret += hashlib.sha256(b"garbage %d" % len(ret)).digest()
    return ret[:size]


def zeroed(data, start, size):
    """Zeros as far as the file has bytes there."""
    end = min(len(data), start + size)
    return data[:start] + bytes(max(0, end - start)) + data[end:]


def flipped(data):
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 8]) + data[at + 1:]


# Of each file those that are of interest; None: the file is missing. The
# arguments are the bytes and the size of a record.
INDEX = [
    ("missing", lambda d, n: None),
    ("empty", lambda d, n: b""),
    ("cut by one byte", lambda d, n: d[:-1]),
    ("cut by one record", lambda d, n: d[:-n]),
    ("cut to half", lambda d, n: d[:len(d) // 2]),
    ("first 160 bytes zeroed", lambda d, n: zeroed(d, 0, 160)),
    ("first 512 bytes zeroed", lambda d, n: zeroed(d, 0, 512)),
    ("one sector zeroed", lambda d, n: zeroed(d, 1024, 512)),
    ("one bit flipped", lambda d, n: flipped(d)),
    ("garbage", lambda d, n: garbage(len(d))),
]
HEADER = [d for d in INDEX if d[0] in
          ("missing", "empty", "cut to half", "one bit flipped", "garbage")]
CACHE = [d for d in INDEX if d[0] in
         ("missing", "empty", "cut to half", "one sector zeroed")]
DAMAGES = ([("cyrus.index",) + d for d in INDEX] +
           [("cyrus.header",) + d for d in HEADER] +
           [("cyrus.cache",) + d for d in CACHE] +
           [("message", "missing", lambda d, n: None),
            ("message", "empty", lambda d, n: b""),
            ("mailboxes.db", "missing", lambda d, n: None)])


class Mailbox:
    """What cyrshow reads of a mailbox, and its message files."""

    def __init__(self, dirs, seen):
        self.header, self.index = {}, {}
        self.records, self.expunged, self.files = {}, {}, {}
        for path in dirs:
            if not os.path.isdir(path):
                continue
            for name in ("cyrus.header", "cyrus.index"):
                if os.path.exists(path + "/" + name):
                    self.show(path + "/" + name)
            for name in os.listdir(path):
                if re.fullmatch(r"[1-9][0-9]*\.", name):
                    with open(path + "/" + name, "rb") as file:
                        self.files[path, name] = hashlib.sha1(
                            file.read()).digest()
        self.add_read_marks(seen)

    def add_read_marks(self, seen):
        """Before v12 the owner's \\Seen is not in the index but in his seen
        database, under the uniqueid: lost to him when that changes."""
        if self.index.get("minor_version", 12) >= 12 or not os.path.exists(
                seen):
            return
        run = subprocess.run([TOOLS + "cyrdb", "show", "--json", seen],
                             text=True, stdout=subprocess.PIPE)
        for o in map(json.loads, run.stdout.splitlines()):
            if (o["type"] != "key" or
                    o["key"] != self.header.get("uniqueid")):
                continue
            ranges = (o["value"].split(" ") + [""])[4]
            for r in filter(None, ranges.split(",")):
                first, _, last = r.partition(":")
                for uid in range(int(first), int(last or first) + 1):
                    if uid in self.records:
                        self.records[uid]["system_flags"].append("\\Seen")

    def show(self, path):
        run = subprocess.run([TOOLS + "cyrshow", "--json", path], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for line in run.stdout.splitlines():
            o = json.loads(line)
            if o["type"] == "header":
                self.header = o
            elif o["type"] == "index-header":
                self.index = o
            elif o["type"] == "record":
                gone = "expunged" in o["system_flags"]
                (self.expunged if gone else self.records)[o["uid"]] = o


class Tree:
    """A tree, its main mailbox, and a copy of both to start again from."""

    def __init__(self, name, path):
        self.path, self.conf = path, path + "/imapd.conf"
        shell('unpack "$1" "$2"', name, path)
        if os.geteuid() == 0:
            os.chmod(path, 0o755)
            for folder in ("proc", "lock", "socket", "log"):
                os.makedirs("%s/conf/%s" % (path, folder), exist_ok=True)
                shutil.chown("%s/conf/%s" % (path, folder), "cyrus", "mail")
        self.dirs = self.find()
        user = self.name.split("!")[-1].split(".")[1]
        found = glob.glob(glob.escape(path) + "/conf/**/%s.seen" %
                          glob.escape(user), recursive=True)
        self.seen = found[0] if found else ""
        self.saved = self.dirs + [path + "/conf"]
        for i, folder in enumerate(self.saved):
            if os.path.isdir(folder):
                self.copy(folder, "%s/saved.%d" % (path, i))
        self.before = Mailbox(self.dirs, self.seen)
        self.dated = self.files_with_dates()

    def find(self):
        """Where the files of the mailbox are: data, metadata, archive."""
        options = dict(line.split(": ", 1) for line in
                       open(self.conf).read().splitlines() if ": " in line)
        run = subprocess.run([TOOLS + "cyrscan", "--json", "--level", "2", "-C",
                              self.conf], text=True, stdout=subprocess.PIPE)
        # The INBOX with the most messages.
        found = [o for o in map(json.loads, run.stdout.splitlines())
                 if o["type"] == "mailbox" and INBOX.fullmatch(o["mboxname"])]
        o = max(found, key=lambda o: o["messages"])
        self.name = self.external = o["mboxname"]
        if options.get("unixhierarchysep") == "yes":
            self.external = self.name.translate(str.maketrans(".^", "/."))
        roots = [options[k + o["partition"]] for k in
                 ("partition-", "metapartition-", "archivepartition-")
                 if k + o["partition"] in options]
        rest = [o["path"][len(r):] for r in roots
                if o["path"].startswith(r + "/")][0]
        return [root + rest for root in roots]

    @staticmethod
    def copy(source, target):
        subprocess.run(["cp", "-a", source, target], check=True)

    def restore(self):
        for i, folder in enumerate(self.saved):
            shutil.rmtree(folder, ignore_errors=True)
            if os.path.isdir("%s/saved.%d" % (self.path, i)):
                self.copy("%s/saved.%d" % (self.path, i), folder)

    def file(self, name):
        """The message is one of those in the middle; of two caches, the one
        beside the index."""
        if name == "mailboxes.db":
            return self.path + "/conf/mailboxes.db"
        if name == "message":
            uids = sorted(self.before.records)
            name = "%d." % uids[len(uids) // 2]
        found = [d + "/" + name for d in self.dirs
                 if os.path.exists(d + "/" + name)]
        return found[0] if found else None

    def files_with_dates(self):
        """UIDs whose message file has the internal date as its mtime."""
        ret = set()
        for uid, record in self.before.records.items():
            file = [d for d, n in self.before.files if n == "%d." % uid]
            if file and time_of(record) == int(
                    os.stat("%s/%d." % (file[0], uid)).st_mtime):
                ret.add(uid)
        return ret

    def damage(self, name, change):
        """False where the release has no such file."""
        path = self.file(name)
        if path is None:
            return False
        with open(path, "rb") as file:
            data = file.read()
        data = change(data, self.before.index["record_size"])
        if data is None:
            os.unlink(path)
        else:
            times = os.stat(path)
            with open(path, "wb") as file:
                file.write(data)
            os.utime(path, (times.st_atime, times.st_mtime))
        return True


class Score:
    """What one repair brought back: pairs of (kept, of)."""

    COLUMNS = ("UIDs", "flags", "keywords", "dates")

    def __init__(self, tree):
        before, after = tree.before, Mailbox(tree.dirs, tree.seen)
        live = set(before.records) & set(after.records)
        self.uids = (len(live), len(before.records))
        self.flags = self.marks(before, after, lambda r: SYSTEM.intersection(
            r["system_flags"]))
        self.keywords = self.marks(before, after, lambda r: set(
            r["user_flags"]))
        kept = {u for u in live if time_of(before.records[u]) ==
                time_of(after.records[u])}
        self.dates = (len(kept), len(before.records))
        self.dates_there = (len(kept & tree.dated), len(tree.dated))
        self.uidvalidity = (before.index.get("uidvalidity") ==
                            after.index.get("uidvalidity"))
        self.uniqueid = (before.header.get("uniqueid") ==
                         after.header.get("uniqueid"))
        self.returned = len(set(before.expunged) & set(after.records))

    @staticmethod
    def marks(before, after, of):
        """Marks of messages that are still there, of those that were there
        before; one that was not there before counts as one that is missing."""
        was = {(u, m) for u, r in before.records.items() for m in of(r)}
        now = {(u, m) for u, r in after.records.items() for m in of(r)
               if u in before.records}
        return len(was & now), len(was | now)

    def pairs(self):
        return self.uids, self.flags, self.keywords, self.dates


def percent(pair):
    return 100.0 * pair[0] / pair[1] if pair[1] else 100.0


HEAD = ("| %-36s |     UIDs |    flags | keywords |    dates | UIDVALIDITY | "
        "uniqueid | returned | touched |")


def print_row(name, columns, uidvalidity, uniqueid, returned, touched):
    print("| %-36s | %s | %11s | %8s | %8s | %7s |" % (
        name, " | ".join("%8.1f" % c for c in columns), uidvalidity, uniqueid,
        returned, touched))


def changed_files(tree, damaged):
    """Message files that are not as the damage left them."""
    after = Mailbox(tree.dirs, tree.seen).files
    return len({f for f in set(damaged) | set(after)
                if damaged.get(f) != after.get(f)})


def repair(tree, tool):
    """The exit status, and what was printed."""
    if tool == "cyrrebuild":
        command = [TOOLS + "cyrrebuild", "-C", tree.conf, "--apply",
                   "--offline", "-m", tree.name]
    else:
        command = as_cyrus(RECONSTRUCT, "-C", tree.conf,
                            tree.external)
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True,
                         stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                         errors="replace")
    return run.returncode, run.stdout


def table(tree, tool):
    """Prints it; returns what is to be asserted."""
    print(HEAD % ("repaired by " + tool))
    print("|" + "|".join("-" * (len(c)) for c in
                         HEAD.replace("%-36s", " " * 36).split("|")[1:-1]) +
          "|")
    scores, all_touched = {}, 0
    for file, what, change in DAMAGES:
        tree.restore()
        name = "%s %s" % (file, what)
        if not tree.damage(file, change):
            continue
        damaged = Mailbox(tree.dirs, tree.seen).files
        status, output = repair(tree, tool)
        if tool == "cyrrebuild" and status & ~5:
            wrong.append("%s: %s: exit status %d: %s" % (
                tree.path, name, status, output[-400:]))
        score = Score(tree)
        touched = changed_files(tree, damaged)
        all_touched += touched
        scores[name] = score
        print_row(name, map(percent, score.pairs()),
                  "kept" if score.uidvalidity else "LOST",
                  "kept" if score.uniqueid else "LOST", score.returned,
                  touched)
    every = list(scores.values())
    means = [sum(percent(s.pairs()[i]) for s in every) / len(every)
             for i in range(4)]
    of = len(every)
    valid = sum(s.uidvalidity for s in every)
    unique = sum(s.uniqueid for s in every)
    print_row("mean of %d" % of, means, "%d of %d" % (valid, of),
              "%d of %d" % (unique, of), sum(s.returned for s in every),
              all_touched)
    return scores, means, all_touched


def judge(name, version, scores, means, touched):
    """UIDs, and the dates that the message files have; flags; identity."""
    for damage, score in scores.items():
        where = "%s: %s: " % (name, damage)
        if score.uids[0] != score.uids[1]:
            wrong.append(where + "UIDs %d of %d" % score.uids)
        if damage.startswith("cyrus.index"):
            if score.dates_there[0] != score.dates_there[1]:
                wrong.append(where + "dates %d of %d" % score.dates_there)
        elif score.dates[0] != score.dates[1]:
            wrong.append(where + "dates %d of %d" % score.dates)
        if not score.uidvalidity:
            wrong.append(where + "another UIDVALIDITY")
        # Before v12 nothing has the sum of the header, nor another id.
        if not score.uniqueid and not (version < 12 and damage ==
                                       "cyrus.header one bit flipped"):
            wrong.append(where + "another uniqueid")
    if means[1] < 80:
        wrong.append("%s: flags %.1f %%" % (name, means[1]))
    if touched:
        wrong.append("%s: %d message files changed" % (name, touched))


def one_a_release():
    """The first tree of each release that was not upgraded."""
    ret = {}
    for name in shell("trees").split():
        release, _, variant = name.partition("-")
        if not variant.startswith("then-") and (
                release not in ret or variant == "default"):
            ret[release] = name
    return list(ret.values())


def main():
    if not os.path.exists(TOOLS + "cyrrebuild"):
        print("SKIP: this build has no cyrrebuild")
        sys.exit(77)
    # And one with conversations, which have the flags a second time.
    names = sys.argv[1:] or one_a_release() + [
        n for n in ["3.6.1-metapart"] if n in shell("trees").split()]
    print(shell("note_small_set"), end="")
    server = os.path.exists(RECONSTRUCT) and os.geteuid() == 0
    if not server:
        print("SKIP: the columns of reconstruct: no", RECONSTRUCT,
              "(Debian: cyrus-admin), or not root")
    with tempfile.TemporaryDirectory(prefix="cyrescue-test.") as work:
        os.chmod(work, 0o755)
        for name in names:
            tree = Tree(name, work + "/tree")
            print("\n### %s: %s, index v%d, %d messages, %d expunged" % (
                name, tree.name, tree.before.index["minor_version"],
                len(tree.before.records), len(tree.before.expunged)))
            print("The mtime of %d message files is the internal date.\n" %
                  len(tree.dated))
            judge(name, tree.before.index["minor_version"],
                  *table(tree, "cyrrebuild"))
            if server and name.split("-")[0] == RECONSTRUCT_RELEASE:
                print()
                table(tree, "reconstruct")
            sys.stdout.flush()
            shutil.rmtree(tree.path)
    if wrong:
        print("\n" + "\n".join(wrong[:int(os.environ.get("CYRE_SHOW", 60))]))
        sys.exit("FAIL: %d values" % len(wrong))


main()
