#!/usr/bin/python3
"""`./dev bench`: times the tools beside Cyrus's own and beside the least any
program must do, on spools and databases whose bytes Cyrus wrote.

usage: run.py BUILD DIR [PART]...

BUILD holds the tools. The spools are made in DIR once, which takes some
minutes. PARTs are scan, large, rebuild and databases; without, all are run.
Prints medians of wall time and of processor time (of all threads and
children), ratios and peak memory; everything is run in turns, so that what else
the machine does hits all alike. On a machine that is not idle the processor
times are the ones to compare."""
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
ROUNDS_REBUILD = 3
DATABASE_KEYS = 200000
LARGE = (10000, 100000, 1000000)
LARGE_REBUILT = LARGE[:2]


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


def run(command, may_fail=False):
    """Wall seconds, processor seconds, and peak memory in MiB, never below
    this script's own, which the system counts from the fork on."""
    start = time.monotonic()
    child = subprocess.Popen(command, shell=isinstance(command, str),
                             stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - start
    if os.waitstatus_to_exitcode(status) and not may_fail:
        sys.exit("%s: exit status %d"
                 % (command, os.waitstatus_to_exitcode(status)))
    return (seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


class Times:
    """Medians of some commands that were run in turns."""

    def __init__(self, title, commands, rounds=ROUNDS, before=None,
                 may_fail=False):
        """`before` is called before each run with the command's name."""
        self.title = title
        self.runs = {name: [] for name in commands}
        for turn in range(rounds + 1):
            for name, command in commands.items():
                if before:
                    before(name)
                result = run(command, may_fail)
                if turn:    # the first one warms the cache
                    self.runs[name].append(result)

    def wall(self, name):
        return statistics.median(r[0] for r in self.runs[name])

    def cpu(self, name):
        return statistics.median(r[1] for r in self.runs[name])

    def peak(self, name):
        return max(r[2] for r in self.runs[name])

    def table(self):
        print("\n%-26s %9s %9s %9s" % (self.title, "wall s", "cpu s", "MiB"))
        for name in self.runs:
            print("%-26s %9.3f %9.3f %9.1f" % (name, self.wall(name),
                                               self.cpu(name),
                                               self.peak(name)))
        print(flush=True)

    def ratio(self, over, under, bar):
        print("%-42s %6.2f  cpu %6.2f   (bar: %s)"
              % (over + " / " + under, self.wall(over) / self.wall(under),
                 self.cpu(over) / self.cpu(under), bar), flush=True)


FLOOR = "openssl sha1 -P2"


def floor(path):
    """Each message read and hashed, by two processes."""
    return ("find %s/spool -name '[1-9]*.' -print0 | "
            "xargs -0 -P2 openssl sha1" % path)


def scan(build, directory):
    path = make(directory + "/reference", 500, 120)
    conf = path + "/imapd.conf"
    tool = [build + "/tools/cyrscan", "-C", conf, "-q", "--level"]
    reconstruct = [CYRUS + "/reconstruct", "-C", conf, "-n", "-r", "user"]
    t = Times("500 x 120 messages", {
        "level 3": tool + ["3"],
        "level 4": tool + ["4"],
        "level 5": tool + ["5"],
        "reconstruct -n": reconstruct,
        "reconstruct -n -G": reconstruct[:-2] + ["-G", "-r", "user"],
        "find -printf %s": ["find", path + "/spool", "-printf", "%s\n"],
        FLOOR: floor(path),
    })
    t.table()
    t.ratio("reconstruct -n", "level 3", ">= 8")
    t.ratio("level 3", "find -printf %s", "<= 2")
    t.ratio("level 4", FLOOR, "<= 1.2")
    t.ratio("reconstruct -n -G", "level 5", ">= 8")
    t.ratio("level 5", FLOOR, "<= 2")


def remove(path, names):
    for name in glob.glob(path + "/spool/uuid/*/*/*/cyrus.*"):
        if os.path.basename(name) in names:
            os.unlink(name)


def large(build, directory):
    """Cost and memory are linear in the messages of one mailbox; all threads
    make its records again."""
    print("\n%-26s %9s %9s %9s %12s" % ("one mailbox, level 3", "wall s",
                                        "cpu s", "MiB", "cpu us each"))
    for count in LARGE:
        path = make("%s/one-%d" % (directory, count), 1, count, 200)
        t = Times("", {"scan": [build + "/tools/cyrscan", "-C",
                                path + "/imapd.conf", "-q"]}, 3)
        print("%-26d %9.3f %9.3f %9.1f %12.2f"
              % (count, t.wall("scan"), t.cpu("scan"), t.peak("scan"),
                 t.cpu("scan") / count * 1e6), flush=True)
    for count in LARGE_REBUILT:
        large_rebuilt(build, make("%s/rebuilt-%d" % (directory, count), 1,
                                  count, 200), count)


def large_rebuilt(build, path, count):
    tool = [build + "/tools/cyrrebuild", "-C", path + "/imapd.conf", "--apply",
            "--offline", "--no-databases", "-q"]

    def damage(_):
        shutil.rmtree(path + "/conf/cyrescue-undo", ignore_errors=True)
        remove(path, ("cyrus.header", "cyrus.index", "cyrus.cache"))
        os.sync()

    t = Times("rebuild of %d messages" % count,
              {"-j1": tool + ["-j1"], "-j2": tool + ["-j2"]},
              ROUNDS_REBUILD, damage, may_fail=True)
    t.table()
    t.ratio("-j1", "-j2", "-")


def rebuild(build, directory):
    """Two damages: all of cyrus.header, cyrus.index and cyrus.cache gone, which
    reconstruct cannot repair, as it opens no mailbox without a header; and
    index and cache alone, which both can."""
    path = make(directory + "/rebuild", 500, 120)
    conf = path + "/imapd.conf"
    users = "seq -f 'user/u%04g' 0 499"
    tool = [build + "/tools/cyrrebuild", "-C", conf, "--apply", "--offline",
            "--cron"]
    reconstruct = CYRUS + "/reconstruct -C " + conf

    def damage(name):
        shutil.rmtree(path + "/conf/cyrescue-undo", ignore_errors=True)
        if name.startswith(("cyrrebuild", "reconstruct")):
            remove(path, ("cyrus.index", "cyrus.cache"))
        if name.endswith("of nothing"):
            remove(path, ("cyrus.header",))
        os.sync()

    ours = "cyrrebuild of nothing"
    one = "reconstruct, header kept"
    two = "reconstruct -P2, same"
    t = Times("500 x 120 messages", {
        ours: tool,
        "cyrrebuild, header kept": tool,
        one: reconstruct.split() + ["-r", "user"],
        two: users + " | xargs -n 16 -P2 " + reconstruct,
        FLOOR: floor(path),
    }, ROUNDS_REBUILD, damage, may_fail=True)
    t.table()
    t.ratio(one, ours, ">= 10")
    t.ratio(two, ours, ">= 6")
    t.ratio(ours, FLOOR, "<= 2.5")


def make_databases(path):
    """mailboxes.db of so many users, written by Cyrus's cvt_cyrusdb."""
    if os.path.exists(path + "/complete"):
        return
    os.makedirs(path, exist_ok=True)
    with open(path + "/imapd.conf", "w", encoding="ascii") as f:
        f.write("configdirectory: %s\n" % path)
    with open(path + "/flat.db", "w", encoding="ascii") as f:
        for n in range(DATABASE_KEYS):
            f.write("user.u%06d\t%%(A %%(u%06d lrswipkxtecdan) I %024d P "
                    "default V 1795544596 F 1 M 1795000000 C 1)\n"
                    % (n, n, n * 7919))
    for kind in ("twoskip", "skiplist"):
        os.makedirs("%s/%s" % (path, kind), exist_ok=True)
        quiet(["chown", "-R", "cyrus:mail", path], path + "/log")
        quiet([CYRUS + "/cvt_cyrusdb", "-C", path + "/imapd.conf",
               path + "/flat.db", "flat",
               "%s/%s/mailboxes.db" % (path, kind), kind], path + "/log")
    with open(path + "/complete", "w", encoding="ascii"):
        pass


def cold(file):
    """Says goodbye to what the system remembers of a file."""
    fd = os.open(file, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def databases(build, directory):
    # What they are called says what their values are: those are checked and
    # told, too.
    path = directory + "/mailboxes"
    make_databases(path)
    tool = build + "/tools/cyrdb"
    out = path + "/salvaged.db"
    for kind in ("twoskip", "skiplist"):
        file = "%s/%s/mailboxes.db" % (path, kind)
        dbtool = [CYRUS + "/cyr_dbtool", "-C", path + "/imapd.conf", "-n",
                  file, kind]
        commands = {
            "cyrdb show": [tool, "show", file],
            "cyrdb check": [tool, "check", file],
            "cyrdb salvage": [tool, "salvage", file, "-o", out],
            "cyr_dbtool show": dbtool + ["show"],
            "cat": ["cat", file],
        }
        for warm in (True, False):
            def prepare(_, file=file, warm=warm):
                if os.path.exists(out):
                    os.unlink(out)
                if not warm:
                    cold(file)

            t = Times("%s, %d keys%s" % (kind, DATABASE_KEYS,
                                         "" if warm else ", not in memory"),
                      commands, ROUNDS, prepare)
            t.table()
            for name in ("cyrdb show", "cyrdb check", "cyrdb salvage"):
                t.ratio(name, "cat", "<= 3")
            t.ratio("cyr_dbtool show", "cyrdb show", "-")


PARTS = {"scan": scan, "large": large, "rebuild": rebuild,
         "databases": databases}


def main(build, directory, *parts):
    if not os.path.exists(CYRUS + "/reconstruct"):
        sys.exit("bench wants Cyrus's reconstruct (Debian: cyrus-imapd)")
    if os.getuid() != 0:
        sys.exit("bench must run as root: Cyrus becomes its own user")
    os.makedirs(directory, exist_ok=True)
    print("%d processors, load %.1f, warm cache, median of %d (rebuild: %d)"
          % (os.cpu_count(), os.getloadavg()[0], ROUNDS, ROUNDS_REBUILD))
    for part in parts or PARTS:
        PARTS[part](build, directory)


if __name__ == "__main__":
    if len(sys.argv) < 3 or not set(sys.argv[3:]) <= set(PARTS):
        sys.exit(__doc__)
    main(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]),
         *sys.argv[3:])
