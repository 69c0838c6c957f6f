#!/usr/bin/python3
"""`cyrdb rebuild mailboxes|quota|seen --apply`, killed at every system call that
writes.

After each kill the database is the old file or the new one, whole; a second run
makes the new one, leaves no temporary file, and the undo brings the old one
back."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ.get("CYRE_SOURCE", os.path.join(HERE, "../.."))
BUILD = os.environ.get("CYRE_BUILD", os.path.join(SOURCE, "build/dev"))
TREE = SOURCE + "/fixtures/spools/cyrus-3.6.1-default.tar.zst"
CALLS = ("openat,write,pwrite64,fsync,fdatasync,syncfs,rename,renameat,"
         "renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,fchown,fchmod,"
         "ftruncate,fsetxattr,close")


def torn(path):
    """Half of it is left."""
    os.truncate(path, os.path.getsize(path) // 2)


def lost_head(path):
    with open(path, "r+b") as f:
        f.write(bytes(64))


def miscounted(path):
    with open(path, "r+b") as f:
        text = re.sub(rb"S \(\d+", b"S (7", f.read())
        f.seek(0)
        f.truncate()
        f.write(text)


CASES = {
    "mailboxes": ("conf/mailboxes.db", torn),
    "quota": ("conf/quota/?/user.*", miscounted),
    "seen": ("conf/user/uuid/*/*/*/seen.db", lost_head),
}


def run(what, tree, *before):
    """Its exit status; with `before` under strace."""
    return subprocess.run(
        [*before, BUILD + "/tools/cyrdb", "rebuild", what, "-C",
         tree + "/imapd.conf", "--apply", "--offline", "-j1", "-q"],
        check=False, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL).returncode


def without_times(path):
    """What the file holds: mtime of an entry is when it was made."""
    out = subprocess.run([BUILD + "/tools/cyrdb", "show", "--raw", path], check=False,
                         stdout=subprocess.PIPE).stdout
    return re.sub(rb" M \d+", b" M", out)


def fresh(pristine, tree):
    shutil.rmtree(tree, ignore_errors=True)
    subprocess.run(["cp", "-a", pristine, tree], check=True)
    conf = tree + "/imapd.conf"
    with open(conf, encoding="utf-8") as f:
        text = f.read()
    with open(conf, "w", encoding="utf-8") as f:
        f.write(text.replace("/srv/imap", tree))


def kill_all(what, pristine, tree):
    """What is wrong, or None; and how many calls were killed."""
    pattern, damage = CASES[what]
    below = os.path.relpath(sorted(glob.glob(pristine + "/" + pattern))[0],
                            pristine)
    db = tree + "/" + below
    fresh(pristine, tree)
    damage(db)
    with open(db, "rb") as f:
        old = f.read()
    damaged = tree + ".damaged"
    shutil.rmtree(damaged, ignore_errors=True)
    os.rename(tree, damaged)

    def again():
        shutil.rmtree(tree, ignore_errors=True)
        subprocess.run(["cp", "-a", damaged, tree], check=True)

    again()
    if run(what, tree) != 1:
        return "the run that is not killed", 0
    new = without_times(db)
    # The calls from the first one in the undo folder on.
    again()
    log = tree + ".log"
    run(what, tree, "strace", "-f", "-o", log, "-e", "trace=" + CALLS)
    with open(log, encoding="utf-8", errors="replace") as f:
        calls = [re.match(r"\d+ +(\w+)\(", line) for line in f]
        f.seek(0)
        first = next(i for i, line in enumerate(f) if "cyrescue-undo" in line)
    names = [m[1] for m in calls if m]
    seen, killed = {}, 0
    for i, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        if i < first:
            continue
        again()
        status = run(what, tree, "strace", "-f", "-o", "/dev/null", "-e",
                     "trace=" + name, "-e", "inject=%s:signal=KILL:when=%d"
                     % (name, seen[name]))
        where = "killed at %s %d" % (name, seen[name])
        killed += status not in (0, 1)
        with open(db, "rb") as f:
            now = f.read()
        if now != old and without_times(db) != new:
            return where + ": neither the old file nor the new", killed
        status = run(what, tree)
        if status not in (0, 1) or without_times(db) != new:
            return "%s: the second run: %d" % (where, status), killed
        if glob.glob(tree + "/conf/**/.cyrescue*", recursive=True):
            return where + ": a temporary file is left", killed
        subprocess.run([BUILD + "/tools/cyrrebuild", "--offline", "--undo",
                        tree + "/conf/cyrescue-undo"], check=True,
                       stdout=subprocess.DEVNULL)
        with open(db, "rb") as f:
            if f.read() != old:
                return where + ": the undo", killed
    print("%s: killed at %d calls of %d" % (what, killed, len(names) - first))
    return None if killed else "nothing was killed", killed


def main():
    if not shutil.which("strace"):
        print("SKIP: no strace (Debian: strace)")
        sys.exit(77)
    work = tempfile.mkdtemp(prefix="cyrescue-test.")
    os.chmod(work, 0o755)
    pristine = work + "/pristine"
    os.mkdir(pristine)
    try:
        subprocess.run(["tar", "--zstd", "--warning=no-timestamp", "-C",
                        pristine, "--strip-components=1", "-xf", TREE],
                       check=True)
        for what in CASES:
            problem, _ = kill_all(what, pristine, work + "/tree")
            if problem:
                sys.exit("FAIL: %s: %s" % (what, problem))
    finally:
        shutil.rmtree(work)


main()
