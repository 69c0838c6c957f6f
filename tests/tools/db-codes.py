#!/usr/bin/python3
"""For each code about databases a damage of a real file that gives it.

usage: db-codes.py [--accept]

Beside the files, damage.txt has lines "code file damage", where damage is
nothing, flip:OFFSET (bit 0 of a byte), cut:SIZE or zero:OFFSET:LENGTH; `cyrdb
check` must make that finding. With --accept the first damage of each code is
looked for and written down."""
import json
import os
import subprocess
import sys
import tempfile

SOURCE = os.environ.get("CYRE_SOURCE", os.path.abspath(
    os.path.join(os.path.dirname(__file__), "..", "..")))
CYRDB = os.environ.get("CYRE_BUILD", SOURCE + "/build/dev") + "/tools/cyrdb"
FILES = SOURCE + "/fixtures/databases/"
EXPECTED = FILES + "damage.txt"


def damaged(data, damage):
    kind, _, rest = damage.partition(":")
    data = bytearray(data)
    numbers = [int(n) for n in rest.split(":") if n]
    if kind == "flip":
        data[numbers[0]] ^= 1
    elif kind == "cut":
        del data[numbers[0]:]
    elif kind == "zero":
        at, n = numbers
        data[at:at + n] = bytes(len(data[at:at + n]))
    elif kind != "nothing":
        sys.exit("what is %s?" % damage)
    return bytes(data)


def codes(work, name, damage):
    with open(FILES + name, "rb") as f:
        data = damaged(f.read(), damage)
    path = os.path.join(work, name)
    with open(path, "wb") as f:
        f.write(data)
    p = subprocess.run([CYRDB, "check", "--json", path],
                       stdout=subprocess.PIPE, check=False)
    if p.returncode not in (0, 4):
        sys.exit("%s %s: exit status %d" % (name, damage, p.returncode))
    lines = [json.loads(line) for line in p.stdout.splitlines()]
    return {v["code"] for v in lines if v["type"] == "finding"}


def some_damages(size):
    yield "nothing"
    for size_left in (0, 20, size // 2, size - 1):
        yield "cut:%d" % size_left
    for at in range(0, size, 512):
        yield "zero:%d:512" % at
    for at in list(range(min(size, 256))) + list(range(256, size, 37)):
        yield "flip:%d" % at


def accept(work):
    found = {}
    for name in sorted(os.listdir(FILES)):
        if not name.endswith(".db"):
            continue
        for damage in some_damages(os.path.getsize(FILES + name)):
            for code in codes(work, name, damage):
                found.setdefault(code, "%s %s" % (name, damage))
    with open(EXPECTED, "w", encoding="ascii") as f:
        for code in sorted(found):
            f.write("%s %s\n" % (code, found[code]))


def main():
    with tempfile.TemporaryDirectory() as work:
        if sys.argv[1:] == ["--accept"]:
            accept(work)
        with open(EXPECTED, encoding="ascii") as f:
            lines = [line.split() for line in f]
        for code, name, damage in lines:
            got = codes(work, name, damage)
            if code not in got:
                sys.exit("%s %s: %s is not among %s" %
                         (name, damage, code, sorted(got)))
    print("%d codes about databases, each of a real file" % len(lines))


if __name__ == "__main__":
    main()
