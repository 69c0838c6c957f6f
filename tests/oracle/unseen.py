#!/usr/bin/python3
"""Trees that nobody has seen: Debian's Cyrus 3.6.1 makes one for each seed, in a
configuration and by a history drawn by lot, and says over IMAP what is in it.

A scan of it is clean at every level. Then some files are damaged, by lot too: a
rebuild changes no message, leaves nothing it could repair, has nothing to do a
second time, and is undone byte for byte; imapd serves in every mailbox the
messages, dates, ids and rights that it served before, and in mailboxes that were
not damaged all the rest.

usage: unseen.py [SEED...]"""
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

from imap import Imap, fetched, quoted

TOOLS = os.path.join(os.environ["CYRE_BUILD"], "tools") + "/"
CYRUS = "/usr/lib/cyrus/bin/"
AS_CYRUS = ["setpriv", "--reuid=cyrus", "--regid=mail", "--clear-groups"]
KEPT = ("INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODYSTRUCTURE")
SEEDS = ("1", "2", "3")
wrong = []


def bad(*what):
    wrong.append(" ".join(map(str, what)))


class Session(Imap):
    """One that goes on when the server refuses."""

    def command(self, text):
        self.tags += 1
        tag = "a%d " % self.tags
        self.process.stdin.write((tag + text + "\r\n").encode("latin-1"))
        self.process.stdin.flush()
        self.lines = []
        while True:
            line = self.answer()
            if line.startswith(tag):
                return line.startswith(tag + "OK")
            self.lines.append(line)

    def ask(self, text):
        self.command(text)
        return self.lines

    def names(self):
        return [re.sub(r'^"|"$', "", line.split(") ", 1)[1].split(" ", 1)[1])
                for line in self.ask('LIST "" *') if "\\Noselect" not in line]


def configuration(lot, top):
    yes = lambda: lot.choice(("yes", "no"))
    o = {"servername": "mail.example.org", "admins": "cyrus",
         "allowplaintext": "yes",
         "defaultpartition": "default", "configdirectory": top + "/conf"}
    for name in ("default", "part2"):
        o["partition-" + name] = "%s/spool-%s" % (top, name)
        if lot.random() < .5:
            o["metapartition-" + name] = "%s/meta-%s" % (top, name)
        o["archivepartition-" + name] = "%s/archive-%s" % (top, name)
    files = "header index cache expunge annotations archivecache".split()
    if any(k.startswith("meta") for k in o):
        o["metapartition_files"] = " ".join(
            lot.sample(files, lot.randrange(1, len(files))))
    for option in ("unixhierarchysep", "altnamespace", "hashimapspool",
                   "fulldirhash", "conversations", "reverseacls", "statuscache",
                   "mailbox_legacy_dirs", "archive_enabled"):
        o[option] = yes()
    # RENAME leaves the archive's files behind there (errata.md).
    if o["mailbox_legacy_dirs"] == "yes":
        o["archive_enabled"] = "no"
    o["virtdomains"] = lot.choice(("off", "userid", "on"))
    o["expunge_mode"] = lot.choice(("delayed", "immediate"))
    o["delete_mode"] = lot.choice(("delayed", "immediate"))
    for option in ("mboxlist_db", "annotation_db", "conversations_db"):
        o[option] = lot.choice(("twoskip", "skiplist"))
    for option in ("seenstate_db", "subscription_db"):
        o[option] = lot.choice(("twoskip", "skiplist", "flat"))
    o["quota_db"] = lot.choice(("quotalegacy", "twoskip", "skiplist"))
    o["quota_db_path"] = top + "/conf/other/quotas.db"
    return o


class Tree:
    """What the server makes, and what may be done to it."""

    def __init__(self, seed, top):
        self.lot, self.top = random.Random(seed), top
        self.options = configuration(self.lot, top)
        for path in ["conf/" + d for d in ("proc", "lock", "socket", "log",
                                           "db", "other")]:
            os.makedirs(os.path.join(top, path))
        for name, value in self.options.items():
            if "partition-" in name:
                # A server takes away what is empty, up to the root.
                os.makedirs(value + "/lost+found")
        self.conf = top + "/imapd.conf"
        with open(self.conf, "w", encoding="utf-8") as file:
            file.writelines("%s: %s\n" % o for o in self.options.items())
        subprocess.run(["chown", "-R", "cyrus:mail", top], check=True)
        self.sep = "/" if self.options["unixhierarchysep"] == "yes" else "."
        self.users = ["anna", "b-c_d"]
        if self.sep == "/":
            self.users.append("d.e")
        if self.options["virtdomains"] != "off":
            self.users.append("anna@other.org")

    def below(self, parent, name):
        if parent == "INBOX" and self.options["altnamespace"] == "yes":
            return name
        return parent + self.sep + name

    def inbox(self, user):
        """As the administrator calls it."""
        return "user" + self.sep + user

    def message(self):
        n = self.lot.randrange(10 ** 9)
        return ("From: a%d@example.com\r\nTo: b@example.com\r\nDate: Mon, 1 Jan "
                "2001 10:00:00 +0000\r\nMessage-ID: <%d@example.com>\r\n"
                "Subject: s%d\r\n\r\nhello %s\r\n" % (n, n, n,
                                                      "x" * (n % 3000)))

    def append(self, session, box):
        flags = self.lot.sample(["\\Seen", "\\Flagged", "\\Answered", "kw1",
                                 "$Kw2", "kw.3"], self.lot.randrange(4))
        text = self.message()
        session.command('APPEND %s (%s) "%2d-Mar-%d 10:00:00 +0000" {%d+}\r\n%s'
                        % (quoted(box), " ".join(flags),
                           self.lot.randrange(1, 29),
                           self.lot.choice((1972, 2005, 2024)), len(text),
                           text))

    def one_step(self, session, boxes, admin):
        lot, box = self.lot, self.lot.choice(boxes)
        step = lot.randrange(9)
        if step < 3:
            for _ in range(lot.randrange(1, 6)):
                self.append(session, box)
        elif step == 3:
            name = self.below(box, lot.choice(
                ("Sent", "x y", "&AOQ-rger", "#a$b", "L" * 100, "a!b")))
            if session.command("CREATE " + quoted(name)):
                boxes.append(name)
        elif step == 4 and box != "INBOX":
            if session.command("DELETE " + quoted(box)):
                boxes.remove(box)
                if lot.random() < .5 and \
                        session.command("CREATE " + quoted(box)):
                    boxes.append(box)
        elif step == 5 and box != "INBOX":
            name = self.below("INBOX", "Moved%d" % lot.randrange(99))
            if session.command("RENAME %s %s" % (quoted(box), quoted(name))):
                boxes[:] = [name + b[len(box):] if b == box or b.startswith(
                    box + self.sep) else b for b in boxes]
        elif step == 6:
            session.command("SETACL %s %s lrs" % (quoted(box), quoted(
                lot.choice(self.users + ["anyone", "-anna"]))))
        elif step == 7:
            name = lot.choice(admin.names())
            admin.command("RENAME %s %s %s" % (quoted(name), quoted(name),
                                               lot.choice(("default",
                                                           "part2"))))
            # No root of what may be renamed: it goes with it (errata.md).
            admin.command("SETQUOTA %s (STORAGE 90000 MESSAGE 999)" %
                          quoted(self.inbox(lot.choice(self.users))))
        elif session.command("SELECT " + quoted(box)):
            session.command("STORE 1:%d +FLAGS (%s)" % (
                lot.randrange(1, 5), lot.choice(("\\Deleted", "kw9", "\\Seen"))))
            session.command('STORE 1 ANNOTATION (/comment (value.shared "hi"))')
            if lot.random() < .5:
                session.command("EXPUNGE")
            session.command("UNSELECT")

    def server(self, program, *options):
        subprocess.run([*AS_CYRUS, CYRUS + program, "-C", self.conf, *options],
                       check=False, capture_output=True, cwd="/")

    def live(self):
        self.server("ctl_cyrusdb", "-r")
        admin = Session(self.conf, "cyrus")
        sessions = []
        for user in self.users:
            admin.command("CREATE " + quoted(self.inbox(user)))
            sessions.append((Session(self.conf, user), ["INBOX"]))
        for _ in range(90):
            self.one_step(*self.lot.choice(sessions), admin)
        for session, _ in sessions:
            session.close()
        admin.close()
        self.server("cyr_expire", "-E", "1", "-A", "1d")
        self.server("ctl_cyrusdb", "-c")
        for name in ("proc", "lock", "socket"):
            shutil.rmtree("%s/conf/%s" % (self.top, name))

    # ---- what the server says ----

    def served(self):
        """{(user, mailbox): what EXAMINE and FETCH say}, from a copy."""
        copy = self.top + ".served"
        subprocess.run(["cp", "-a", self.top, copy], check=True)
        with open(self.conf, encoding="utf-8") as file:
            text = file.read().replace(self.top + "/", copy + "/")
        with open(copy + "/imapd.conf", "w", encoding="utf-8") as file:
            file.write(text)
        for name in ("proc", "lock", "socket"):
            os.makedirs("%s/conf/%s" % (copy, name), exist_ok=True)
            shutil.chown("%s/conf/%s" % (copy, name), "cyrus", "mail")
        ret = {}
        for user in self.users + ["cyrus"]:
            session = Session(copy + "/imapd.conf", user)
            for name in session.names():
                ret[user, name] = self.look(session, name)
            session.close()
        shutil.rmtree(copy)
        return ret

    @staticmethod
    def look(session, name):
        ret = {"acl": session.ask("GETACL " + quoted(name)), "messages": {}}
        for line in session.ask("EXAMINE " + quoted(name)):
            code = re.match(r"\* OK \[(UIDVALIDITY|UIDNEXT|MAILBOXID) (.*?)\]",
                            line)
            if code:
                ret[code[1]] = code[2]
        for line in session.ask("UID FETCH 1:* (UID FLAGS INTERNALDATE "
                                "RFC822.SIZE MODSEQ ENVELOPE BODYSTRUCTURE)"):
            if re.match(r"\* \d+ FETCH \(", line):
                items = fetched(line)
                items["FLAGS"] = sorted(set(items["FLAGS"].strip("()").split())
                                        - {"\\Recent"})
                ret["messages"][int(items["UID"])] = items
        return ret

    # ---- what happens to it ----

    def state(self):
        """Names, owners, modes and bytes of all there is, but of archives."""
        ret = {}
        for root, dirs, files in os.walk(self.top):
            if "cyrescue-undo" in dirs:
                dirs.remove("cyrescue-undo")
            for path in (os.path.join(root, name) for name in files):
                with open(path, "rb") as file:
                    digest = hashlib.sha1(file.read()).hexdigest()
                info = os.lstat(path)
                ret[path] = (digest, info.st_mode, info.st_uid,
                             info.st_mtime_ns)
        return ret

    def damage(self):
        """Hurts metadata, as fsck may; the directories that are hurt."""
        lot = self.lot
        metadata = [os.path.join(root, name)
                    for root, _, files in sorted(os.walk(self.top))
                    for name in sorted(files) if re.match(
                        r"cyrus\.(header|index|cache|annotations)$", name)]
        hurt = lot.sample(metadata, min(len(metadata), lot.randrange(1, 5)))
        for path in hurt:
            with open(path, "rb") as file:
                old = file.read()
            size = len(old)
            at = lot.randrange(size // 512 + 1) * 512
            hole = len(old[at:at + 512])
            new = lot.choice((None, b"", bytes(size), old[:lot.randrange(size)]
                              if size else b"", old[:at] + bytes(hole) +
                              old[at + hole:], old[:at] + lot.randbytes(hole) +
                              old[at + hole:]))
            if new is None:
                os.unlink(path)
            else:
                with open(path, "r+b") as file:
                    file.truncate(0)
                    file.write(new)
        if lot.random() < .3:
            os.unlink(self.top + "/conf/mailboxes.db")
            hurt.append("mailboxes.db")
        return hurt

    def run(self, tool, *options):
        report = self.top + ".report"
        done = subprocess.run(
            [TOOLS + tool, "-C", self.conf, "-o", report, *options],
            check=False, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        with open(report, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        return done.returncode, [o for o in lines if o["type"] == "finding"
                                 and o["severity"] != "note"]

    def is_pristine(self):
        for level in "012345":
            status, found = self.run("cyrscan", "--level", level)
            if status or found:
                bad("a scan at level", level, "of what the server left:",
                    status, found[:2])

    def is_rebuilt(self, what):
        damaged = self.state()
        status, _ = self.run("cyrrebuild", "--apply", "--offline", "--accept",
                             "all")
        if status & ~5:
            bad(what, "cyrrebuild:", status)
        after = self.state()
        for path, is_now in after.items():
            if re.search(r"/\d+\.$", path) and damaged.get(path) != is_now:
                bad(what, path, "was changed")
        _, found = self.run("cyrscan", "--level", "4")
        left = [f for f in found if f["fix"] in ("exact", "rule")]
        if left:
            bad(what, "still there:", left[:2])
        self.run("cyrrebuild", "--apply", "--offline", "--accept", "all")
        if self.state() != after:
            bad(what, "a second rebuild changes something")
        return damaged

    def is_undone(self, what, damaged):
        undo = self.top + "/conf/cyrescue-undo"
        if not os.path.isdir(undo):
            return
        status = subprocess.run(
            [TOOLS + "cyrrebuild", "-C", self.conf, "--offline", "--undo",
             undo], check=False, stdout=subprocess.DEVNULL).returncode
        if status or self.state() != damaged:
            bad(what, "is not undone:", status)
        shutil.rmtree(undo)


def compare(what, hurt, before, after):
    """`hurt`: the uniqueids and paths of what was damaged."""
    for key, old in before.items():
        new = after.get(key)
        if not new:
            bad(what, key, "is gone")
            continue
        if "UIDVALIDITY" not in old:
            continue
        for item in ("UIDVALIDITY", "MAILBOXID"):
            if old[item] != new.get(item):
                bad(what, key, item, old[item], new.get(item))
        for uid, was in old["messages"].items():
            now = new["messages"].get(uid, {})
            for item in KEPT:
                if was[item] != now.get(item):
                    bad(what, key, uid, item, was[item], now.get(item))
        if not hurt and old != new:
            bad(what, key, "is not what it was")


def main():
    if not os.path.exists(CYRUS + "imapd") or os.geteuid() != 0:
        print("SKIP: no", CYRUS + "imapd (Debian: cyrus-imapd), or not root")
        return 77
    for seed in sys.argv[1:] or SEEDS:
        with tempfile.TemporaryDirectory(prefix="cyrescue-test.") as work:
            os.chmod(work, 0o755)
            tree = Tree(int(seed), work + "/tree")
            tree.live()
            before = tree.served()
            tree.is_pristine()
            print("seed %s: %d mailboxes, %d messages" % (
                seed, len(before), sum(len(b["messages"])
                                       for b in before.values())), flush=True)
            for turn in range(3):
                saved = work + "/saved"
                subprocess.run(["cp", "-a", tree.top, saved], check=True)
                hurt = tree.damage()
                what = "seed %s, damage %d (%s):" % (seed, turn, ", ".join(
                    os.path.basename(h) for h in hurt))
                damaged = tree.is_rebuilt(what)
                compare(what, hurt, before, tree.served())
                tree.is_undone(what, damaged)
                shutil.rmtree(tree.top)
                os.rename(saved, tree.top)
    if wrong:
        print("\n".join(w[:500] for w in wrong[:20]))
        sys.exit("FAIL: %d differences" % len(wrong))
    return 0


if __name__ == "__main__":
    sys.exit(main())
