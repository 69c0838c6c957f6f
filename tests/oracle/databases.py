#!/usr/bin/python3
"""Debian's Cyrus 3.6.1 on database files that cyrdb wrote.

Bytes: Cyrus compacts a database, cyrdb writes the same one. Both must be what
the format page says of their records and levels, which are drawn by lot: a
second writer, below, makes each file again from these, byte for byte.

Use: Cyrus adds and deletes hundreds of keys in our files, in each sort order,
finds them consistent, and cyrdb reads what it then should.
"""
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

SOURCE = os.environ["CYRE_SOURCE"]
CYRDB = os.path.join(os.environ["CYRE_BUILD"], "tools", "cyrdb")
DBTOOL = "/usr/lib/cyrus/bin/cyr_dbtool"
WORK = tempfile.mkdtemp(prefix="cyrescue-databases.")
os.chmod(WORK, 0o755)
BLANK = b" BLANK\x07\xa0"


def cyrus(path, backend, *args, order="", stdin=b""):
    command = ["setpriv", "--reuid=cyrus", "--regid=mail", "--clear-groups",
               "timeout", "60", DBTOOL, "-C", WORK + "/imapd.conf"]
    command += ["-M"] if order == "mailbox" else []
    return subprocess.run(command + [path, backend, *args], input=stdin,
                          capture_output=True, check=False)


def cyrdb(*args, status=(0,)):
    run = subprocess.run([CYRDB, *args], capture_output=True, check=False)
    assert run.returncode in status, (args, run.returncode, run.stderr,
                                      run.stdout)
    return run.stdout


def give(path):
    shutil.chown(path, "cyrus", "mail")
    os.chmod(path, 0o600)
    return path


def read(path):
    with open(path, "rb") as f:
        return f.read()


def fresh(name):
    path = WORK + "/" + name
    if os.path.exists(path):
        os.unlink(path)
    return path


# ---- the formats, written a second time ----

def twoskip_records(d):
    """(key, value, level) of a compact file; whether it is padded."""
    at, records, padded = 64 + 272, [], False
    while at < len(d):
        if d[at:at + 8] == BLANK:
            padded, at = True, at + 8
            continue
        kind, level, keylen, vallen = struct.unpack(">BBHI", d[at:at + 8])
        head = 8 + 8 * (level + 1) + 8
        key = d[at + head:at + head + keylen]
        value = d[at + head + keylen:at + head + keylen + vallen]
        if kind == ord("+"):
            records.append((key, value, level))
        at += head + (keylen + vallen + 7) // 8 * 8
    return records, padded


def twoskip(records, padded, generation):
    """docs/formats/twoskip.md 2, 3 and 9."""
    def pad(level):
        head = 8 + 8 * (level + 1) + 8
        while padded and head <= 504 and \
                (len(out) + 8) % 512 > (len(out) - 8 + head) % 512:
            out.extend(BLANK)

    def put(kind, level, key, value):
        tail = key + value
        tail += bytes(-len(tail) % 8)
        places.append((len(out), level, zlib.crc32(tail)))
        out.extend(struct.pack(">BBHI", ord(kind), level, len(key),
                               len(value)))
        out.extend(bytes(8 * (level + 1) + 8))
        out.extend(tail)

    out, places = bytearray(64), []
    put("=", 31, b"", b"")
    for key, value, level in records:
        pad(level)
        put("+", level, key, value)
    repack_size = len(out)
    after = [0] * 31
    for offset, level, tail in reversed(places):
        pointers = [0] + after[:level]
        after[:level] = [offset] * level
        at = offset + 8
        out[at:at + 8 * (level + 1)] = struct.pack(">%dQ" % (level + 1),
                                                   *pointers)
        at += 8 * (level + 1)
        out[at:at + 8] = struct.pack(">II", zlib.crc32(out[offset:at]), tail)
    if records:
        pad(0)
        commit = struct.pack(">BBHIQ", ord("$"), 0, 0, 0, 64 + 272)
        out += commit + struct.pack(">II", zlib.crc32(commit), 0)
    out[:60] = b"\xa1\x02\x8b\x0dtwoskip file\0\0\0\0" + struct.pack(
        ">IQQQQI", 1, generation, len(records), repack_size, len(out), 0)
    out[60:64] = struct.pack(">I", zlib.crc32(out[:60]))
    return bytes(out)


def skiplist_records(d):
    at, records = 48 + 96, []
    while at < len(d):
        keylen = struct.unpack(">I", d[at + 4:at + 8])[0]
        key = d[at + 8:at + 8 + keylen]
        at += 8 + (keylen + 3) // 4 * 4
        vallen = struct.unpack(">I", d[at:at + 4])[0]
        value = d[at + 4:at + 4 + vallen]
        at += 4 + (vallen + 3) // 4 * 4
        level = 0
        while d[at + 4 * level:at + 4 * level + 4] != b"\xff\xff\xff\xff":
            level += 1
        records.append((key, value, level))
        at += 4 * level + 4
    return records


def skiplist(records, curlevel, time):
    """docs/formats/skiplist.md 1, 2 and 9."""
    def padded(s):
        return struct.pack(">I", len(s)) + s + bytes(-len(s) % 4)

    out, places = bytearray(48), []
    for kind, (key, value, level) in [(257, (b"", b"", 20))] + \
            [(1, r) for r in records]:
        offset = len(out)
        out += struct.pack(">I", kind) + padded(key) + padded(value)
        places.append((offset, len(out), level))
        out += bytes(4 * level) + b"\xff\xff\xff\xff"
    after = [0] * 20
    for offset, at, level in reversed(places):
        out[at:at + 4 * level] = struct.pack(">%dI" % level, *after[:level])
        after[:level] = [offset] * level
    out[:48] = b"\xa1\x02\x8b\x0dskiplist file\0\0\0" + struct.pack(
        ">IIIIIII", 1, 2, 20, curlevel, len(records), len(out), time)
    return bytes(out)


def model_of(d):
    """The same file, made again from its records and levels."""
    if d[4:11] == b"twoskip":
        records, padded = twoskip_records(d)
        generation = struct.unpack(">Q", d[24:32])[0]
        return twoskip(records, padded, generation), records
    records = skiplist_records(d)
    curlevel, time = struct.unpack(">I", d[32:36])[0], d[44:48]
    return skiplist(records, curlevel, struct.unpack(">I", time)[0]), records


def same_bytes(source, backend):
    theirs = give(shutil.copy(source, fresh("theirs.db")))
    ours = fresh("ours.db")
    cyrdb("convert", "-q", theirs, ours, "--to", backend)
    # 3.6.1 compacts a skiplist and then fails an assertion about its lock.
    cyrus(theirs, backend, "repack")
    a, b = read(theirs), read(ours)
    (again_a, records_a), (again_b, records_b) = model_of(a), model_of(b)
    assert again_a == a, "Cyrus's %s is not what the page says" % source
    assert again_b == b, "our %s is not what the page says" % source
    assert [r[:2] for r in records_a] == [r[:2] for r in records_b]
    # Version, generation and count; version, minor and highest level allowed.
    head = 40 if backend == "twoskip" else 32
    assert a[:head] == b[:head], (a[:head], b[:head])
    differ = sum(x[2] != y[2] for x, y in zip(records_a, records_b))
    print("%-28s Cyrus %6d bytes, ours %6d; %d keys, %d of another level, "
          "nothing else differs" % (os.path.basename(source), len(a), len(b),
                                    len(records_a), differ))


def same_flat(source):
    ours = fresh("ours.db")
    cyrdb("convert", "-q", source, ours, "--to", "flat")
    assert read(ours) == read(source), source
    print("%-28s %d bytes, the same" % (os.path.basename(source),
                                        len(read(ours))))


# ---- Cyrus goes on with our files ----

def names(n, eight_bit):
    random.seed(7)
    chars = "abcdefghijklmnopqrstuvwxyz0123456789-_+&~"
    found = set()
    while len(found) < n:
        levels = ["".join(random.choice(chars) for _ in
                          range(random.randrange(1, 9)))
                  for _ in range(random.randrange(1, 5))]
        name = ("user." + ".".join(levels)).encode()
        if eight_bit and random.randrange(3) == 0:
            name += bytes([random.randrange(0xa0, 0xf5)])
        found.add(name)
    return sorted(found)


def goes_on(backend, order, eight_bit):
    all_names = names(900, eight_bit)
    truth = {k: b"0 default ann\tlrswip\t%d" % i
             for i, k in enumerate(all_names[::3])}
    # A flat file to begin with; its order is not that of the others.
    source, path = fresh("in.txt"), fresh("written.db")
    with open(source, "wb") as f:
        f.writelines(k + b"\t" + v + b"\n" for k, v in truth.items())
    cyrdb("salvage", "-q", source, "-o", path, "--to", backend, "--order",
          order, status=(0, 1))
    give(path)
    run = cyrus(path, backend, "consistent", order=order)
    assert b"Yes" in run.stdout, (backend, order, run)
    changes = {k: b"0 default new\tlrs\t%d" % i
               for i, k in enumerate(all_names[1::3])}
    gone = all_names[::6]
    run = cyrus(path, backend, "set", order=order, stdin=b"".join(
        k + b"\t" + v + b"\n" for k, v in changes.items()))
    assert run.returncode == 0, run
    run = cyrus(path, backend, "delete", order=order, stdin=b"".join(
        k + b"\n" for k in gone))
    assert run.returncode == 0, run
    truth.update(changes)
    for k in gone:
        truth.pop(k, None)
    run = cyrus(path, backend, "consistent", order=order)
    assert b"Yes" in run.stdout, (backend, order, run)
    want = sorted(k + b"\t" + v for k, v in truth.items())
    shown = cyrus(path, backend, "show", order=order).stdout
    assert sorted(shown.splitlines()) == want
    shown = cyrdb("show", "--raw", path)
    assert sorted(shown.splitlines()) == want
    said = json.loads(cyrdb("check", "--json", path).splitlines()[0])
    assert (said["format"], said["order"]) == (backend, order), said
    # Cyrus finds each of them.
    run = cyrus(path, backend, "get", order=order, stdin=b"".join(
        k + b"\n" for k in truth))
    assert sorted(run.stdout.splitlines()) == sorted(truth.values()), backend
    print("%-9s %-8s %d keys by cyrdb, %d set, %d deleted by Cyrus: "
          "consistent, %d keys read alike" % (
              backend, order + (" 8bit" if eight_bit else ""), 300,
              len(changes), len(gone), len(want)))


def main():
    if not os.path.exists(DBTOOL):
        print("SKIP: no %s (Debian: cyrus-imapd)" % DBTOOL)
        return 77
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        print("SKIP: only root can become the user cyrus")
        return 77
    os.makedirs(WORK + "/conf/db")
    with open(WORK + "/imapd.conf", "w") as f:
        f.write("configdirectory: %s/conf\npartition-default: %s/spool\n" % (
            WORK, WORK))
    for root, _, _ in os.walk(WORK):
        give(root)
        os.chmod(root, 0o755)
    histories = SOURCE + "/fixtures/databases/"
    for name in ("3.6.1-twoskip-churn", "3.6.1-twoskip-killed",
                 "3.0.18-twoskip-churn"):
        same_bytes(cleaned(histories + name + ".db", "twoskip"), "twoskip")
    for name in ("3.6.1-skiplist-churn", "2.4.22-skiplist-churn"):
        same_bytes(histories + name + ".db", "skiplist")
    same_flat(histories + "3.6.1-flat-churn.db")
    for backend, order, eight_bit in (
            ("twoskip", "raw", True), ("twoskip", "mailbox", False),
            ("skiplist", "signed", True), ("skiplist", "mailbox", False),
            ("flat", "mailbox", True)):
        goes_on(backend, order, eight_bit)
    shutil.rmtree(WORK)
    return 0


def cleaned(path, backend):
    """A copy that Cyrus has recovered, if it had to."""
    copy = give(shutil.copy(path, fresh(os.path.basename(path))))
    cyrus(copy, backend, "set", "zz.recover", "1")
    cyrus(copy, backend, "delete", "zz.recover")
    return copy


if __name__ == "__main__":
    sys.exit(main())
