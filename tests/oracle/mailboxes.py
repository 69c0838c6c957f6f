#!/usr/bin/python3
"""Asks Debian's imapd what a rebuilt mailboxes.db gives: mailboxes.py CONF
TRUTH. What each user and the administrator LIST, the ACL of each mailbox, and
its UIDVALIDITY and number of messages are what the tree's server answered."""
import json
import re
import sys

import imap
from imap import Imap, quoted, same


def words(text):
    """The quoted and plain words of an answer."""
    return [w[1:-1] if w[0] == '"' else w
            for w in re.findall(r'"[^"]*"|[^ ]+', text)]


def acl_of(lines):
    for line in lines:
        if line.startswith("* ACL "):
            pairs = words(line[len("* ACL "):])[1:]
            # Two old rights, c and d, are told beside those they stand for.
            return {i: "".join(sorted(set(r) - set("cd")))
                    for i, r in zip(pairs[::2], pairs[1::2])}
    return None


def check_box(admin, session, box):
    where, name = box["internal"], quoted(box["name"])
    if "acl" in box:
        want = {i: "".join(sorted(set(r) - set("cd"))) for i, r in box["acl"]}
        same("ACL", where, acl_of(admin.command("GETACL " + name)), want)
    # Users do not see the domain, which is theirs.
    name = quoted(box["name"].rpartition("@")[0] or box["name"])
    lines = session.command("EXAMINE " + name)
    exists = [int(line.split()[1]) for line in lines
              if line.endswith(" EXISTS")]
    same("EXISTS", where, exists, [box["exists"]])
    code = [int(m[1]) for m in
            (re.match(r"\* OK \[UIDVALIDITY (\d+)\]", x) for x in lines) if m]
    same("UIDVALIDITY", where, code, [box["uidvalidity"]])


def main():
    conf, truth = sys.argv[1:]
    with open(truth, encoding="utf-8") as file:
        objects = [json.loads(line) for line in file]
    for o in objects:
        if o["type"] == "list":
            session = Imap(conf, o["user"])
            same("LIST", o["user"],
                 sorted(session.command('LIST "" *')), sorted(o["lines"]))
            session.close()
    admin = Imap(conf, "cyrus")
    boxes = [o for o in objects if o["type"] == "mailbox"]
    for user in sorted({b["user"] for b in boxes}):
        session = Imap(conf, user)
        for box in boxes:
            if box["user"] == user:
                check_box(admin, session, box)
        session.close()
    admin.close()
    print("  imapd:", ", ".join(
        "%s %d" % item for item in sorted(imap.compared.items())))
    if imap.wrong:
        print("\n".join(imap.wrong[:20]))
        sys.exit("FAIL: %d differences" % len(imap.wrong))


main()
