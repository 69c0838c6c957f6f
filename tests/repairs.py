#!/usr/bin/python3
"""A report of cyrrebuild as the text beside a case of fixtures/bad/.

usage: repairs.py REPORT

The first line is the exit status. A line each kind of change follows, then how
each mailbox that was not clean ended:

  mailbox file [uids] field [before -> after] <- origin[; lost: loss]
  database: action entry[, user USER][, field before -> after][: why]
  database: what became of it
  mailbox: outcome

before and after stand where there is one change of the kind, and not when the
value is the hour of the test, or made of it."""
import collections
import json
import sys

CLOCK = "the clock"
MADE_OF_UIDVALIDITY = "name and UIDVALIDITY"


def ranges(uids):
    """1-3,7"""
    runs = []
    for uid in sorted(uids):
        if runs and uid == runs[-1][1] + 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return ",".join("%d" % a if a == b else "%d-%d" % (a, b) for a, b in runs)


def text(key, repairs, guessed):
    mboxname, name, field, origin, loss = key
    words = [mboxname, name]
    if repairs[0].get("uid"):
        words.append(ranges(r["uid"] for r in repairs))
    words.append(field)
    before = {r.get("before") for r in repairs}
    after = {r.get("after") for r in repairs}
    stable = origin != CLOCK and not (
        origin == MADE_OF_UIDVALIDITY and mboxname in guessed)
    if stable and len(before) == len(after) == 1 and \
            (before | after) != {None}:
        words += [before.pop() or "-", "->", after.pop() or "-"]
    words += ["<-", origin]
    return " ".join(words) + ("; lost: " + loss if loss else "")


def entry(v):
    """One of a database; when it was made is not of interest."""
    words = "%s: %s %s" % (v["database"], v["action"], v["name"])
    if "user" in v:
        words += ", user " + v["user"]
    for f in v["fields"]:
        if "before" in f:
            words += ", %s %s -> %s" % (f["field"], f["before"], f["after"])
    return words + (": " + v["why"] if "why" in v else "")


def main(path):
    groups = collections.defaultdict(list)
    outcomes = []
    databases = []
    status = None
    with open(path, encoding="utf-8") as f:
        for line in f:
            v = json.loads(line)
            name = v.get("mboxname") or "-"
            if v["type"] == "repair":
                groups[name, v.get("file") or "-", v["field"],
                       v.get("origin", "-"), v.get("loss") or ""].append(v)
            elif v["type"] == "mailbox" and v["outcome"] != "clean":
                outcomes.append("%s: %s%s" % (
                    name, v["outcome"],
                    ", " + v["error"] if "error" in v else ""))
            elif v["type"] == "entry":
                databases.append(entry(v))
            elif v["type"] == "sum" and v["state"] != "unchanged":
                databases.append("%s: %s%s" % (
                    v["database"], v["state"],
                    ", " + v["error"] if "error" in v else ""))
            elif v["type"] == "trailer":
                status = v["exit"]
    guessed = {key[0] for key in groups if key[3] == CLOCK}
    print("exit", status)
    for line in sorted(text(k, v, guessed) for k, v in groups.items()):
        print(line)
    for line in databases + sorted(outcomes):
        print(line)


if __name__ == "__main__":
    main(sys.argv[1])
