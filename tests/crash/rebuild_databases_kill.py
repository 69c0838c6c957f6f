#!/usr/bin/env python3
"""Kills, and starves, cyrrebuild at every system call that writes while it
repairs databases.

A real tree has a damaged mailbox, a torn or incomplete mailboxes.db, quota usage
that is wrong in every root, and read marks that are damaged or belong to
another uniqueid: one run writes all of it. After a kill at each call in turn
every database is the old file or the new one, whole; a second run completes to
what an undisturbed run makes, leaves no temporary file, and a third changes
nothing; --undo brings the damaged files back, byte for byte. In every third case
the undo comes right after the kill; in the others the call fails once with
ENOSPC or EIO instead, and the exit status says what was not done.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

from inject import (KILLED, ROOTS, TRACE_WRITES, at, fail, need_strace,
                    run_jobs, skip, state, strace, tree_file, writing_calls)

BUILD = os.environ["CYRE_BUILD"]


def tool(name):
    return os.path.join(BUILD, "tools", name)


def edit(path, old, new):
    with open(path, "rb") as f:
        text = f.read()
    changed = re.sub(old, new, text)
    if changed == text:
        fail("nothing to damage in " + path)
    with open(path, "r+b") as f:
        f.write(changed)
        f.truncate()


def files(top, pattern):
    found = sorted(glob.glob(os.path.join(top, pattern), recursive=True))
    if not found:
        fail("no " + pattern)
    return [f for f in found if os.path.isfile(f)]


def hurt_new(top):
    """3.6: by id, twoskip."""
    db = top + "/conf/mailboxes.db"
    os.truncate(db, os.path.getsize(db) // 2)
    for f in files(top, "conf/quota/*/*"):
        edit(f, rb"S \(\d+", b"S (7")
    for f in files(top, "conf/user/uuid/**/seen.db"):
        os.truncate(f, os.path.getsize(f) - 24)
    os.unlink(files(top, "spool*/**/cyrus.index")[0])


def hurt_old(top):
    """2.3: by name, skiplist; the uniqueid of a mailbox is another one."""
    db = top + "/conf/mailboxes.db"
    os.truncate(db, os.path.getsize(db) - 200)
    for f in files(top, "conf/quota/*/*"):
        edit(f, rb"^\d+", b"7")
    edit(files(top, "**/user/elif/Work/cyrus.header")[0],
         b"2a0202586b047ce7", b"2a0202586b047c00")
    os.unlink(files(top, "meta*/**/cyrus.index")[0])


class Scenario:
    def __init__(self, top, name, hurt):
        self.top = os.path.join(top, name)
        self.orig = self.top + "/orig"
        os.makedirs(self.orig)
        os.chmod(self.top, 0o755)
        subprocess.run(["tar", "--zstd", "--warning=no-timestamp", "-C",
                        self.orig, "--strip-components=1", "-xf",
                        tree_file(name)], check=True)
        hurt(self.orig)


class Case:
    """A copy that a run may break."""

    def __init__(self, scenario, number):
        self.top = os.path.join(scenario.top, "case%s" % number)
        self.log = self.top + ".log"
        self.conf = self.top + "/imapd.conf"
        self.undo_dir = self.top + "/conf/cyrescue-undo"
        subprocess.run(["cp", "-a", scenario.orig, self.top], check=True)
        with open(self.conf) as f:
            text = f.read()
        with open(self.conf, "w") as f:
            f.write(text.replace("/srv/imap", self.top))
        self.apply = [tool("cyrrebuild"), "-C", self.conf, "--offline",
                      "--apply", "-j1", "-q"]
        self.undo = [tool("cyrrebuild"), "--undo", self.undo_dir, "-q"]

    def run(self, command, allowed, what):
        done = subprocess.run(command, timeout=120, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode not in allowed:
            fail("%s: exit status %d\n%s" % (
                what, done.returncode, done.stdout.decode(errors="replace")))
        return done.returncode

    def bytes(self):
        """Of everything but the undo folder."""
        now, ours = state(*(os.path.join(self.top, r)
                            for r in ROOTS + ("conf",)))
        undo = "%d/cyrescue-undo" % len(ROOTS)
        return ({k: v for k, v in now.items() if not k.startswith(undo)
                 and not k.endswith("/")}, ours)

    def meaning(self):
        """What the databases hold: a time in them is when they were made."""
        found = {}
        for name in ["mailboxes.db"] + [
                os.path.relpath(f, self.top + "/conf") for f in sorted(
                    glob.glob(self.top + "/conf/user/**/*seen*",
                              recursive=True) +
                    glob.glob(self.top + "/conf/quota/*/*"))
                if os.path.isfile(f) and "/.cyrescue" not in f]:
            path = self.top + "/conf/" + name
            out = subprocess.run([tool("cyrdb"), "show", "--raw", path],
                                 check=False, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL).stdout
            found[name] = re.sub(rb" M \d+ ", b" M ", out)
        return found

    def remove(self):
        shutil.rmtree(self.top)


class Truth:
    def __init__(self, scenario):
        case = Case(scenario, "truth")
        self.orig, _ = case.bytes()
        self.old = case.meaning()
        status, out = strace(case.apply, case.log, *TRACE_WRITES)
        if status != 1:
            fail("undisturbed: exit status %d\n%s" % (status, out))
        self.calls, self.shadowed = writing_calls(case.log)
        self.new = case.meaning()
        after, ours = case.bytes()
        changed = [n for n in self.orig if after[n][0] != self.orig[n][0]]
        for part in ("mailboxes.db", "/quota/", "seen"):
            if not any(part in n for n in changed):
                fail("an undisturbed run did not write " + part)
        if ours:
            fail("temporaries: %s" % ours)
        self.mail = self.of_mail(after)
        case.run(case.apply, (0,), "a second run")
        if case.bytes()[0] != after:
            fail("a second run is not idle")
        case.run(case.undo, (0,), "undo")
        self.same_as_orig(case, "undisturbed")
        case.remove()

    @staticmethod
    def of_mail(now):
        conf = "%d/" % len(ROOTS)
        return {k: v[:4] for k, v in now.items() if not k.startswith(conf)}

    def same_as_orig(self, case, when):
        now, ours = case.bytes()
        odd = sorted(k for k in set(now) | set(self.orig)
                     if now.get(k) != self.orig.get(k))
        # A run that was killed leaves its journal with the archives alone.
        if odd or ours:
            fail("%s: not the originals: %s %s" % (when, odd, ours))

    def completes(self, case):
        case.run(case.apply, (0, 1), "the second run")
        now, ours = case.bytes()
        if ours:
            fail("temporaries after the second run: %s" % ours)
        meaning = case.meaning()
        odd = [n for n in self.new if meaning.get(n) != self.new[n]]
        if odd:
            fail("the second run made something else of %s" % odd)
        if self.of_mail(now) != self.mail:
            fail("the second run made other mailboxes")
        case.run(case.apply, (0,), "the third run")
        if case.bytes()[0] != now:
            fail("the third run is not idle")
        case.run(case.undo, (0,), "undo")
        self.same_as_orig(case, "after the undo")


def kill(truth, scenario, number, call, when, and_undo):
    case = Case(scenario, number)
    status, _ = strace(case.apply, case.log, *at(call, when, "signal=SIGKILL"))
    if status not in KILLED:
        fail("not killed: %d" % status)
    meaning = case.meaning()
    odd = [n for n in meaning if meaning[n] not in
           (truth.old.get(n), truth.new.get(n))]
    if odd:
        fail("neither the old file nor the new one: %s" % odd)
    if and_undo:
        if os.path.isdir(case.undo_dir):
            case.run(case.undo, (0,), "undo of a killed run")
        now, _ = case.bytes()
        odd = sorted(k for k in truth.orig if now.get(k) != truth.orig[k])
        if odd:
            fail("undo of a killed run: not the originals: %s" % odd)
    truth.completes(case)
    case.remove()


def starve(truth, scenario, number, call, when, error):
    """The call fails: the exit status says so when something was not done."""
    case = Case(scenario, number)
    status, out = strace(case.apply, case.log,
                         *at(call, when, "error=" + error))
    if status & ~13:
        fail("exit status %d\n%s" % (status, out))
    meaning = case.meaning()
    for name in meaning:
        if meaning[name] not in (truth.old.get(name), truth.new.get(name)):
            fail("neither the old file nor the new one: " + name)
        if meaning[name] != truth.new[name] and not status & 8:
            fail("%s was not done, exit status %d\n%s" % (name, status, out))
    truth.completes(case)
    case.remove()


def jobs(truth, scenario):
    """In turn an undo behind the kill, no space, and an error of the disk."""
    for i, (call, when) in enumerate(truth.calls):
        yield "killed", call, when, kill, (
            truth, scenario, i, call, when, i % 3 == 0)
        if i % 3:
            error = "ENOSPC" if i % 3 == 1 else "EIO"
            yield error, call, when, starve, (
                truth, scenario, "%d.%s" % (i, error), call, when, error)


def run_scenario(scenario, name):
    truth = Truth(scenario)
    count, bad = run_jobs(name, jobs(truth, scenario))
    print("%s: %d calls that write (%d more not told apart); %s" % (
        name, len(truth.calls), truth.shadowed, count), flush=True)
    return bad


def main():
    need_strace()
    bad = used = 0
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as top:
        os.chmod(top, 0o755)
        for name, hurt in (("3.6.1-default", hurt_new),
                           ("2.3.16-metapart", hurt_old)):
            if not tree_file(name):
                continue
            used += 1
            bad += run_scenario(Scenario(top, name, hurt), name)
    if not used:
        skip("no tree")
    sys.exit(1 if bad else 0)


main()
