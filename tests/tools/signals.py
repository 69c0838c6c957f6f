#!/usr/bin/python3
"""SIGINT and SIGTERM end a scan cleanly: exit status 32, and a report that says
it is not complete. SIGUSR1 only prints a line of progress."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

LIB = os.path.join(os.environ["CYRE_SOURCE"], "tests", "lib.sh")


def unpack(work):
    subprocess.run(["bash", "-c", '. "$1"; unpack 3.6.1-default "$2"', "_", LIB,
                    work + "/tree"], check=True)


def start(work):
    """A scan that takes seconds: each directory listing is held up."""
    report = work + "/report"
    if os.path.exists(report):
        os.unlink(report)
    return subprocess.Popen(
        ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e",
         "inject=getdents64:delay_enter=100ms",
         os.environ["CYRE_BUILD"] + "/tools/cyrscan", "-C",
         work + "/tree/imapd.conf", "-j1", "-o", report],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def scan(work, number):
    child = start(work)
    time.sleep(1.5)
    if child.poll() is not None:
        sys.exit("the scan was over before the signal came")
    child.send_signal(number)
    _, err = child.communicate(timeout=60)
    with open(work + "/report", "rb") as f:
        lines = [json.loads(line) for line in f]
    return child.returncode, err, lines


def main(work):
    unpack(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        status, err, lines = scan(work, number)
        if not status & 32 or status < 0:
            sys.exit("%s: exit status %d: %s" % (number, status, err))
        if lines[-1].get("type") != "trailer" or \
                lines[-1]["complete"] is not False or \
                lines[-1]["exit"] != status:
            sys.exit("%s: the trailer is %s" % (number, lines[-1]))
    status, err, lines = scan(work, signal.SIGUSR1)
    if status != 0 or lines[-1]["complete"] is not True:
        sys.exit("SIGUSR1: exit status %d" % status)
    if not err.strip():
        sys.exit("SIGUSR1 printed nothing")


if __name__ == "__main__":
    if subprocess.run(["strace", "-o", "/dev/null", "true"],
                      stderr=subprocess.DEVNULL, check=False).returncode:
        print("SKIP: strace is absent or may not trace here")
        sys.exit(77)
    WORK = tempfile.mkdtemp(prefix="cyrescue-test.")
    os.chmod(WORK, 0o755)
    try:
        main(WORK)
    finally:
        shutil.rmtree(WORK)
