#!/usr/bin/python3
"""Changes fields of a cyrus.index of version 16 or 17, and makes its checksums
right again, so that a damage case shows one wrong value and nothing else.

usage: edit_index.py FILE header FIELD=VALUE...
       edit_index.py FILE N FIELD=VALUE...       record N, from 1

VALUE is a number, or OP and a number: =+5 adds, =|8 sets bits, =@M takes the
value of record M. Offsets are those of docs/formats/index.md."""
import struct
import sys
import zlib

HEADER = {
    "generation_no": (0, 4), "format": (4, 4), "minor_version": (8, 4),
    "start_offset": (12, 4), "record_size": (16, 4), "num_records": (20, 4),
    "last_uid": (28, 4), "quota_mailbox_used": (32, 8), "uidvalidity": (44, 4),
    "deleted": (48, 4), "answered": (52, 4), "flagged": (56, 4),
    "options": (60, 4), "highestmodseq": (68, 8), "deletedmodseq": (76, 8),
    "exists": (84, 4), "first_expunged": (88, 4), "header_file_crc": (96, 4),
    "synccrcs_basic": (100, 4), "recentuid": (104, 4),
    "quota_annot_used": (116, 4), "unseen": (124, 4),
    "createdmodseq": (128, 8), "spare": (140, 4)}
RECORD = {
    "uid": (0, 4), "internaldate": (4, 4), "size": (12, 4),
    "header_size": (16, 4), "gmtime": (20, 4), "cache_offset": (24, 4),
    "last_updated": (28, 4), "system_flags": (32, 4), "user_flags0": (36, 4),
    "user_flags3": (48, 4), "cache_version": (56, 4), "guid0": (60, 8),
    "guid1": (68, 8), "guid2": (76, 4), "modseq": (80, 8),
    "createdmodseq": (96, 8), "cache_crc": (104, 4)}
HEADER_SIZE, RECORD_SIZE = 160, 112
FORMATS = {4: ">I", 8: ">Q"}


def start(number):
    return HEADER_SIZE + (number - 1) * RECORD_SIZE


def change(data, base, table, assignment):
    field, _, value = assignment.partition("=")
    offset, width = table[field]
    old = struct.unpack_from(FORMATS[width], data, base + offset)[0]
    if value.startswith("+"):
        new = old + int(value[1:], 0)
    elif value.startswith("|"):
        new = old | int(value[1:], 0)
    elif value.startswith("@"):
        new = struct.unpack_from(FORMATS[width], data,
                                 start(int(value[1:])) + offset)[0]
    else:
        new = int(value, 0)
    struct.pack_into(FORMATS[width], data, base + offset, new)


def main(path, where, assignments):
    with open(path, "rb") as f:
        data = bytearray(f.read())
    if data[11] not in (16, 17):
        sys.exit("%s is of version %d" % (path, data[11]))
    if where == "header":
        base, table, size = 0, HEADER, HEADER_SIZE
    else:
        base, table, size = start(int(where)), RECORD, RECORD_SIZE
    for assignment in assignments:
        change(data, base, table, assignment)
    struct.pack_into(">I", data, base + size - 4,
                     zlib.crc32(data[base:base + size - 4]))
    with open(path, "r+b") as f:
        f.write(data)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
