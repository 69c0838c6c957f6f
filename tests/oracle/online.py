#!/usr/bin/python3
"""cyrrebuild --online beside Debian's Cyrus 3.6.1: a mailbox that imapd reads is
refused when that lasts; a session that has it selected and idles goes on with
the new files; a message that lmtpd delivers while a mailbox is rebuilt waits for
the end, and is there; the server has nothing to say afterwards. With hashed lock
files and without."""
import os
import pwd
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time

LIB = os.path.join(os.environ["CYRE_SOURCE"], "tests", "lib.sh")
TOOLS = os.path.join(os.environ["CYRE_BUILD"], "tools")
CYRUS = "/usr/lib/cyrus/bin"
AS_CYRUS = ["setpriv", "--reuid=cyrus", "--regid=mail", "--clear-groups"]


def skip(why):
    print("SKIP:", why)
    sys.exit(77)


def fail(text):
    sys.exit("FAIL: " + text)


class Server:
    """One process of the server on a socket."""

    def __init__(self, program, conf, *options):
        ours, theirs = socket.socketpair()
        # An answer that nobody reads stops the server soon.
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.process = subprocess.Popen(
            [*AS_CYRUS, os.path.join(CYRUS, program), "-C", conf, "-X",
             *options], stdin=theirs, stdout=theirs,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "CYRUS_SERVICE": program, "CYRUS_ID": "1"})
        theirs.close()
        self.file = ours.makefile("rwb", buffering=0)
        self.socket = ours

    def line(self):
        line = self.file.readline().decode("latin-1")
        if not line:
            fail("the server ended")
        return line

    def say(self, text):
        self.file.write(text.encode("latin-1") + b"\r\n")

    def close(self):
        self.file.close()
        self.socket.close()
        self.process.wait(timeout=30)


class Imap(Server):
    def __init__(self, conf, user):
        super().__init__("imapd", conf, "-N")
        self.line()
        self.command("LOGIN %s x" % user)

    def command(self, text):
        self.say("a " + text)
        return self.finish(text)

    def finish(self, text):
        ret = []
        while not (ret and ret[-1].startswith("a ")):
            ret.append(self.line())
        if not ret[-1].startswith("a OK"):
            fail("%s: %s" % (text, ret[-1]))
        return ret


class Lmtp(Server):
    """Up to the recipient, for whom the mailbox is opened already."""

    def __init__(self, conf):
        super().__init__("lmtpd", conf, "-a")
        self.answer()
        for text in ("LHLO test", "MAIL FROM:<a@example.com>",
                     "RCPT TO:<anna>"):
            self.say(text)
            self.answer()

    def answer(self):
        line = self.line()
        while line[3:4] == "-":
            line = self.line()
        return line

    def deliver(self, subject):
        """Up to the end of the message; the answer is yet to come."""
        self.say("DATA")
        self.answer()
        self.say("From: a@example.com\r\nTo: anna\r\nSubject: %s\r\n"
                 "Message-ID: <%s@example.com>\r\n\r\nlate\r\n." %
                 (subject, subject))


def unpack(work):
    tree = os.path.join(work, "tree")
    done = subprocess.run(["bash", "-c", '. "$1"; unpack 3.6.1-default "$2"',
                           "_", LIB, tree], check=False)
    if done.returncode:
        sys.exit(done.returncode)
    owner = pwd.getpwnam("cyrus")
    for name in ("proc", "lock", "socket", "log"):
        path = os.path.join(tree, "conf", name)
        os.makedirs(path, exist_ok=True)
        os.chown(path, owner.pw_uid, owner.pw_gid)
    return tree


def rebuild(conf, *options):
    return [os.path.join(TOOLS, "cyrrebuild"), "-C", conf, "--apply",
            "--online", "-m", "user.anna", *options]


def run(command, want, text=""):
    done = subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=300, check=False)
    out = done.stdout.decode(errors="replace")
    if done.returncode != want or text not in out:
        fail("exit status %d, not %d, or not '%s': %s\n%s" %
             (done.returncode, want, text, " ".join(command), out))


def damage(tree):
    """A cache that imapd does without."""
    path = subprocess.run(
        ["bash", "-c", '. "$1"; TREE=$2; mailbox user.anna', "_", LIB, tree],
        stdout=subprocess.PIPE, check=True).stdout.decode().strip()
    os.truncate(os.path.join(path, "cyrus.cache"), 2000)


def held_open(tree, conf):
    """imapd is in the middle of an answer; then it idles."""
    imap = Imap(conf, "anna")
    imap.command("SELECT INBOX")
    whole = "UID FETCH 1:* (ENVELOPE BODYSTRUCTURE BODY.PEEK[])"
    before = imap.command(whole)
    damage(tree)
    imap.say("a " + whole)
    time.sleep(1)
    run(rebuild(conf), 8, "NOT DONE: ")
    imap.finish(whole)
    run(rebuild(conf), 1)
    # The last line has the time it took.
    after = imap.command(whole)
    if after[:-1] != before[:-1]:
        fail("the session that had it open sees something else: %s" % [
            x for x in zip(before, after) if x[0] != x[1]][:1])
    imap.command("LOGOUT")
    imap.close()


def delivery(tree, conf):
    """A message comes between the two renames of a rebuild."""
    damage(tree)
    lmtp = Lmtp(conf)
    with subprocess.Popen(
            ["strace", "-f", "-qq", "-o", os.path.join(tree, "trace"), "-e",
             "trace=renameat2", "-e",
             "inject=renameat2:delay_enter=3000000:when=2+",
             *rebuild(conf, "-j1")],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
        undo = os.path.join(tree, "conf", "cyrescue-undo")
        deadline = time.time() + 60
        while not any(n.endswith(".zst") for n in os.listdir(undo)
                      if n not in delivery.known):
            if time.time() > deadline or child.poll() is not None:
                fail("the rebuild did not begin")
            time.sleep(0.05)
        lmtp.deliver("while")
        ready, _, _ = select.select([lmtp.socket], [], [], 1)
        if ready or child.poll() is not None:
            fail("delivered into a mailbox that is being rebuilt")
        out = child.communicate(timeout=120)[0].decode(errors="replace")
        if child.returncode != 1:
            fail("rebuild: exit status %d\n%s" % (child.returncode, out))
    answer = lmtp.answer()
    if not answer.startswith("250"):
        fail("not delivered after the rebuild: " + answer)
    lmtp.close()


def subjects(conf):
    imap = Imap(conf, "anna")
    imap.command("SELECT INBOX")
    lines = "".join(imap.command("UID FETCH 1:* (ENVELOPE)"))
    imap.command("LOGOUT")
    imap.close()
    return re.findall('ENVELOPE \\("[^"]*" "([^"]*)"', lines)


def agrees(tree, conf):
    run([os.path.join(TOOLS, "cyrscan"), "-C", conf, "--level", "5"], 0)
    done = subprocess.run(
        [*AS_CYRUS, os.path.join(CYRUS, "reconstruct"), "-C", conf, "-n", "-G",
         "user.anna"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        check=False)
    said = done.stdout.decode().splitlines()
    if done.returncode or len(said) > 1:
        fail("reconstruct says: %s" % said)


def main(work):
    tree = unpack(work)
    conf = os.path.join(tree, "imapd.conf")
    delivered = 0
    for hashed in ("no", "yes"):
        with open(conf, encoding="utf-8") as file:
            text = re.sub("(?m)^hashimapspool:.*\n", "", file.read())
        with open(conf, "w", encoding="utf-8") as file:
            file.write(text + "hashimapspool: %s\n" % hashed)
        held_open(tree, conf)
        delivery.known = os.listdir(os.path.join(tree, "conf",
                                                 "cyrescue-undo"))
        delivery(tree, conf)
        delivered += 1
        if subjects(conf).count("while") != delivered:
            fail("a message that was delivered is not there")
        agrees(tree, conf)


if __name__ == "__main__":
    for PROGRAM in ("imapd", "lmtpd", "reconstruct"):
        if not os.access(os.path.join(CYRUS, PROGRAM), os.X_OK):
            skip("no %s/%s (Debian: cyrus-imapd)" % (CYRUS, PROGRAM))
    if os.geteuid():
        skip("only root can become the user cyrus")
    if subprocess.run(["strace", "-o", "/dev/null", "true"],
                      stderr=subprocess.DEVNULL, check=False).returncode:
        skip("strace is absent or may not trace here")
    WORK = tempfile.mkdtemp(prefix="cyrescue-test.")
    os.chmod(WORK, 0o755)
    try:
        main(WORK)
    finally:
        shutil.rmtree(WORK)
