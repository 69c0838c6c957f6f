#!/usr/bin/python3
"""Holds reports against docs/report.schema.json and against themselves.

usage: report.py SCHEMA PROBLEMS.md REPORT...

Each line must satisfy the schema; the header comes first, the trailer last;
each code is one of the table, with its id, severity and fix; a mailbox's
status is the worst of its findings; the trailer's counts are those of the
lines. Exit status 77 when Debian's jsonschema is not there."""
import collections
import json
import re
import sys

try:
    import jsonschema
except ImportError:
    print("SKIP: no jsonschema for %s (Debian: python3-jsonschema)"
          % sys.executable)
    sys.exit(77)

SEVERITIES = ("clean", "note", "stale", "damage", "loss")


def problems(path):
    """code -> (id, severity, fix), as the manual has them."""
    found = {}
    with open(path, encoding="utf-8") as f:
        text = f.read()
    for ident, code, severity, fix in re.findall(
            r"^### (\S+) (\S+)\n\n(\w+), fix: (\w+)\.", text, re.MULTILINE):
        found[code] = (ident, severity, fix)
    return found


class Report:
    def __init__(self, path, validator, table):
        self.path = path
        self.validator = validator
        self.table = table
        self.number = 0

    def fail(self, what):
        sys.exit("%s:%d: %s" % (self.path, self.number, what))

    def lines(self):
        with open(self.path, "rb") as f:
            for self.number, line in enumerate(f, 1):
                if not line.endswith(b"\n"):
                    self.fail("no newline at the end")
                value = json.loads(line.decode("utf-8"))
                for error in self.validator.iter_errors(value):
                    best = jsonschema.exceptions.best_match([error])
                    self.fail("%s in %s" % (best.message, line[:200]))
                yield value

    def check(self):
        last = None
        mailbox = None
        codes = collections.Counter()
        for value in self.lines():
            kind = value["type"]
            if (self.number == 1) != (kind == "header"):
                self.fail("the header is the first line, and no other")
            if last == "trailer":
                self.fail("there is a line behind the trailer")
            if kind == "mailbox":
                mailbox = value
                self.check_mailbox(value)
            elif kind == "finding":
                self.check_finding(value, mailbox)
                codes[value["code"]] += 1
            elif kind == "trailer":
                self.check_trailer(value, codes)
            last = kind
        if last != "trailer":
            self.fail("there is no trailer")

    def check_trailer(self, value, codes):
        """Findings may be too many to be listed, but are all counted."""
        for code, listed in codes.items():
            if value["codes"].get(code, 0) < listed:
                self.fail("%d lines with %s, counted %s"
                          % (listed, code, value["codes"].get(code)))

    def check_mailbox(self, value):
        worst = "clean"
        for code in value.get("codes", {}):
            if code not in self.table:
                self.fail("no such code: " + code)
            worst = max(worst, self.table[code][1], key=SEVERITIES.index)
        if worst != value["status"]:
            self.fail("status is %s, its worst finding %s"
                      % (value["status"], worst))

    def check_finding(self, value, mailbox):
        row = self.table.get(value["code"])
        if row != (value["id"], value["severity"], value["fix"]):
            self.fail("%s is %s in the table" % (value["code"], row))
        if "mboxname" in value and mailbox and \
                value["mboxname"] == mailbox.get("mboxname") and \
                value["code"] not in mailbox.get("codes", {}):
            self.fail("its mailbox does not count " + value["code"])


def main(schema, table, reports):
    with open(schema, encoding="utf-8") as f:
        validator = jsonschema.Draft202012Validator(json.load(f))
    table = problems(table)
    for path in reports:
        Report(path, validator, table).check()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
