#!/usr/bin/python3
"""Berkeley databases whose newest records stand in log files alone.

A writer that does what Cyrus 2.x did is killed (berkeley_writer.c); what it
had committed must be shown, checked and written, and nothing of its directory
may change. The trees of real 2.x servers lose their databases, and get them
back from the logs that came with them.
"""
import glob
import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.environ["CYRE_SOURCE"]
BUILD = os.environ["CYRE_BUILD"]
CYRDB = os.path.join(BUILD, "tools", "cyrdb")
WRITER = os.path.join(BUILD, "tests", "berkeley_writer")
SPOOLS = (SOURCE + "/fixtures/spools", os.environ["CYRE_SHARED"] +
          "/fixtures/spools")
told = set()  # of databases that their logs gave back
WORK = tempfile.mkdtemp(prefix="cyrescue-berkeley.")
os.chmod(WORK, 0o755)


def run(status, *args):
    p = subprocess.run([CYRDB, *args], capture_output=True, check=False)
    assert p.returncode in status, (args, p.returncode, p.stdout, p.stderr)
    return p.stdout


def codes(out):
    return set(re.findall(rb"(DB-\d+) ", out))


def state(directory):
    """All that could change: names, bytes, times."""
    found = {}
    for root, _, files in os.walk(directory):
        for name in files:
            path = os.path.join(root, name)
            with open(path, "rb") as f:
                found[path] = (hashlib.sha256(f.read()).hexdigest(),
                               os.stat(path).st_mtime_ns)
    return found


def expected(count):
    """The keys that berkeley_writer committed, as `cyrdb show --raw` prints."""
    lines = {}
    for i in range(count):
        width = 1 if i % 50 else 300
        lines[b"user.u%06d" % i] = b"0 default u%06d\tlrswip%0*d\t" % (
            i, width, i)
        if i >= 10 and i % 5 == 0:
            del lines[b"user.u%06d" % (i - 10)]
    return sorted(k + b"\t" + v for k, v in lines.items())


def shown(path, *args):
    return sorted(run((0, 4), "show", "--raw", path, *args).splitlines())


def killed(kind, flags):
    conf = "%s/%s%s" % (WORK, kind, flags)
    os.makedirs(conf + "/db")
    name = "mailboxes.db"
    p = subprocess.run([WRITER, conf, name, kind, "2000", flags], check=False)
    assert p.returncode == (0 if "x" in flags else -9), p.returncode
    before = state(conf)
    path = conf + "/" + name
    want = expected(2000)
    alone = shown(path, "--env", "none")
    out = run((0,) if "x" in flags else (4,), "check", path)
    assert codes(out) == (set() if "x" in flags else {b"DB-017"}), out
    assert shown(path) == want
    # Carried elsewhere, the logs are named.
    os.mkdir(conf + "-copy")
    shutil.copy(path, conf + "-copy")
    assert shown(conf + "-copy/" + name) == alone
    assert shown(conf + "-copy/" + name, "--env", conf + "/db") == want
    new = conf + ".new"
    run((0, 1), "salvage", "-q", path, "-o", new)
    assert state(conf) == before, "something was written"
    assert shown(new) == want
    verify(new, len(want))
    print("%-6s %-2s %d of %d keys in the file alone, %d with its logs" % (
        kind, flags, len(alone), len(want), len(shown(path))))
    return conf, path, want


def verify(path, keys):
    if not shutil.which("db5.3_verify"):
        print("SKIP: no db5.3_verify (Debian: db5.3-util)")
        return
    subprocess.run(["db5.3_verify", "-q", path], check=True)
    out = subprocess.run(["db5.3_dump", path], check=True, capture_output=True)
    assert out.stdout.count(b"\n ") == 2 * keys, path


def dumped(path, flag):
    """The library's own salvage, `db_dump -r` or `-R`."""
    out = subprocess.run(["db5.3_dump", flag, path], check=False,
                         capture_output=True).stdout
    lines = set()
    for part in out.split(b"HEADER=END\n")[1:]:
        items = [bytes.fromhex(line.decode()) for line in
                 part.split(b"DATA=END")[0].splitlines()]
        lines |= {k + b"\t" + v for k, v in zip(items[::2], items[1::2])}
    return lines


def second_opinion(conf, path, want):
    """One sector zeroed: our page reader beside the library's salvage."""
    if not shutil.which("db5.3_dump"):
        print("SKIP: no db5.3_dump (Debian: db5.3-util)")
        return
    data = open(path, "rb").read()
    copy = WORK + "/sector.db"
    right, wrong = [0, 0, 0], [0, 0, 0]
    tries = range(0, len(data) // 512, max(1, len(data) // 512 // 24))
    for sector in tries:
        d = bytearray(data)
        d[sector * 512:sector * 512 + 512] = bytes(512)
        with open(copy, "wb") as f:
            f.write(d)
        got = [set(shown(copy, "--env", "none", "--as", "berkeley")),
               dumped(copy, "-r"), dumped(copy, "-R")]
        for i in range(3):
            right[i] += len(got[i] & set(want))
            wrong[i] += len(got[i] - set(want))
        assert len(got[0] & set(want)) >= len(got[1] & set(want)), sector
    n = len(tries)
    print("a sector zeroed, mean of %d: of %d keys right/wrong: cyrdb "
          "%.0f/%.1f, db_dump -r %.0f/%.1f, -R %.0f/%.1f" % (
              n, len(want), right[0] / n, wrong[0] / n, right[1] / n,
              wrong[1] / n, right[2] / n, wrong[2] / n))
    assert right[0] >= max(right[1:]) and wrong[0] <= min(wrong[1:])
    shutil.rmtree(conf)


def lost(conf, path, want):
    """The logs begin with the database: they are enough."""
    original = open(path, "rb").read()
    for data in (b"", bytes(len(original)),
                 original[:4096] + bytes(len(original) - 4096)):
        with open(path, "wb") as f:
            f.write(data)
        out = run((4,), "check", path)
        assert codes(out) & {b"DB-017", b"DB-021"}, out
        told.update(codes(out))
        assert shown(path) == want
    with open(path, "wb") as f:
        f.write(original)
    print("emptied, zeroed, its pages zeroed: %d of %d keys" % (
        len(shown(path)), len(want)))
    shutil.rmtree(conf)


def damaged_logs(conf, path, want):
    """A log breaks off: told, and nothing is shown that was never there."""
    log = conf + "/db/log.0000000001"
    original = open(log, "rb").read()
    d = bytearray(original)
    d[300000:300512] = bytes(512)
    with open(log, "wb") as f:
        f.write(d)
    out = run((4,), "check", path)
    assert b"DB-018" in codes(out), out
    some = shown(path)
    print("a sector of the log zeroed: %d keys, %d as at the end" % (
        len(some), len(set(some) & set(want))))
    assert 0 < len(some) < len(want)
    # What was never a database of this environment has no part in that.
    other = conf + "/ann.sub"
    open(other, "wb").close()
    assert not codes(run((0, 4), "check", other)) & {b"DB-018", b"DB-019"}
    # Hostile logs: any answer but a crash.
    random.seed(1)
    end = len(original.rstrip(b"\0"))
    statuses = {}
    for _ in range(60):
        d = bytearray(original[:random.choice((end, end // 2, 65536))])
        for _ in range(random.randrange(1, 30)):
            d[random.randrange(len(d))] = random.randrange(256)
        with open(log, "wb") as f:
            f.write(d)
        p = subprocess.run([CYRDB, "check", path], capture_output=True,
                           check=False)
        statuses[p.returncode] = statuses.get(p.returncode, 0) + 1
        assert p.returncode in (0, 4, 8, 12), (p.returncode, p.stderr)
    print("60 logs with wrong bytes: exit statuses", statuses)
    # A version nobody knows.
    d = bytearray(original)
    d[16] = 99
    with open(log, "wb") as f:
        f.write(d)
    assert b"DB-019" in codes(run((0, 4), "check", "-v", path))
    shutil.rmtree(conf)


def trees():
    """What real servers left: the databases destroyed, the logs kept."""
    done = set()
    for spools in SPOOLS:
        for tar in sorted(glob.glob(spools + "/cyrus-*-bdb.tar.zst")):
            name = os.path.basename(tar)[:-8]
            if name not in done:
                done.add(name)
                tree(tar, name)
    if not done:
        print("SKIP: no tree with Berkeley databases")


def tree(tar, name):
    subprocess.run(["tar", "--zstd", "--warning=no-timestamp", "-C", WORK,
                    "-xf", tar], check=True)
    top = WORK + "/" + name
    back = total = 0
    for oracle in sorted(glob.glob(top + "/oracle/db/*.berkeley.txt")):
        base = os.path.basename(oracle)[:-len(".berkeley.txt")]
        path = top + "/conf/" + base
        if not os.path.exists(path):
            path = top + "/conf/" + base.replace("_", "/")
        want = shown(path, "--env", "none")
        assert codes(run((0,), "check", path)) == set(), path
        assert shown(path) == want
        for data in (b"", bytes(8192), open(path, "rb").read()[:4096] +
                     bytes(4096)):
            with open(path, "wb") as f:
                f.write(data)
            got = run((0, 4), "show", "--raw", path, "--as", "berkeley")
            back += sorted(got.splitlines()) == want
            total += 1
    first = os.path.exists(top + "/conf/db/log.0000000001")
    print("%s: %d of %d destroyed databases whole again%s" % (
        name, back, total, "" if first else
        " (its first log file was removed by a checkpoint)"))
    assert back == total or not first
    shutil.rmtree(top)


def main():
    if not os.path.exists(WRITER):
        print("SKIP: no berkeley_writer in this build")
        return 77
    lost(*killed("btree", ""))
    damaged_logs(*killed("btree", "c"))
    lost(*killed("hash", "c"))
    assert told >= {b"DB-017", b"DB-021"}, told
    second_opinion(*killed("hash", "x"))
    second_opinion(*killed("btree", "x"))
    trees()
    shutil.rmtree(WORK)
    return 0


if __name__ == "__main__":
    sys.exit(main())
