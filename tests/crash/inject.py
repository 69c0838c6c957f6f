"""What the tests share that stop a program at a system call: the calls that can
write, a tree's state as a dictionary, strace."""
import concurrent.futures
import hashlib
import os
import re
import shutil
import subprocess
import sys

CALLS = ("openat write pwrite64 writev fsync fdatasync syncfs rename renameat "
         "renameat2 unlink unlinkat link linkat symlink symlinkat fchown "
         "fchownat chown lchown fchmod fchmodat chmod utimensat truncate "
         "ftruncate fallocate mkdir mkdirat rmdir setxattr fsetxattr "
         "fremovexattr flock").split()
KILLED = (-9, 137)
# Where a tree of fixtures/spools has mail and its metadata.
ROOTS = ("spool", "spool2", "meta", "meta2", "archive", "archive2")


def tree_file(name):
    """The tree cyrus-NAME, packed, from fixtures/ or the larger set; or None."""
    for top in (os.environ["CYRE_SOURCE"], os.environ.get("CYRE_SHARED", "")):
        path = os.path.join(top, "fixtures", "spools",
                            "cyrus-%s.tar.zst" % name)
        if os.path.exists(path):
            return path
    return None


def run_jobs(name, jobs):
    """Jobs are (what, call, when, function, arguments). How many of each kind
    there were, and how many failed, which is told."""
    count, bad = {}, 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(fn, *args): (what, call, when)
                   for what, call, when, fn, args in jobs}
        for f in concurrent.futures.as_completed(running):
            what, call, when = running[f]
            count[what] = count.get(what, 0) + 1
            try:
                f.result()
            except Exception as e:  # a test: tell all of them
                bad += 1
                print("FAIL: %s: %s at %s %d: %s" %
                      (name, what, call, when, e), flush=True)
    return ", ".join("%s %d" % x for x in sorted(count.items())), bad


def skip(why):
    print("SKIP:", why)
    sys.exit(77)


def fail(text):
    raise AssertionError(text)


def need_strace():
    if not shutil.which("strace"):
        skip("no strace (Debian: strace)")
    if subprocess.run(["strace", "-o", "/dev/null", "true"],
                      stderr=subprocess.DEVNULL).returncode != 0:
        skip("strace may not trace here")


def state(*roots, times=True, leave_out=()):
    """Everything below the roots; temporaries of ours apart."""
    files, ours = {}, []
    for n, root in enumerate(roots):
        for where, dirs, names in os.walk(root):
            dirs[:] = [d for d in dirs
                       if os.path.join(where, d) not in leave_out]
            for name in names + dirs:
                path = os.path.join(where, name)
                key = "%d/%s" % (n, os.path.relpath(path, root))
                s = os.lstat(path)
                if name.startswith(".cyrescue-new."):
                    ours.append(key)
                elif name in dirs:
                    files[key + "/"] = (s.st_mode, s.st_uid, s.st_gid)
                elif os.path.islink(path):
                    files[key] = (os.readlink(path), s.st_mode, s.st_uid,
                                  s.st_gid, ())
                else:
                    with open(path, "rb") as f:
                        digest = hashlib.sha256(f.read()).hexdigest()
                    attrs = tuple((a, os.getxattr(path, a))
                                  for a in sorted(os.listxattr(path))
                                  if a.startswith("user."))
                    files[key] = (digest, s.st_mode, s.st_uid, s.st_gid,
                                  attrs) + ((s.st_mtime_ns,) if times else ())
    return files, ours


def files_only(s):
    return {k: v for k, v in s.items() if not k.endswith("/")}


def without_times(s):
    return {k: v if k.endswith("/") else v[:5] for k, v in s.items()}


def strace(command, log, *options):
    """Runs it; returns its exit status and what it said."""
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", log, "-s", "0", *options, "--",
         *command], timeout=120, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode(errors="replace")


def at(call, when, how):
    """Options of strace: this happens at the call's when-th time."""
    return ("-e", "trace=" + call, "-e",
            "inject=%s:%s:when=%d" % (call, how, when))


TRACE_WRITES = ("-e", "trace=" + ",".join("?" + c for c in CALLS))


def writing_calls(log):
    """(call, which of that call) for every one in a log that can write, and
    how many cannot be told from one of another thread: strace counts by the
    thread, so that the first thread to come to a number is the one that is
    hit."""
    counts, reached, found, shadowed = {}, set(), [], 0
    with open(log, errors="replace") as f:
        for line in f:
            m = re.match(r"(\d+)? *(\w+)\(", line)
            if not m:
                continue
            call = m.group(2)
            n = counts[m.groups()] = counts.get(m.groups(), 0) + 1
            # A temporary that is not there to be removed: nothing happens, a
            # kill here is a kill at the next call.
            writes = (call != "openat" or re.search(
                "O_(CREAT|WRONLY|RDWR|TRUNC)", line)) and \
                " ENOENT " not in line
            if (call, n) in reached:
                shadowed += bool(writes)
            elif writes:
                found.append((call, n))
            reached.add((call, n))
    return found, shadowed
