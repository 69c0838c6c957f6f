#!/usr/bin/python3
"""`./dev bench`: times cyrscan beside Cyrus's own reconstruct and beside the
least any program must do, on spools whose metadata that Cyrus wrote.

usage: run.py BUILD DIR

BUILD holds the tools. The spools are made in DIR once, which takes some
minutes. Prints medians, ratios and peak memory; everything is run in turns, so
that what else the machine does hits all alike."""
import glob
import os
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CYRUS = "/usr/lib/cyrus/bin"
ROUNDS = 7
LARGE = (10000, 100000, 1000000)


def quiet(command, log, **kwargs):
    with open(log, "ab") as out:
        if subprocess.run(command, stdout=out, stderr=out, check=False,
                          **kwargs).returncode:
            sys.exit("%s failed, see %s" % (command[0], log))


def make(path, mailboxes, messages, *pool):
    """A spool with what reconstruct made of it; kept for the next run."""
    if os.path.exists(path + "/complete"):
        return path
    print("making %s (%d x %d messages)" % (path, mailboxes, messages),
          flush=True)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    log = path + "/log"
    conf = path + "/imapd.conf"
    quiet([HERE + "/spool.py", path, str(mailboxes), str(messages),
           *map(str, pool)], log)
    quiet(["chown", "-R", "cyrus:mail", path], log)
    with open(path + "/mailboxes.json", "rb") as f:
        quiet([CYRUS + "/ctl_mboxlist", "-C", conf, "-u"], log, stdin=f)
    quiet([CYRUS + "/reconstruct", "-C", conf, "-r", "user"], log)
    if len(glob.glob(path + "/spool/uuid/*/*/*/cyrus.index")) != mailboxes:
        sys.exit("reconstruct did not make the indexes, see " + log)
    with open(path + "/complete", "w", encoding="ascii"):
        pass
    return path


def run(command):
    """Wall seconds; peak memory in MiB, never below this script's own, which
    the system counts from the fork on."""
    start = time.monotonic()
    child = subprocess.Popen(command, shell=isinstance(command, str),
                             stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - start
    if os.waitstatus_to_exitcode(status):
        sys.exit("%s: exit status %d"
                 % (command, os.waitstatus_to_exitcode(status)))
    return seconds, usage.ru_maxrss / 1024


def compare(commands):
    """Median seconds and peak MiB for each name, run in turns."""
    seconds = {name: [] for name in commands}
    peak = dict.fromkeys(commands, 0)
    for turn in range(ROUNDS + 1):
        for name, command in commands.items():
            took, memory = run(command)
            peak[name] = max(peak[name], memory)
            if turn:    # the first one warms the cache
                seconds[name].append(took)
    return {name: statistics.median(s) for name, s in seconds.items()}, peak


def reference(scan, path):
    conf = path + "/imapd.conf"
    commands = {
        "cyrscan, level 3": [scan, "-C", conf, "-q"],
        "cyrscan, level 4": [scan, "-C", conf, "-q", "--level", "4"],
        "reconstruct -n": [CYRUS + "/reconstruct", "-C", conf, "-n", "-r",
                           "user"],
        "find -printf %s": ["find", path + "/spool", "-printf", "%s\n"],
        "openssl sha1 -P2": "find %s/spool -name '[1-9]*.' -print0 | "
                            "xargs -0 -P2 openssl sha1" % path,
    }
    took, peak = compare(commands)
    print("\n%-20s %9s %9s" % ("500 x 120 messages", "median s", "MiB"))
    for name in commands:
        print("%-20s %9.3f %9.1f" % (name, took[name], peak[name]))
    print()
    for line, ratio, bar in (
            ("reconstruct -n / level 3",
             took["reconstruct -n"] / took["cyrscan, level 3"], ">= 8"),
            ("level 3 / find",
             took["cyrscan, level 3"] / took["find -printf %s"], "<= 2"),
            ("level 4 / openssl sha1",
             took["cyrscan, level 4"] / took["openssl sha1 -P2"], "<= 1.2")):
        print("%-26s %6.2f   (bar: %s)" % (line, ratio, bar))


def large(scan, paths):
    print("\n%-20s %9s %9s %12s" % ("one mailbox, level 3", "median s", "MiB",
                                    "us/message"))
    for count, path in paths.items():
        took, peak = compare({"scan": [scan, "-C", path + "/imapd.conf",
                                       "-q"]})
        print("%-20d %9.3f %9.1f %12.2f" % (count, took["scan"], peak["scan"],
                                            took["scan"] / count * 1e6))


def main(build, directory):
    scan = build + "/tools/cyrscan"
    if not os.path.exists(CYRUS + "/reconstruct"):
        sys.exit("bench wants Cyrus's reconstruct (Debian: cyrus-imapd)")
    if os.getuid() != 0:
        sys.exit("bench must run as root: Cyrus becomes its own user")
    os.makedirs(directory, exist_ok=True)
    spool = make(directory + "/reference", 500, 120)
    paths = {n: make("%s/one-%d" % (directory, n), 1, n, 200) for n in LARGE}
    print("%d processors, warm cache, median of %d" % (os.cpu_count(), ROUNDS))
    reference(scan, spool)
    large(scan, paths)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*map(os.path.abspath, sys.argv[1:]))
