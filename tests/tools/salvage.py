#!/usr/bin/python3
"""cyrdb salvage beside Cyrus's own recovery, on the same damaged copies.

Makes the table of docs/salvage.md: of the keys that were live, how many come
back with their value (right), and how many others (wrong). Ours must reach the
recorded numbers, and never less than Cyrus where Cyrus is installed and we are
root; then the page must say what was measured (--accept writes it). Files that
cyrdb writes are read, changed and found consistent by Cyrus.
"""
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

SOURCE = os.environ["CYRE_SOURCE"]
CYRDB = os.path.join(os.environ["CYRE_BUILD"], "tools", "cyrdb")
DBTOOL = "/usr/lib/cyrus/bin/cyr_dbtool"
WORK = tempfile.mkdtemp(prefix="cyrescue-salvage.")
os.chmod(WORK, 0o755)
CYRUS = os.path.exists(DBTOOL) and os.geteuid() == 0 and shutil.which("setpriv")
PAGE = SOURCE + "/docs/salvage.md"
SECTOR = 512
ROWS = []  # of the page
ALL = ("--include", "resurrected")


def keys(text):
    return dict(line.split(b"\t", 1) for line in text.split(b"\n") if line)


def cyrus(path, backend, *args):
    """Output of cyr_dbtool as its user; None when it failed."""
    command = ["setpriv", "--reuid=cyrus", "--regid=mail", "--clear-groups",
               "timeout", "20", DBTOOL, "-C", WORK + "/cyrus/imapd.conf",
               path, backend, *args]
    run = subprocess.run(command, capture_output=True, check=False)
    return run.stdout if run.returncode == 0 else None


def give(path):
    shutil.chown(path, "cyrus", "mail")
    return path


def score(got, truth):
    right = sum(got.get(k) == v for k, v in truth.items())
    return right, len([k for k in got if truth.get(k) != got[k]])


def ours(data, backend, truth, *options):
    path, out = WORK + "/in.db", WORK + "/out.db"
    with open(path, "wb") as f:
        f.write(data)
    if os.path.exists(out):
        os.unlink(out)
    command = [CYRDB, "salvage", "-q", path, "-o", out, *options]
    known = subprocess.run([CYRDB, "check", "-q", path], check=False,
                           capture_output=True).stdout
    if b"not recognised" in known:
        command += ["--as", backend]
    run = subprocess.run(command, capture_output=True, check=False)
    assert run.returncode in (0, 1, 4), (run.returncode, run.stderr)
    run = subprocess.run([CYRDB, "check", out], capture_output=True,
                         check=False)
    assert run.returncode == 0, run.stdout
    shown = subprocess.run([CYRDB, "show", "--raw", out], check=True,
                           capture_output=True).stdout
    return score(keys(shown), truth)


def theirs(data, backend, truth):
    """After a writer made Cyrus recover; its key is taken out again."""
    if not CYRUS:
        return None
    path = WORK + "/cyrus/in.db"
    for name in (path, path + ".NEW"):
        if os.path.exists(name):
            os.unlink(name)
    with open(path, "wb") as f:
        f.write(data)
    give(path)
    cyrus(path, backend, "set", "zz.recover", "1")
    cyrus(path, backend, "delete", "zz.recover")
    shown = cyrus(path, backend, "show")
    return score(keys(shown or b""), truth)


def dirty(data):
    """Twoskip: the flag that makes Cyrus look at all."""
    d = bytearray(data)
    d[56:60] = struct.pack(">I", struct.unpack(">I", d[56:60])[0] | 1)
    d[60:64] = struct.pack(">I", zlib.crc32(d[:60]))
    return d


def flip(data, place, bit=1):
    d = bytearray(data)
    d[place] ^= bit
    return d


def twoskip_live(path):
    """Offsets of the live records."""
    import json
    out = subprocess.run([CYRDB, "show", "--json", path], check=True,
                         capture_output=True).stdout
    return [json.loads(line)["offset"] for line in out.splitlines()]


def zero_sector(data, number):
    d = bytearray(data)
    d[number * SECTOR:(number + 1) * SECTOR] = bytes(SECTOR)
    return d


def twoskip_cases(path):
    data = open(path, "rb").read()
    live = twoskip_live(path)
    d = dirty(data)
    yield "one head flipped", flip(d, live[20] + 12)
    yield "DUMMY flipped", flip(d, 64 + 40)
    yield "one sector zeroed", zero_sector(d, 10)
    torn = bytearray(d)
    for offset in live[3:53:5]:
        torn[offset + 8:offset + 16] = b"\x5a" * 8
    yield "ten heads torn", torn
    yield "magic", flip(data, 2)
    yield "header check sum", flip(data, 61)
    yield "cut in half", data[:len(data) // 16 * 8]
    hole = bytearray(data)
    hole[4096:8192] = bytes(len(data[4096:8192]))
    yield "a page zeroed, clean header", hole


def flat_cases(path):
    data = open(path, "rb").read()
    yield "one sector zeroed", zero_sector(data, 5)
    yield "cut in half", data[:len(data) // 2]
    yield "the last half zeroed", data[:len(data) // 2] + bytes(
        len(data) - len(data) // 2)
    lines = data.splitlines(True)
    lines[10], lines[30] = lines[30], lines[10]
    yield "two lines exchanged", b"".join(lines)


def skiplist_cases(path):
    data = open(path, "rb").read()
    yield "one sector zeroed", zero_sector(data, 12)
    at = data.index(b"user.", len(data) // 2) - 4
    yield "a key length wrong", flip(data, at + 3, 0x20)
    yield "magic", flip(data, 2)
    yield "DUMMY flipped", flip(data, 48 + 3)
    yield "cut in half", data[:len(data) // 8 * 4]
    hole = bytearray(data)
    hole[4096:8192] = bytes(4096)
    yield "a page zeroed", hole


# right: at least; wrong: at most
RECORDED = {
    ("3.0.18-twoskip-churn", "one head flipped"): (55, 0),
    ("3.0.18-twoskip-churn", "DUMMY flipped"): (55, 0),
    ("3.0.18-twoskip-churn", "one sector zeroed"): (48, 0),
    ("3.0.18-twoskip-churn", "ten heads torn"): (55, 0),
    ("3.0.18-twoskip-churn", "magic"): (55, 0),
    ("3.0.18-twoskip-churn", "header check sum"): (55, 0),
    ("3.6.1-twoskip-churn", "one head flipped"): (55, 0),
    ("3.6.1-twoskip-churn", "DUMMY flipped"): (55, 0),
    ("3.6.1-twoskip-churn", "one sector zeroed"): (50, 0),
    ("3.6.1-twoskip-churn", "ten heads torn"): (55, 0),
    ("3.6.1-twoskip-churn", "magic"): (55, 0),
    ("3.6.1-skiplist-churn", "one sector zeroed"): (46, 0),
    ("3.6.1-skiplist-churn", "a key length wrong"): (52, 0),
    ("3.6.1-skiplist-churn", "magic"): (52, 0),
    ("3.6.1-skiplist-churn", "DUMMY flipped"): (52, 0),
    ("3.6.1-skiplist-churn", "a page zeroed"): (45, 0),
    ("3.0.18-twoskip-churn", "a page zeroed, clean header"): (25, 0),
    ("3.6.1-twoskip-churn", "a page zeroed, clean header"): (28, 0),
    ("3.6.1-flat-churn", "one sector zeroed"): (39, 0),
    ("3.6.1-flat-churn", "cut in half"): (22, 0),
    ("3.6.1-flat-churn", "the last half zeroed"): (22, 0),
    ("3.6.1-flat-churn", "two lines exchanged"): (46, 0),
}


def table(name, backend, cases):
    path = "%s/fixtures/databases/%s.db" % (SOURCE, name)
    truth = keys(open(path + ".show", "rb").read())
    bad = 0
    for damage, data in cases(path):
        mine = ours(data, backend, truth)
        more = ours(data, backend, truth, *ALL)
        cyr = theirs(data, backend, truth)
        row(name, damage, len(truth), mine, more, cyr)
        least, most = RECORDED.get((name, damage), (0, 0))
        if mine[0] < least or mine[1] > most:
            print("FAIL: recorded are %d/%d" % (least, most))
            bad += 1
        if cyr and (mine[0] - mine[1] < cyr[0] - cyr[1] or
                    more[0] < cyr[0]):
            print("FAIL: Cyrus does better")
            bad += 1
    return bad


def row(name, damage, n, mine, more, cyr):
    ROWS.append((name, damage, n, "%d / %d" % mine, "%d / %d" % more,
                 "%d / %d" % cyr if cyr else "not here"))
    print("%-22s %-26s of %d: cyrdb %s, with resurrected %s, Cyrus %s" %
          ROWS[-1])


def cuts(name, backend, step):
    """Cut at every `step` bytes: the sums. What is cut off may have changed
    any key, so that most are resurrected; Cyrus takes them all."""
    path = "%s/fixtures/databases/%s.db" % (SOURCE, name)
    truth = keys(open(path + ".show", "rb").read())
    data = open(path, "rb").read()
    mine, more, cyr, behind, n = (0, 0), (0, 0), (0, 0), 0, 0
    for size in range(step, len(data), step):
        m = ours(data[:size], backend, truth)
        a = ours(data[:size], backend, truth, *ALL)
        c = theirs(data[:size], backend, truth)
        n += 1
        mine = (mine[0] + m[0], mine[1] + m[1])
        more = (more[0] + a[0], more[1] + a[1])
        if c:
            cyr = (cyr[0] + c[0], cyr[1] + c[1])
            behind += a[0] < c[0]
    row(name, "cut at %d places, sum" % n, n * len(truth), mine, more,
        cyr if CYRUS else None)
    if behind:
        print("FAIL: in %d places Cyrus has more" % behind)
    return behind


def killed(name, backend, suffix):
    """A killed writer: what Cyrus has after its recovery."""
    path = "%s/fixtures/databases/%s.db" % (SOURCE, name)
    truth = keys(open(path + suffix, "rb").read())
    data = open(path, "rb").read()
    mine = ours(data, backend, truth)
    row(name, "killed writer", len(truth), mine,
        ours(data, backend, truth, *ALL), theirs(data, backend, truth))
    return mine != (len(truth), 0)


def page():
    """docs/salvage.md says what was measured."""
    rows = "".join("| %s | %s | %d | %s | %s | %s |\n" % r for r in ROWS)
    text = open(PAGE, encoding="utf-8").read()
    start, end = text.index("|---|"), text.index("<!-- end -->")
    start = text.index("\n", start) + 1
    if "--accept" in sys.argv:
        with open(PAGE, "w", encoding="utf-8") as f:
            f.write(text[:start] + rows + text[end:])
    elif text[start:end] != rows:
        print("FAIL: docs/salvage.md says otherwise; see --accept")
        return 1
    return 0


def written(source, backend):
    """What we write, Cyrus reads, changes, and finds consistent."""
    path = "%s/fixtures/databases/%s.db" % (SOURCE, source)
    truth = keys(open(path + ".show", "rb").read())
    out = WORK + "/cyrus/written.db"
    if os.path.exists(out):
        os.unlink(out)
    run = [CYRDB, "convert", "-q", path, out, "--to", backend]
    assert subprocess.run(run, check=False).returncode == 0
    again = subprocess.run(run, check=False, capture_output=True)
    assert again.returncode == 8, "an existing file was replaced"
    if backend == "berkeley":
        berkeley(out, truth)
        return
    if not CYRUS:
        return
    give(out)
    assert keys(cyrus(out, backend, "show")) == truth
    assert b"Yes" in cyrus(out, backend, "consistent")
    victim = sorted(truth)[7].decode()
    cyrus(out, backend, "set", "user.new", "value")
    cyrus(out, backend, "delete", victim)
    truth[b"user.new"] = b"value"
    del truth[victim.encode()]
    shown = subprocess.run([CYRDB, "show", "--raw", out], check=True,
                           capture_output=True).stdout
    assert keys(shown) == truth, backend


def berkeley(path, truth):
    """Berkeley DB's own tools find it good and see the same."""
    shown = subprocess.run([CYRDB, "show", "--raw", path], check=True,
                           capture_output=True).stdout
    assert keys(shown) == truth
    if not shutil.which("db5.3_verify"):
        print("SKIP: no db5.3_verify (Debian: db5.3-util)")
        return
    assert subprocess.run(["db5.3_verify", path], check=False,
                          capture_output=True).returncode == 0
    dump = subprocess.run(["db5.3_dump", path], check=True,
                          capture_output=True).stdout.split(b"HEADER=END\n")
    hexes = [bytes.fromhex(x.decode()) for x in
             dump[1].replace(b"DATA=END\n", b"").split()]
    assert dict(zip(hexes[::2], hexes[1::2])) == truth


def usage():
    for args in ([], ["show"], ["check"], ["frob"], ["salvage", "x"],
                 ["convert", "a", "b"], ["show", "x", "--to", "nonsense"]):
        run = subprocess.run([CYRDB, *args], capture_output=True, check=False)
        assert run.returncode == 16, args
        assert run.stderr.count(b"\n") == 1 and not run.stdout, args
    run = subprocess.run([CYRDB, "check", WORK + "/none"], check=False,
                         capture_output=True)
    assert run.returncode == 8
    for args in (["--help"], ["--version"]):
        run = subprocess.run([CYRDB, *args], capture_output=True, check=False)
        assert run.returncode == 0 and b"cyrdb" in run.stdout


def main():
    os.makedirs(WORK + "/cyrus/conf/db")
    with open(WORK + "/cyrus/imapd.conf", "w") as f:
        f.write("configdirectory: %s/cyrus/conf\n"
                "partition-default: %s/cyrus/spool\n" % (WORK, WORK))
    if CYRUS:
        for root, _, _ in os.walk(WORK + "/cyrus"):
            give(root)
    else:
        print("SKIP: no Cyrus here, or not root; only ours is measured")
    usage()
    bad = table("3.0.18-twoskip-churn", "twoskip", twoskip_cases)
    bad += table("3.6.1-twoskip-churn", "twoskip", twoskip_cases)
    bad += table("3.6.1-skiplist-churn", "skiplist", skiplist_cases)
    bad += killed("3.6.1-twoskip-killed", "twoskip", ".show")
    bad += killed("3.6.1-skiplist-killed", "skiplist", ".recovered")
    bad += table("3.6.1-flat-churn", "flat", flat_cases)
    bad += cuts("3.0.18-twoskip-churn", "twoskip", 256)
    bad += cuts("3.6.1-twoskip-churn", "twoskip", 256)
    bad += cuts("3.6.1-skiplist-churn", "skiplist", 256)
    bad += cuts("3.6.1-flat-churn", "flat", 256)
    if CYRUS:
        bad += page()
    for source in ("3.6.1-twoskip-churn", "3.6.1-skiplist-churn",
                   "3.6.1-flat-churn", "2.2.13-berkeley-mailboxes",
                   "3.13.1-twom-churn"):
        for backend in ("twoskip", "skiplist", "flat", "berkeley"):
            written(source, backend)
    shutil.rmtree(WORK)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
