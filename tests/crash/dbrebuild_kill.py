#!/usr/bin/python3
"""`cyrdb rebuild mailboxes --apply`, killed at every system call that writes.

After each kill mailboxes.db is the old file or the new one, whole; a second run
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


def run(tree, *before):
    """Its exit status; with `before` under strace."""
    return subprocess.run(
        [*before, BUILD + "/tools/cyrdb", "rebuild", "mailboxes", "-C",
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


def main():
    if not shutil.which("strace"):
        print("SKIP: no strace (Debian: strace)")
        sys.exit(77)
    work = tempfile.mkdtemp(prefix="cyrescue-test.")
    os.chmod(work, 0o755)
    pristine, tree = work + "/pristine", work + "/tree"
    os.mkdir(pristine)
    subprocess.run(["tar", "--zstd", "--warning=no-timestamp", "-C", pristine,
                    "--strip-components=1", "-xf", TREE], check=True)
    old_path = pristine + "/conf/mailboxes.db"
    os.truncate(old_path, os.path.getsize(old_path) // 2)
    with open(old_path, "rb") as f:
        old = f.read()
    db = tree + "/conf/mailboxes.db"
    fresh(pristine, tree)
    if run(tree) != 1:
        sys.exit("FAIL: the run that is not killed")
    new = without_times(db)
    # The calls from the first one in the undo folder on.
    fresh(pristine, tree)
    log = work + "/log"
    run(tree, "strace", "-f", "-o", log, "-e", "trace=" + CALLS)
    with open(log, encoding="utf-8", errors="replace") as f:
        calls = [re.match(r"\d+ +(\w+)\(", line) for line in f]
        f.seek(0)
        first = next(i for i, line in enumerate(f) if "cyrescue-undo" in line)
    names = [m[1] for m in calls if m]
    seen, killed = {}, 0
    try:
        for i, name in enumerate(names):
            seen[name] = seen.get(name, 0) + 1
            if i < first:
                continue
            fresh(pristine, tree)
            status = run(tree, "strace", "-f", "-o", "/dev/null", "-e",
                         "trace=" + name, "-e", "inject=%s:signal=KILL:when=%d"
                         % (name, seen[name]))
            where = "killed at %s %d" % (name, seen[name])
            killed += status not in (0, 1)
            with open(db, "rb") as f:
                now = f.read()
            if now != old and without_times(db) != new:
                sys.exit("FAIL: %s: neither the old file nor the new" % where)
            status = run(tree)
            if status not in (0, 1) or without_times(db) != new:
                sys.exit("FAIL: %s: the second run: %d" % (where, status))
            if glob.glob(tree + "/conf/.cyrescue*"):
                sys.exit("FAIL: %s: a temporary file is left" % where)
            subprocess.run([BUILD + "/tools/cyrrebuild", "--undo",
                            tree + "/conf/cyrescue-undo"], check=True,
                           stdout=subprocess.DEVNULL)
            with open(db, "rb") as f:
                if f.read() != old:
                    sys.exit("FAIL: %s: the undo" % where)
    finally:
        shutil.rmtree(work)
    print("killed at %d calls of %d" % (killed, len(names) - first))
    if not killed:
        sys.exit("FAIL: nothing was killed")


main()
