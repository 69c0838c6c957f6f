#!/usr/bin/env python3
"""Kills, and starves, cyrrebuild at every system call that writes.

On small damaged trees of real servers, strace stops `cyrrebuild --apply -j1` at
each such call in turn, every call of a run, not a sample. After a kill a second
run completes, its result is that of an undisturbed run byte for byte, and
--undo of the archives of both brings the originals back. With ENOSPC or EIO
instead the exit status says that not all was done, a sentence names the
mailbox, no mailbox is half done, and a second run completes.

  rebuild_kill.py [--all] [TREE...]

Without --all the errors are by turns, one or the other at each call.
"""
import os
import shutil
import subprocess
import sys
import tempfile

from inject import (KILLED, ROOTS, TRACE_WRITES, at, fail, files_only,
                    need_strace, run_jobs, skip, state, strace, tree_file,
                    without_times, writing_calls)

BUILD = os.environ["CYRE_BUILD"]
TOOL = os.path.join(BUILD, "tools", "cyrrebuild")
TREES = ("3.6.1-default", "2.3.16-metapart", "2.4.22-default")


def overwrite(path, offset, data):
    with open(path, "r+b") as f:
        f.seek(offset, os.SEEK_END if offset < 0 else os.SEEK_SET)
        f.write(data)


class Scenario:
    """A real tree, three mailboxes of it, damaged."""

    def __init__(self, top, name, file, quarantine):
        self.quarantine = quarantine
        self.top = os.path.join(top, name)
        self.orig = os.path.join(self.top, "orig")
        os.makedirs(self.orig)
        os.chmod(self.top, 0o755)
        subprocess.run(["tar", "--zstd", "--warning=no-timestamp", "-C",
                        self.orig, "--strip-components=1", "-xf", file],
                       check=True)
        self.roots = [os.path.join(self.orig, r) for r in ROOTS
                      if os.path.isdir(os.path.join(self.orig, r))]
        boxes = self.mailboxes()
        keep = self.choose(boxes)
        for box in boxes:
            if box not in keep:
                self.clear(box)
        for i, box in enumerate(keep):
            self.damage(i, boxes[box])
        self.keep = keep

    def mailboxes(self):
        """{directory below its root: {file: path}}"""
        found = {}
        for root in self.roots:
            for where, _, names in os.walk(root):
                for name in names:
                    box = found.setdefault(os.path.relpath(where, root), {})
                    box[name] = os.path.join(where, name)
        return {k: v for k, v in found.items() if "cyrus.index" in v}

    @staticmethod
    def choose(boxes):
        """With a cyrus.expunge, and few messages: they are read often."""
        def key(box):
            n = sum(name[0].isdigit() for name in boxes[box])
            return ("cyrus.expunge" not in boxes[box], n < 5, n, box)
        return sorted(boxes, key=key)[:3]

    def clear(self, box):
        for root in self.roots:
            where = os.path.join(root, box)
            for name in os.listdir(where) if os.path.isdir(where) else ():
                if not os.path.isdir(os.path.join(where, name)):
                    os.unlink(os.path.join(where, name))

    @staticmethod
    def messages(files):
        return [files[n] for n in sorted(files) if n[0].isdigit()]

    @staticmethod
    def orphan(spool, files):
        """No record, and nothing in it that could be taken in."""
        uid = max(int(n[:-1]) for n in files if n[0].isdigit()) + 1
        path = os.path.join(spool, "%d." % uid)
        with open(path, "wb"):
            pass
        if os.geteuid() == 0:
            s = os.stat(spool)
            os.chown(path, s.st_uid, s.st_gid)

    def damage(self, i, files):
        index, cache = files["cyrus.index"], files["cyrus.cache"]
        if i == 0:
            overwrite(files["cyrus.header"], 0, b"\0" * 40)
            # One record of the cache is bad, the others can be kept.
            overwrite(cache, os.path.getsize(cache) // 2, b"\xff" * 64)
            os.truncate(index, os.path.getsize(index) - 20)
            # What it was, only the old cache knows from now on.
            os.truncate(self.messages(files)[0], 0)
            with open(index + ".NEW", "wb") as f:
                f.write(b"half")
            shutil.copystat(index, index + ".NEW")
            if os.geteuid() == 0:
                s = os.stat(index)
                os.chown(index + ".NEW", s.st_uid, s.st_gid)
        elif i == 2:
            os.chmod(files["cyrus.header"], 0o400)
            where = os.path.dirname(index)
            spool = os.path.dirname(self.messages(files)[0])
            # A metadata partition that was lost.
            if not any(n[0].isdigit() for n in os.listdir(where)):
                shutil.move(files["cyrus.header"], spool)
                shutil.move(index, spool)
                shutil.rmtree(where)
            elif self.quarantine:
                os.unlink(cache)
                os.symlink("/etc/passwd", cache)
                self.orphan(spool, files)
            else:
                overwrite(cache, 0, b"\0\0\0\7")
        else:
            os.unlink(files["cyrus.header"])
            os.truncate(cache, os.path.getsize(cache) // 2)
            overwrite(index, -30, b"\x55")
            try:
                os.setxattr(index, "user.note", b"\0=\xff\n")
            except OSError:
                pass


class Case:
    """A copy of a scenario that a run may break."""

    def __init__(self, scenario, number):
        self.s = scenario
        self.top = os.path.join(scenario.top, "case%s" % number)
        self.undo_dir = os.path.join(self.top, "conf", "cyrescue-undo")
        subprocess.run(["cp", "-a", scenario.orig, self.top], check=True)
        conf = os.path.join(self.top, "imapd.conf")
        with open(conf) as f:
            text = f.read()
        with open(conf, "w") as f:
            f.write(text.replace("/srv/imap", self.top))
        self.apply = [TOOL, "-C", conf, "--offline", "--apply", "-j1"] + \
            (["--orphans", "quarantine", "--accept", "all"]
             if scenario.quarantine else [])
        self.undo = [TOOL, "--offline", "--undo", self.undo_dir, "-q"]

    def remove(self):
        shutil.rmtree(self.top)

    def run(self, command):
        done = subprocess.run(command, timeout=60, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        return done.returncode, done.stdout.decode(errors="replace")

    def strace(self, command, *options):
        log = os.path.join(self.s.top, os.path.basename(self.top) + ".log")
        return strace(command, log, *options)

    def calls(self):
        return writing_calls(
            os.path.join(self.s.top, os.path.basename(self.top) + ".log"))

    def state(self, times=True):
        files, ours = state(*(os.path.join(self.top, r) for r in ROOTS),
                            times=times)
        for name in os.listdir(self.undo_dir) \
                if os.path.isdir(self.undo_dir) else ():
            if name.endswith(".part"):
                ours.append(name)
        return files, ours


def difference(a, b):
    names = sorted(k for k in set(a) | set(b) if a.get(k) != b.get(k))
    return ", ".join("%s (%s)" % (k, "gone" if k not in a else "new"
                                  if k not in b else "differs")
                     for k in names)


class Truth:
    def __init__(self, scenario):
        case = Case(scenario, "truth")
        self.orig = case.state()[0]
        status, out = case.strace(case.apply, *TRACE_WRITES)
        if status & ~5:
            fail("undisturbed run: exit status %d\n%s" % (status, out))
        self.status = status
        self.calls, self.shadowed = case.calls()
        self.new, ours = case.state(times=False)
        if ours:
            fail("temporaries after an undisturbed run: %s" % ours)
        if self.new == without_times(self.orig):
            fail("an undisturbed run changed nothing")
        status, out = case.run(case.apply)
        if status & ~4 or case.state(times=False)[0] != self.new:
            fail("a second run is not idle: exit status %d\n%s" %
                 (status, out))
        status, out = case.strace(case.undo, *TRACE_WRITES)
        if status:
            fail("undo: exit status %d\n%s" % (status, out))
        self.undo_calls, _ = case.calls()
        self.same_as_orig(case, "undisturbed", strict=True)
        case.remove()

    def same_as_orig(self, case, when, strict=False):
        """A directory that was made before the archive was, and the kill came
        between the two, stays: empty, and no archive knows of it."""
        now, ours = case.state()
        for key in sorted(now, reverse=True):
            if not strict and key.endswith("/") and key not in self.orig \
                    and not any(k.startswith(key) for k in now if k != key):
                del now[key]
        if now != self.orig:
            fail("%s: not the originals: %s" %
                 (when, difference(now, self.orig)))
        if ours:
            fail("%s: temporaries left: %s" % (when, ours))

    def same_as_new(self, case, when):
        now, ours = case.state(times=False)
        if now != self.new:
            fail("%s: not the result of an undisturbed run: %s" %
                 (when, difference(now, self.new)))
        if ours:
            fail("%s: temporaries left: %s" % (when, ours))

    def completes(self, case):
        status, out = case.run(case.apply)
        if status & ~5:
            fail("the second run: exit status %d\n%s" % (status, out))
        self.same_as_new(case, "after the second run")
        status, out = case.run(case.undo)
        if status:
            fail("undo: exit status %d\n%s" % (status, out))
        self.same_as_orig(case, "after undo")


def kill(truth, scenario, number, call, when):
    case = Case(scenario, number)
    status, _ = case.strace(case.apply, *at(call, when, "signal=SIGKILL"))
    if status not in KILLED:
        fail("not killed: %d" % status)
    truth.completes(case)
    case.remove()


def kill_and_undo(truth, scenario, number, call, when):
    case = Case(scenario, number)
    case.strace(case.apply, *at(call, when, "signal=SIGKILL"))
    if os.path.isdir(case.undo_dir):
        status, out = case.run(case.undo)
        if status:
            fail("undo of a killed run: exit status %d\n%s" % (status, out))
    now = case.state()[0]
    if files_only(now) != files_only(truth.orig):
        fail("undo of a killed run: not the originals: %s" %
             difference(now, truth.orig))
    truth.completes(case)
    case.remove()


def starve(truth, scenario, number, call, when, error):
    case = Case(scenario, number)
    status, out = case.strace(case.apply, *at(call, when, "error=" + error))
    if status & ~13:
        fail("exit status %d\n%s" % (status, out))
    now, ours = case.state()
    plain = without_times(files_only(now))
    hurt = 0
    for box in scenario.keep:
        mine, old, new = ({k: v for k, v in x.items()
                           if os.path.dirname(k).endswith("/" + box)}
                          for x in (plain, without_times(files_only(
                              truth.orig)), files_only(truth.new)))
        if mine not in (old, new):
            fail("%s is neither old nor new: %s\n%s" % (
                box, difference(mine, old), out))
        if mine == old:
            hurt += 1
            if not status & 8:
                fail("%s was not done, exit status %d\n%s" %
                     (box, status, out))
    if ours and call not in ("unlinkat", "unlink", "openat", "flock"):
        fail("temporaries left: %s" % ours)
    if status & 8 and error_text(error) not in out:
        fail("no reason told\n%s" % out)
    if "=> " in out and out.count("=> NOT DONE: ") < hurt:
        fail("a mailbox was not done and no sentence says so\n%s" % out)
    truth.completes(case)
    case.remove()


def error_text(error):
    return {"ENOSPC": "No space left on device",
            "EIO": "Input/output error"}[error]


def break_undo(truth, scenario, number, call, when, how):
    case = Case(scenario, number)
    case.run(case.apply)
    status, out = case.strace(case.undo, *at(call, when, how))
    if status not in (KILLED if "SIGKILL" in how else (0, 8)):
        fail("exit status %d\n%s" % (status, out))
    status, out = case.run(case.undo)
    if status:
        fail("the second undo: exit status %d\n%s" % (status, out))
    truth.same_as_orig(case, "after the second undo")
    case.remove()


def jobs(truth, scenario, everything):
    n = 0
    for i, (call, when) in enumerate(truth.calls):
        n += 1
        yield "killed", call, when, kill, (truth, scenario, n, call, when)
        if everything or i % 3 == 0:
            n += 1
            yield "killed and undone", call, when, kill_and_undo, (
                truth, scenario, n, call, when)
        for k, error in enumerate(("ENOSPC", "EIO")):
            if everything or i % 2 == k:
                n += 1
                yield error, call, when, starve, (
                    truth, scenario, n, call, when, error)
    hows = ("signal=SIGKILL", "error=ENOSPC", "error=EIO")
    for i, (call, when) in enumerate(truth.undo_calls):
        for how in hows if everything else hows[i % 3:i % 3 + 1]:
            n += 1
            yield "undo, " + how, call, when, break_undo, (
                truth, scenario, n, call, when, how)


def run_scenario(scenario, name, everything):
    truth = Truth(scenario)
    count, bad = run_jobs(name, jobs(truth, scenario, everything))
    print("%s: %d calls that write (%d more not told apart); %s" % (
        name, len(truth.calls), truth.shadowed, count), flush=True)
    return bad


def main():
    need_strace()
    args = [a for a in sys.argv[1:] if a != "--all"]
    bad = used = 0
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as top:
        os.chmod(top, 0o755)
        for name in args or TREES:
            file = tree_file(name)
            if not file:
                print("SKIP: tree cyrus-%s is absent" % name)
                continue
            used += 1
            # Every third one with the policies that move things, too.
            bad += run_scenario(Scenario(top, name, file, used % 3 == 0),
                                name, "--all" in sys.argv)
    if not used:
        skip("no tree")
    sys.exit(1 if bad else 0)


main()
