#!/usr/bin/python3
"""Asks Debian's imapd for all mailboxes of a tree: imap.py CONF TRUTH
DAMAGE UNSEEN FIRST, but for those whose internal names are in the file UNSEEN.
FIRST has the uids of the records in the first 512 bytes of each index, as lines
"NAME UID UID …", tabs between.

What it serves is what the server of the tree answered (the truth), as far as
the damage left evidence: flags when the index was there, keywords when the
header was there too. A message that had been expunged may be back when the
index was gone. imapd speaks on a pipe, as user cyrus."""
import collections
import json
import os
import re
import subprocess
import sys

IMAPD = "/usr/lib/cyrus/bin/imapd"

# Which of the values of a message the damage leaves; None: all but those whose
# records lie in the first sector of the index.
FLAGS = {"index": False, "header": True, "cache": True, "sector": None,
         "all": False}
KEYWORDS = {"index": False, "header": False, "cache": True, "sector": None,
            "all": False}

compared = collections.Counter()
wrong = []


class Imap:
    """A session as one user."""

    def __init__(self, conf, user):
        self.process = subprocess.Popen(
            ["setpriv", "--reuid=cyrus", "--regid=mail", "--clear-groups",
             IMAPD, "-C", conf, "-X", "-N"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "CYRUS_SERVICE": "imap", "CYRUS_ID": "1"})
        self.tags = 0
        self.answer()
        self.command("LOGIN %s x" % quoted(user))

    def answer(self):
        """One answer with its literals, as the server sent it."""
        ret = b""
        while True:
            line = self.process.stdout.readline()
            if not line:
                sys.exit("FAIL: imapd ended")
            ret += line
            literal = re.search(rb"\{(\d+)\}\r\n$", line)
            if not literal:
                return ret[:-2].decode("latin-1")
            ret += self.process.stdout.read(int(literal.group(1)))

    def command(self, text):
        """Untagged answers; it must succeed."""
        self.tags += 1
        tag = "a%d" % self.tags
        self.process.stdin.write(("%s %s\r\n" % (tag, text)).encode("latin-1"))
        self.process.stdin.flush()
        ret = []
        while True:
            line = self.answer()
            if line.startswith(tag + " "):
                if not line.startswith(tag + " OK"):
                    wrong.append("%s: %s" % (text, line))
                return ret
            ret.append(line)

    def close(self):
        self.process.communicate(b"z LOGOUT\r\n", timeout=30)


def quoted(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def fetched(line):
    """The items of a FETCH answer, each as it was sent."""
    items = line[line.index("(") + 1:-1]
    tokens, at = [], 0
    while at < len(items):
        end = token_end(items, at)
        tokens.append(items[at:end])
        at = end + 1
    return dict(zip(tokens[::2], tokens[1::2]))


def token_end(s, at):
    depth = 0
    while at < len(s):
        if s[at] == '"':
            at = re.compile(r'"(?:[^"\\]|\\.)*"', re.S).match(s, at).end()
        elif s[at] == "{":
            m = re.compile(r"\{(\d+)\}\r\n").match(s, at)
            at = m.end() + int(m.group(1))
        elif s[at] == "(":
            depth += 1
            at += 1
        elif s[at] == ")":
            depth -= 1
            at += 1
        elif s[at] == " " and not depth:
            return at
        else:
            at += 1
        if not depth and at < len(s) and s[at] == " ":
            return at
    return at


def same(what, where, got, want):
    compared[what] += 1
    if got != want:
        wrong.append("%s: %s: the server says %r, and said %r" %
                     (where, what, got, want))


def parts(flags):
    """System flags and keywords of a message."""
    flags = set(flags) - {"\\Recent"}
    system = {f for f in flags if f[0] == "\\"}
    return sorted(system), sorted(flags - system)


def left(table, damage, in_first_sector):
    if table[damage] is None:
        return not in_first_sector
    return table[damage]


def check_mailbox(imap, box, messages, first, damage):
    where = box["internal"]
    # Users do not see the domain, which is theirs.
    name = box["name"].rpartition("@")[0] or box["name"]
    code = dict(re.match(r"\* OK \[(\w+) ?(.*?)\]", line).groups()
                for line in imap.command("EXAMINE " + quoted(name))
                if line.startswith("* OK ["))
    same("UIDVALIDITY", where, int(code["UIDVALIDITY"]), box["uidvalidity"])
    if "mailboxid" in box:
        same("MAILBOXID", where, code["MAILBOXID"].strip("()"),
             box["mailboxid"])
    got = {}
    for line in imap.command("UID FETCH 1:* (UID FLAGS INTERNALDATE "
                             "RFC822.SIZE ENVELOPE BODYSTRUCTURE)"
                             if box["exists"] else "NOOP"):
        if re.match(r"\* \d+ FETCH \(", line):
            items = fetched(line)
            got[int(items["UID"])] = items
    returned = set(got) - set(messages)
    if FLAGS[damage]:
        same("UIDs", where, sorted(got), sorted(messages))
    else:
        same("UIDs", where, sorted(set(got) - returned), sorted(messages))
        same("UIDs below UIDNEXT", where, {u for u in returned
                                           if u >= box["uidnext"]}, set())
        compared["expunged messages that are back"] += len(returned)
    for uid in sorted(set(messages) & set(got)):
        check_message("%s %d" % (where, uid), got[uid], messages[uid], damage,
                      uid in first)


def check_message(where, got, want, damage, in_first):
    same("INTERNALDATE", where, got["INTERNALDATE"].strip('"'),
         want["internaldate"])
    same("RFC822.SIZE", where, int(got["RFC822.SIZE"]), want["size"])
    same("ENVELOPE", where, got["ENVELOPE"], want["envelope"])
    same("BODYSTRUCTURE", where, got["BODYSTRUCTURE"], want["bodystructure"])
    system, keywords = parts(got["FLAGS"].strip("()").split())
    want_system, want_keywords = parts(want["flags"])
    if left(FLAGS, damage, in_first):
        same("system flags", where, system, want_system)
        same("number of keywords", where, len(keywords), len(want_keywords))
    if left(KEYWORDS, damage, in_first):
        same("keywords", where, keywords, want_keywords)


def main():
    conf, truth, damage, unseen, first_file = sys.argv[1:]
    with open(first_file, encoding="utf-8") as file:
        first = {name: set(map(int, filter(None, uids))) for name, *uids in
                 (line.rstrip("\n").split("\t") for line in file)}
    with open(unseen, encoding="utf-8") as file:
        unseen_names = set(file.read().splitlines())
    boxes, messages = [], {}
    with open(truth, encoding="utf-8") as file:
        for o in map(json.loads, file):
            if o["type"] == "mailbox":
                if o["internal"] in unseen_names:
                    compared["mailboxes without any file"] += 1
                    continue
                boxes.append(o)
            elif o["type"] == "message":
                messages.setdefault(o["mailbox"], {})[o["uid"]] = o
    for user in sorted({b["user"] for b in boxes}):
        imap = Imap(conf, user)
        for box in boxes:
            if box["user"] == user:
                check_mailbox(imap, box, messages.get(box["name"], {}),
                              first[box["internal"]], damage)
        imap.close()
    print("  imapd: %d mailboxes;" % len(boxes), ", ".join(
        "%s %d" % item for item in sorted(compared.items())))
    if wrong:
        print("\n".join(wrong[:int(os.environ.get("CYRE_SHOW", 20))]))
        sys.exit("FAIL: %d differences" % len(wrong))


if __name__ == "__main__":
    main()
