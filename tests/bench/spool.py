#!/usr/bin/python3
"""Makes the spools of `./dev bench` as Cyrus 3.6 stores them, but without index
and cache, which Cyrus's own reconstruct adds.

usage: spool.py DIR MAILBOXES MESSAGES [POOL]

Writes DIR/imapd.conf, DIR/conf, DIR/spool and DIR/mailboxes.json, which
ctl_mboxlist -u loads. Messages take about 8 KiB; with POOL, all are hard links
to so many messages of about 1 KiB. The content depends on the arguments
alone."""
import base64
import json
import os
import random
import sys

MAGIC = (b'\xa1\x02\x8b\rCyrus mailbox header\n'
         b'"The best thing about this system was that it had lots of goals."\n'
         b'\t--Jim Morris on Andrew\n')
EPOCH = 1795000000


def words(rng, count):
    return " ".join("".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 9)))
                    for _ in range(count))


def body(rng, size):
    """Text in lines, and behind it as often as not an attachment."""
    out = []
    length = 0
    while length < size:
        out.append(words(rng, 11) + "\r\n")
        length += len(out[-1])
    return "".join(out)


def message(rng, user, number, size):
    boundary = "=_%s_%d" % (user, number)
    text = body(rng, rng.randint(size // 5, size * 3 // 5))
    data = base64.encodebytes(rng.randbytes(rng.randint(size // 5,
                                                      size * 3 // 5)))
    head = [
        "Return-Path: <list-%d@example.net>" % number,
        "Received: from mx.example.net by mail.example.org with ESMTP id %08x; "
        "Mon, 16 Nov 2026 07:%02d:%02d +0000" % (rng.getrandbits(32),
                                                  number // 60, number % 60),
        "From: =?utf-8?q?J=C3=BCrgen?= %s <sender%d@example.net>"
        % (words(rng, 1), number),
        "To: %s@example.org, Someone Else <else@example.net>" % user,
        "Subject: %s" % words(rng, 6),
        "Date: Mon, 16 Nov 2026 07:%02d:%02d +0000" % (number // 60,
                                                        number % 60),
        "Message-ID: <%d.%s@example.net>" % (number, user),
        "References: <%d.%s@example.net>" % (number - 1, user),
        "MIME-Version: 1.0",
        "Content-Type: multipart/mixed; boundary=\"%s\"" % boundary,
        "X-Spam-Score: 0.%d" % number,
    ]
    part = "--" + boundary
    return "\r\n".join(head + [
        "", "This is a message in several parts.", part,
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit", "", text + part,
        "Content-Type: application/octet-stream; name=\"data.bin\"",
        "Content-Transfer-Encoding: base64",
        "Content-Disposition: attachment; filename=\"data.bin\"", "",
        data.decode().replace("\n", "\r\n") + part + "--", ""]).encode()


def store(path, data, number):
    with open(path, "wb") as f:
        f.write(data)
    os.utime(path, (EPOCH + number, EPOCH + number))


def mailbox(root, rng, user, messages, pool):
    """The directory of one INBOX; returns its entry for mailboxes.db."""
    uniqueid = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz0123456789",
                                   k=24))
    path = os.path.join(root, "spool", "uuid", uniqueid[0], uniqueid[1],
                        uniqueid)
    os.makedirs(path)
    with open(os.path.join(path, "cyrus.header"), "wb") as f:
        f.write(MAGIC + ("%%(T e N user.%s I %s A %%(%s lrswipkxtecdan))\n"
                         % (user, uniqueid, user)).encode())
    for number in range(1, messages + 1):
        name = os.path.join(path, "%d." % number)
        if pool and number > pool:
            os.link(os.path.join(path, "%d." % (1 + number % pool)), name)
        else:
            store(name, message(rng, user, number, 500 if pool else 7300),
                  number)
    return {"name": "user." + user, "mtime": str(EPOCH),
            "uidvalidity": str(EPOCH), "createdmodseq": "1",
            "foldermodseq": "1", "mbtype": "e", "partition": "default",
            "acl": {user: "lrswipkxtecdan"}, "uniqueid": uniqueid,
            "name_history": []}


def main(root, mailboxes, messages, pool):
    rng = random.Random(1)
    os.makedirs(os.path.join(root, "conf"))
    os.makedirs(os.path.join(root, "spool"))
    with open(os.path.join(root, "imapd.conf"), "w", encoding="ascii") as f:
        f.write("configdirectory: %s/conf\ndefaultpartition: default\n"
                "partition-default: %s/spool\nadmins: cyrus\n"
                "sievedir: %s/conf/sieve\n" % (root, root, root))
    entries = {}
    for number in range(mailboxes):
        entry = mailbox(root, rng, "u%04d" % number, messages, pool)
        entries[entry["name"]] = entry
    with open(os.path.join(root, "mailboxes.json"), "w",
              encoding="ascii") as f:
        json.dump(entries, f, indent=0)


if __name__ == "__main__":
    if not 4 <= len(sys.argv) <= 5:
        sys.exit(__doc__)
    main(os.path.abspath(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]),
         int(sys.argv[4]) if len(sys.argv) == 5 else 0)
