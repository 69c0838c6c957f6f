#!/usr/bin/env python3
"""Kills, and starves, an apply and an undo at every system call that writes.

strace stops the driver at each such call in turn, every call of a run, not a
sample. After a kill: the journal tells the truth, an undo brings the originals
back, a second run completes, its result is that of an undisturbed run, and an
undo of that brings the originals back. After ENOSPC or EIO: a clean exit status,
and the files are the old ones or the new ones, never a mixture.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

from inject import (KILLED, TRACE_WRITES, at, fail, files_only, need_strace,
                    run_jobs, state, strace, without_times, writing_calls)

BUILD = os.environ["CYRE_BUILD"]
SOURCE = os.environ["CYRE_SOURCE"]
DRIVER = os.path.join(BUILD, "tests", "apply_driver")
DONE, FAILED = 0, 8


class Scenario:
    """One or more mailboxes, as they were, in a folder of their own."""

    def __init__(self, top, name, boxes, other_fs=None):
        self.name, self.boxes = name, boxes
        self.top = os.path.join(top, name)
        self.orig = os.path.join(self.top, "orig")
        self.new = os.path.join(SOURCE, "fixtures/mailboxes/2.4.22")
        self.other = other_fs and os.path.join(other_fs, name)
        spool = os.path.join(self.orig, "spool", "user")
        os.makedirs(os.path.join(self.orig, "archive"))
        old = os.path.join(SOURCE, "fixtures/mailboxes/3.6.1")
        for i in range(boxes):
            box = os.path.join(spool, "box" + chr(ord("a") + i))
            shutil.copytree(old, box)
            for name, text in (("7.", "orphan"), ("8.", "message"),
                               ("cyrus.index.NEW", "half")):
                with open(os.path.join(box, name), "w") as f:
                    f.write(text)
        if self.other:
            shutil.copytree(os.path.join(self.orig, "spool"),
                            os.path.join(self.other, "meta.orig"))
            self.strip(os.path.join(self.other, "meta.orig"), True)
            self.strip(os.path.join(self.orig, "spool"), False)
        for where, _, names in list(os.walk(self.orig)) + \
                list(os.walk(self.other or "/nonexistent")):
            for name in names:
                path = os.path.join(where, name)
                os.chmod(path, 0o600)
                if os.geteuid() == 0:
                    os.chown(path, 12345, 12345)
                try:
                    os.setxattr(path, "user.note", b"\x00=\xff\n" + name.encode())
                except OSError:
                    pass
                os.utime(path, ns=(10**18, 1234567890123456789))

    @staticmethod
    def strip(root, meta):
        for where, _, names in os.walk(root):
            for name in names:
                if meta != (name in ("cyrus.header", "cyrus.index")):
                    os.unlink(os.path.join(where, name))


class Case:
    """A copy of a scenario that a run may break."""

    def __init__(self, scenario, number):
        self.s = scenario
        self.top = os.path.join(scenario.top, "case%s" % number)
        self.tree = os.path.join(self.top, "tree")
        self.undo_dir = os.path.join(self.top, "undo")
        self.journal = os.path.join(self.top, "journal")
        shutil.copytree(scenario.orig, self.tree)
        os.mkdir(self.undo_dir)
        self.roots = [self.tree]
        self.meta = None
        if scenario.other:
            self.meta = os.path.join(scenario.other, "meta%s" % number)
            shutil.copytree(os.path.join(scenario.other, "meta.orig"),
                            self.meta)
            self.roots.append(self.meta)
        self.own()

    def own(self):
        """copytree keeps modes, times and attributes, not owners."""
        if os.geteuid() != 0:
            return
        for root in self.roots:
            for where, _, names in os.walk(root):
                for name in names:
                    os.chown(os.path.join(where, name), 12345, 12345)

    def remove(self):
        shutil.rmtree(self.top)
        if self.meta:
            shutil.rmtree(self.meta)

    def command(self, what):
        if what == "undo":
            return [DRIVER, "undo", self.undo_dir]
        return [DRIVER, "apply", self.s.orig, self.tree, self.s.new,
                self.undo_dir, self.journal, str(self.s.boxes)] + \
            ([self.meta] if self.meta else [])

    def run(self, what):
        return subprocess.run(self.command(what), timeout=60,
                              stdin=subprocess.DEVNULL).returncode

    def strace(self, what, *options):
        log = os.path.join(self.top, "strace")
        return strace(self.command(what), log, *options)[0], log

    def state(self, times=True):
        return state(*self.roots, times=times)

    def archives(self):
        return [n for n in os.listdir(self.undo_dir)
                if n.endswith(".tar.zst")]

    def journal_lines(self):
        if not os.path.exists(self.journal):
            return []
        with open(self.journal) as f:
            text = f.read()
        return [json.loads(line) for line in
                text[:text.rfind("\n") + 1].splitlines() if line]


def calls_of(case, what):
    status, log = case.strace(what, *TRACE_WRITES)
    if status != DONE:
        fail("undisturbed %s: exit status %d" % (what, status))
    return writing_calls(log)[0]


class Truth:
    def __init__(self, scenario):
        case = Case(scenario, "truth")
        self.orig = case.state()[0]
        self.apply_calls = calls_of(case, "apply")
        self.new, ours = case.state(times=False)
        if ours:
            fail("temporaries after an undisturbed run: %s" % ours)
        if self.new == without_times(self.orig):
            fail("an undisturbed run changed nothing")
        self.undo_calls = calls_of(case, "undo")
        self.same_as_orig(case, "undisturbed")
        case.remove()

    def same_as_orig(self, case, when):
        now, ours = case.state()
        if files_only(now) != files_only(self.orig):
            diff = set(now.items()) ^ set(self.orig.items())
            fail("%s: not the originals: %s" % (when, sorted(diff)))
        if ours:
            fail("%s: temporaries left: %s" % (when, ours))

    def same_as_new(self, case, when):
        now, ours = case.state(times=False)
        if now != self.new:
            diff = set(now.items()) ^ set(self.new.items())
            fail("%s: not an undisturbed run's result: %s" %
                 (when, sorted(diff)))
        if ours:
            fail("%s: temporaries left: %s" % (when, ours))

    def completes(self, case):
        if case.run("apply") != DONE:
            fail("the second run failed")
        self.same_as_new(case, "after the second run")
        if case.run("undo") != DONE:
            fail("undo failed")
        self.same_as_orig(case, "after undo")


def check_journal(truth, case):
    """Files differ only after a synced intent and an archive; done is done."""
    now = without_times(files_only(case.state()[0]))
    changed = now != without_times(files_only(truth.orig))
    lines = case.journal_lines()
    if changed and not any(x["state"] == "intent" for x in lines):
        fail("changed before the intent")
    if changed and not case.archives():
        fail("changed before the archive")
    for x in lines:
        box = x["mboxname"]
        if x["state"] == "done" and \
                {k: v for k, v in now.items() if box in k} != \
                {k: v for k, v in files_only(truth.new).items() if box in k}:
            fail("the journal says done of %s" % box)


def kill_apply(truth, scenario, number, call, when):
    case = Case(scenario, number)
    status, _ = case.strace("apply", *at(call, when, "signal=SIGKILL"))
    if status not in KILLED:
        fail("not killed: %d" % status)
    check_journal(truth, case)
    truth.completes(case)
    case.remove()


def kill_and_undo(truth, scenario, number, call, when):
    case = Case(scenario, number)
    case.strace("apply", *at(call, when, "signal=SIGKILL"))
    if case.run("undo") != DONE:
        fail("undo of a killed run failed")
    if files_only(case.state()[0]) != files_only(truth.orig):
        fail("undo of a killed run: not the originals")
    truth.completes(case)
    case.remove()


def starve_apply(truth, scenario, number, call, when, error):
    case = Case(scenario, number)
    status, _ = case.strace("apply", *at(call, when, "error=" + error))
    if status not in (DONE, FAILED):
        fail("exit status %d" % status)
    now, ours = case.state()
    plain = without_times(now)
    # A mailbox is the old one or the new one, each for itself.
    for i in range(scenario.boxes):
        box = "box" + chr(ord("a") + i)
        mine = {k: v for k, v in files_only(plain).items() if box in k}
        old = {k: v for k, v in without_times(
            files_only(truth.orig)).items() if box in k}
        new = {k: v for k, v in files_only(truth.new).items() if box in k}
        if mine != new and (mine != old or status == DONE):
            fail("%s is neither old nor new: %s" % (
                box, sorted(set(mine.items()) ^ set(old.items()))))
    if ours and call not in ("unlinkat", "unlink"):
        fail("temporaries left: %s" % ours)
    check_journal(truth, case)
    truth.completes(case)
    case.remove()


def applied(scenario, number):
    case = Case(scenario, number)
    if case.run("apply") != DONE:
        fail("apply failed")
    return case


def break_undo(truth, scenario, number, call, when, how):
    case = applied(scenario, number)
    status, _ = case.strace("undo", *at(call, when, how))
    if status not in (KILLED if "SIGKILL" in how else (DONE, FAILED)):
        fail("exit status %d" % status)
    if case.run("undo") != DONE:
        fail("the second undo failed")
    truth.same_as_orig(case, "after the second undo")
    case.remove()


def no_exchange(truth, scenario):
    """A file system that cannot exchange names: by a hard link."""
    case = Case(scenario, "link")
    status, log = case.strace("apply", "-e", "trace=renameat2,linkat", "-e",
                              "inject=renameat2:error=EINVAL")
    if status != DONE:
        fail("exit status %d" % status)
    truth.same_as_new(case, "without exchange")
    links = sum(" linkat(" in line for line in open(log))
    case.remove()
    for when in range(1, 4 * links + 1):
        call, how = ("linkat", when) if when <= links else (
            "renameat", when - links)
        case = Case(scenario, "link%d" % when)
        case.strace("apply", "-e", "trace=renameat2," + call, "-e",
                    "inject=renameat2:error=EINVAL", "-e",
                    "inject=%s:signal=SIGKILL:when=%d" % (call, how))
        check_journal(truth, case)
        truth.completes(case)
        case.remove()


def jobs(truth, scenario):
    """Every call is killed in every scenario. The two errors take the same way
    through the code: both at every call of the first scenario, by turns in the
    second; the third is there for the order of its syncs."""
    n, intent = 0, False
    first, split = scenario.boxes == 1 and not scenario.other, scenario.other
    for i, (call, when) in enumerate(truth.apply_calls):
        n += 1
        yield "killed", call, when, kill_apply, (
            truth, scenario, n, call, when)
        # Before the intent there is nothing that could be undone.
        intent = intent or call == "fdatasync"
        if intent:
            n += 1
            yield "killed and undone", call, when, kill_and_undo, (
                truth, scenario, n, call, when)
        for k, error in enumerate(("ENOSPC", "EIO")):
            if first or (not split and i % 2 == k):
                n += 1
                yield error, call, when, starve_apply, (
                    truth, scenario, n, call, when, error)
    hows = ("signal=SIGKILL", "error=ENOSPC", "error=EIO")
    for call, when in truth.undo_calls if not split else ():
        for how in hows if first else hows[:1]:
            n += 1
            yield "undo, " + how, call, when, break_undo, (
                truth, scenario, n, call, when, how)


def main():
    need_strace()
    bad = 0
    # In memory: what is killed are processes, not the machine, and the syncs of
    # a disk would be most of the time. The other file system is a disk's.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as top, \
            tempfile.TemporaryDirectory() as disk:
        scenarios = [Scenario(top, "one", 1), Scenario(top, "several", 2)]
        if os.stat(top).st_dev != os.stat(disk).st_dev:
            scenarios.append(Scenario(top, "split", 1, disk))
        else:
            print("SKIP: one file system only; no split mailbox")
        for scenario in scenarios:
            truth = Truth(scenario)
            count, failed = run_jobs(scenario.name, [
                *jobs(truth, scenario),
                ("without exchange", "renameat2", 0, no_exchange,
                 (truth, scenario))])
            bad += failed
            print("%s: %s" % (scenario.name, count))
    sys.exit(1 if bad else 0)


main()
