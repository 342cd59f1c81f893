#!/usr/bin/env python3
"""Writes protocol/vectors/{frames,batches,records}.json and the fuzz seeds made of them.

This is a second implementation of protocol/frames.md, batch.md and roster.md, written from the
text alone, so that a mistake in the C code cannot hide in the vectors.

    make_vectors.py            writes the files
    make_vectors.py --check    fails if a file differs from what would be written
"""
import hashlib
import json
import pathlib
import re
import struct
import sys

from primitives import ed25519_public, ed25519_sign

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "protocol" / "vectors"
CORPUS = ROOT / "tests" / "fuzz" / "corpus"

# ---- bytes in text: pieces of hex, each perhaps repeated ("00*32") ---------------------------


def text_of(data):
    """Hex; a run of 32 or more equal bytes as a repetition."""
    out = []
    for match in re.finditer(rb"(.)\1{31,}|(?:(?!(.)\2{31,}).)+", data, re.S):
        run = match.group()
        if match.group(1) is not None:
            out.append(f"{run[:1].hex()}*{len(run)}")
        else:
            out.append(run.hex())
    return " ".join(out)


# ---- hashes and signatures ------------------------------------------------------------------


def h(context, *parts):
    return hashlib.blake2b(b"\0".join([context.encode(), b"".join(parts)]), digest_size=32).digest()


def key_pair(seed):
    return ed25519_public(seed), seed


def sign(seed, context, *parts):
    return ed25519_sign(seed, context.encode() + b"\0" + b"".join(parts))


# ---- msgpack, the part that we use ------------------------------------------------------------


def pack(value):
    if value is None:
        return b"\xc0"
    if value is False:
        return b"\xc2"
    if value is True:
        return b"\xc3"
    if isinstance(value, int):
        for limit, form in ((0x80, ">B"), (1 << 8, ">BB"), (1 << 16, ">BH"), (1 << 32, ">BI"),
                            (1 << 64, ">BQ")):
            if value < limit:
                head = [{1 << 8: 0xCC, 1 << 16: 0xCD, 1 << 32: 0xCE, 1 << 64: 0xCF}[limit]] \
                    if limit > 0x80 else []
                return struct.pack(form, *head, value)
    if isinstance(value, bytes):
        size = len(value)
        head = struct.pack(">BB", 0xC4, size) if size < 1 << 8 else \
            struct.pack(">BH", 0xC5, size) if size < 1 << 16 else struct.pack(">BI", 0xC6, size)
        return head + value
    if isinstance(value, str):
        assert len(value) < 32
        return bytes([0xA0 | len(value)]) + value.encode()
    if isinstance(value, list):
        head = bytes([0x90 | len(value)]) if len(value) < 16 else struct.pack(">BH", 0xDC, len(value))
        return head + b"".join(map(pack, value))
    raise TypeError(value)


# ---- values to speak about ---------------------------------------------------------------------


def name(word, size):
    """Bytes that look random and are always the same."""
    return hashlib.blake2b(word.encode(), digest_size=size).digest()


U32, U64 = (1 << 32) - 1, (1 << 64) - 1
KIB = 1024
NONCE, USER, DEVICE, HASH = name("nonce", 32), name("user", 32), name("device", 16), name("hash", 32)
SIGN_PUBLIC, SIGN_SECRET = key_pair(name("seed of a device", 32))
LOG, SIGNATURE, MAILBOX = name("log", 16), name("signature", 64), name("mailbox", 16)
W1, W2, W3 = b"\x11" * 8, b"\x22" * 8, b"\x33" * 8
H8 = HASH[:8]


def number(value):
    return value if value < 1 << 53 else str(value)


# ---- frames --------------------------------------------------------------------------------------


def rows(*names):
    return lambda value: [dict(zip(names, map(plain, row))) for row in value]


def plain(value):
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return number(value)
    if isinstance(value, bytes):
        return text_of(value)
    return [plain(item) for item in value]


POSITIONS = rows("replica", "seq", "hash8")
FRAMES = {
    "HELLO": (1, ["min", "max", "features", "nonce", "user", "device", "roster_count"]),
    "CHALLENGE": (2, ["version", "features", "nonce", "time_ms", "roster_count", "roster_head", "log"]),
    "AUTH": (3, ["signature", "records"]),
    "WELCOME": (4, ["roster_count", "roster_head", "session"]),
    "SUB": (10, ["roster_count", "manifest", ("positions", POSITIONS)]),
    "WANT": (11, [("ranges", rows("replica", "from", "to"))]),
    "DELTA": (12, ["batches"]),
    "CAUGHT_UP": (13, [("positions", POSITIONS)]),
    "PUSH": (20, ["batches"]),
    "ACK": (21, [("ranges", rows("replica", "to"))]),
    "ROSTER_APPEND": (40, ["prev_head", "records"]),
    "ROSTER_RECORDS": (41, ["first_seq", "records"]),
    "ROSTER_DONE": (42, ["roster_count", "roster_head"]),
    "CHAINS": (43, ["device", "last", "pins"]),
    "PAIR": (45, ["step", "mailbox", "data"]),
    "CREDIT": (50, ["bytes"]),
    "PING": (60, ["reply", "token"]),
    "GOAWAY": (61, ["reason", "retry_ms"]),
    "ERROR": (62, ["code", "fatal", "retry_ms", "replica", "seq", "data"]),
    "PRESENCE": (63, ["others"]),
}


def frame(message, *values):
    return pack([FRAMES[message][0], *values])


def meaning(message, values):
    out = {"type": message}
    for field, value in zip(FRAMES[message][1], values):
        field, show = field if isinstance(field, tuple) else (field, plain)
        out[field] = show(value)
    return out


def frames():
    valid, invalid, seeds = [], [], {}

    def good(title, message, *values, seed=False):
        assert len(values) == len(FRAMES[message][1]), title
        data = frame(message, *values)
        valid.append({"name": title, "bytes": text_of(data), "frame": meaning(message, values)})
        if seed:
            seeds[message.lower()] = data

    def skipped(title, data):
        valid.append({"name": title, "bytes": text_of(data), "frame": {"type": "skip"}})

    def bad(title, data, status="malformed"):
        invalid.append({"name": title, "bytes": text_of(data), "status": status})

    zeros = bytes(32)
    good("a device says hello", "HELLO", 1, 1, 0, NONCE, USER, DEVICE, 7, seed=True)
    good("the root says hello, of an account it knows nothing of", "HELLO", 1, 3, U32, NONCE, USER,
         bytes(16), 0)
    good("a server that does not know the user", "CHALLENGE", 1, 0, NONCE, 1700000000000, 0, zeros, LOG)
    good("a server that knows the user", "CHALLENGE", U32, U32, NONCE, U64, 1024, HASH, LOG, seed=True)
    good("a signature alone", "AUTH", SIGNATURE, [], seed=True)
    good("a signature and the records that the server lacks", "AUTH", SIGNATURE,
         [b"\x01" * 200, b"\x02" * 300, b"\x03" * 300])
    good("as many bytes of records as a roster may have", "AUTH", SIGNATURE, [b"\x01" * 64 * KIB] * 7)
    good("welcome", "WELCOME", 3, HASH, 1, seed=True)
    good("a device that holds nothing", "SUB", 3, None, [])
    good("a device that holds two chains", "SUB", 3, None, [[W1, 1, H8], [W2, U64, H8]], seed=True)
    good("a manifest", "SUB", 3, HASH, [[W1, 23, H8]])
    good("sixteen chains, in any order", "SUB", 3, None,
         [[bytes([16 - i] * 8), i + 1, H8] for i in range(16)])
    good("the server lacks two ranges", "WANT", [[W1, 1, 1], [W2, 300, U64]], seed=True)
    good("the server lacks nothing", "WANT", [])
    good("one batch of a byte", "DELTA", [b"\x01"])
    good("batches of 255, 256, 65535 and 65536 bytes", "DELTA",
         [b"\x01" * 255, b"\x02" * 256, b"\x03" * 65535, b"\x04" * 65536])
    good("the largest batch", "DELTA", [b"\x05" * 256 * KIB])
    good("sixteen batches", "DELTA", [bytes([i]) * 200 for i in range(16)], seed=True)
    good("caught up with nothing", "CAUGHT_UP", [])
    good("caught up", "CAUGHT_UP", [[W1, 12, H8], [W2, 65536, H8]], seed=True)
    good("a push", "PUSH", [b"\x01" * 200], seed=True)
    good("an acknowledgement", "ACK", [[W1, 127], [W2, 128], [W3, U64]], seed=True)
    good("the first records", "ROSTER_APPEND", zeros, [b"\x01" * 200, b"\x02" * 300])
    good("one more record", "ROSTER_APPEND", HASH, [b"\x03" * 300], seed=True)
    good("a whole roster", "ROSTER_RECORDS", 0, [b"\x01" * 200, b"\x02" * 300], seed=True)
    good("the last record that a roster may have", "ROSTER_RECORDS", 1023, [b"\x01"])
    good("no records", "ROSTER_RECORDS", 1024, [])
    good("a roster that was appended to", "ROSTER_DONE", 4, HASH, seed=True)
    good("a question for the chains of a device", "CHAINS", DEVICE, 0, b"")
    good("two chains of a device", "CHAINS", DEVICE, U64, b"\x01" * 96, seed=True)
    good("as many chains as a user may have", "CHAINS", DEVICE, 1, b"\x02" * 48000)
    good("a mailbox is opened", "PAIR", 0, MAILBOX, b"")
    good("a new device asks", "PAIR", 1, MAILBOX, b"\x01" * 150, seed=True)
    good("the old device answers", "PAIR", 2, MAILBOX, b"\x02" * 20 * KIB)
    good("a mailbox is closed", "PAIR", 3, MAILBOX, b"")
    good("the least credit", "CREDIT", 1)
    good("the greatest credit", "CREDIT", 16 * KIB * KIB, seed=True)
    good("a ping", "PING", False, 0)
    good("its reply", "PING", True, U64, seed=True)
    good("going down for maintenance", "GOAWAY", 0, 5000, seed=True)
    good("gone elsewhere", "GOAWAY", 15, U32)
    good("an error about the connection", "ERROR", 1, True, 0, None, 0, b"")
    good("an error about a batch: the dependencies that are missing", "ERROR", 7, False, 0, W1, 12,
         W2 + struct.pack(">Q", 9) + HASH, seed=True)
    good("an error with the largest batch as evidence", "ERROR", 8, False, 0, W1, U64,
         b"\x07" * 256 * KIB)
    good("an error code of a later version", "ERROR", 4000, False, 1000, None, 0, b"")
    good("no other device is here", "PRESENCE", 0)
    good("three others are here", "PRESENCE", 3, seed=True)

    skipped("type 128", pack([128]))
    skipped("the greatest type", pack([U64, "text", [1, None, True, b"bytes"]]))
    skipped("arrays in arrays, four deep", pack([200, [[[1]]]]))
    skipped("an array of 1024 elements", pack([200, [b"\xaa\xbb"] * 1024]))
    skipped("as many values as a frame of this size may have", pack([200, *[0] * 23]))
    skipped("the largest frame", b"\x92\xcc\xc8\xc6" + struct.pack(">I", 512 * KIB - 8) +
            b"\0" * (512 * KIB - 8))
    seeds["skip"] = pack([200, "text", [1, None, True, b"bytes"]])

    # form
    bad("no bytes", b"")
    bad("a number alone", b"\x01")
    bad("bytes alone", pack(b"\x0c"))
    bad("an empty array", b"\x90")
    bad("a type that is text", pack(["HELLO"]))
    bad("a type that is nil", pack([None]))
    bad("a type that is negative", b"\x91\xff")
    for kind in (0, 5, 30, 34, 43, 64, 127):
        bad(f"unknown type {kind}", pack([kind, 1]))
    bad("a byte after the frame", frame("PRESENCE", 1) + b"\0")
    bad("two frames in one message", frame("PRESENCE", 1) * 2)
    bad("a field that is missing", pack([60, True]))
    bad("a field too many", pack([60, True, 1, 1]))
    bad("a frame cut short in an array", b"\x93\x3c\xc3")
    bad("a frame cut short in a number", b"\x93\x3c\xc3\xcd\x01")
    bad("a frame cut short in bytes", pack([20, [b"\x01" * 200]])[:-1])
    bad("an array of 2147483647 elements", b"\xdd\x7f\xff\xff\xff")
    bad("bytes of 4294967295", b"\x92\x0c\x91\xc6\xff\xff\xff\xff")
    bad("a type in two bytes that fits one", b"\x92\xcc\x3f\x01")
    bad("127 in two bytes", b"\x92\x3f\xcc\x7f")
    bad("255 in three bytes", b"\x92\x3f\xcd\x00\xff")
    bad("65535 in five bytes", b"\x92\x3f\xce\x00\x00\xff\xff")
    bad("4294967295 in nine bytes", b"\x93\x3c\xc3\xcf\0\0\0\0\xff\xff\xff\xff")
    bad("a signed number", b"\x92\x3f\xd0\x01")
    bad("a negative number", b"\x92\x3f\xe0")
    bad("two elements with a size in three bytes", b"\xdc\x00\x02\x3f\x01")
    bad("sixteen elements with a size in five bytes",
        b"\x92\xcc\xc8\xdd\0\0\0\x10" + bytes(16))
    bad("one byte with a size in two bytes", b"\x92\x0c\x91\xc5\x00\x01\x01")
    bad("256 bytes with a size in four bytes", b"\x92\x0c\x91\xc6\x00\x00\x01\x00" + bytes(256))
    bad("text of 31 bytes with a size in two", b"\x92\xcc\xc8\xd9\x1f" + b"a" * 31)
    for title, data in (("a 32-bit float", b"\xca\0\0\0\0"), ("a 64-bit float", b"\xcb" + bytes(8)),
                        ("an empty map", b"\x80"), ("a map", b"\x81\x01\x01"),
                        ("an extension", b"\xd4\x01\x01"), ("the byte that means nothing", b"\xc1")):
        bad(f"{title}, even where it would be skipped", b"\x92\xcc\xc8" + data)
    # limits of form
    bad("arrays five deep", pack([200, [[[[1]]]]]), "limit")
    bad("an empty array five deep", pack([200, [[[[]]]]]), "limit")
    bad("an array of 1025 elements", pack([200, [b"\xaa\xbb"] * 1025]), "limit")
    bad("a value more than a frame of this size may have", pack([200, *[0] * 24]), "limit")
    bad("more values than any frame may have",
        pack([200, *[[b"\xaa\xbb"] * 1000] * 5]), "limit")
    bad("a frame of 512 KiB and a byte", b"\x92\xcc\xc8\xc6" + struct.pack(">I", 512 * KIB - 7) +
        b"\0" * (512 * KIB - 7), "limit")
    # fields
    hello = [1, 1, 0, NONCE, USER, DEVICE, 0]

    def hello_with(index, value):
        return frame("HELLO", *hello[:index], value, *hello[index + 1:])

    bad("a version 0", hello_with(0, 0))
    bad("versions the wrong way round", frame("HELLO", 3, 2, *hello[2:]))
    bad("a number over 32 bits", hello_with(2, 1 << 32))
    bad("a nonce too short", hello_with(3, NONCE[:-1]))
    bad("a nonce too long", hello_with(3, NONCE + b"\0"))
    bad("text where bytes should be", hello_with(5, "sixteen letters."))
    bad("nil where bytes should be", hello_with(5, None))
    bad("a roster of 1025 records", hello_with(6, 1025), "limit")
    bad("a challenge of version 0", frame("CHALLENGE", 0, 0, NONCE, 0, 0, zeros, LOG))
    bad("a roster head too short", frame("CHALLENGE", 1, 0, NONCE, 0, 0, HASH[1:], LOG))
    bad("an empty record", frame("AUTH", SIGNATURE, [b""]))
    bad("a record that is not bytes", frame("AUTH", SIGNATURE, [1]))
    bad("records that are not an array", frame("AUTH", SIGNATURE, b"\x01"))
    bad("a record too large", frame("AUTH", SIGNATURE, [b"\x01" * (64 * KIB + 1)]), "limit")
    bad("records larger than a roster", frame("AUTH", SIGNATURE, [b"\x01" * 64 * KIB] * 7 + [b"\x01"]),
        "limit")
    bad("a welcome to a roster of 1025", frame("WELCOME", 1025, HASH, 1), "limit")
    bad("a position at 0", frame("SUB", 1, None, [[W1, 0, H8]]))
    bad("a position without its hash", frame("SUB", 1, None, [[W1, 1]]))
    bad("a position with more", frame("SUB", 1, None, [[W1, 1, H8, 0]]))
    bad("a position that is not an array", frame("SUB", 1, None, [1, 1, 1]))
    bad("a position with seven bytes of hash", frame("SUB", 1, None, [[W1, 1, H8[:7]]]))
    bad("a position of a replica of nine bytes", frame("SUB", 1, None, [[W1 + b"\0", 1, H8]]))
    bad("a manifest of 31 bytes", frame("SUB", 1, HASH[1:], []))
    bad("a manifest that is false", frame("SUB", 1, False, []))
    bad("a range from 0", frame("WANT", [[W1, 0, 1]]))
    bad("a range the wrong way round", frame("WANT", [[W1, 2, 1]]))
    bad("a range without an end", frame("WANT", [[W1, 2]]))
    bad("an acknowledgement of 0", frame("ACK", [[W1, 0]]))
    bad("an acknowledgement of a range", frame("ACK", [[W1, 1, 2]]))
    bad("a delta of nothing", frame("DELTA", []))
    bad("a push of nothing", frame("PUSH", []))
    bad("an empty batch", frame("PUSH", [b"\x01", b""]))
    bad("a batch as text", frame("PUSH", ["batch"]))
    bad("a batch too large", frame("PUSH", [b"\x01" * (256 * KIB + 1)]), "limit")
    bad("an append of nothing", frame("ROSTER_APPEND", HASH, []))
    bad("an append of 33 records", frame("ROSTER_APPEND", HASH, [b"\x01"] * 33), "limit")
    bad("a record after the last", frame("ROSTER_RECORDS", 1024, [b"\x01"]), "limit")
    bad("records from 1025 on", frame("ROSTER_RECORDS", 1025, []), "limit")
    bad("half a pin", frame("CHAINS", DEVICE, 1, b"\x01" * 24))
    bad("chains of more than a user may have", frame("CHAINS", DEVICE, 1, b"\x01" * 48048), "limit")
    bad("a pairing step that does not exist", frame("PAIR", 4, MAILBOX, b""))
    bad("a mailbox opened with data", frame("PAIR", 0, MAILBOX, b"\x01"))
    bad("a mailbox closed with data", frame("PAIR", 3, MAILBOX, b"\x01"))
    bad("a request of nothing", frame("PAIR", 1, MAILBOX, b""))
    bad("a reply of nothing", frame("PAIR", 2, MAILBOX, b""))
    bad("a pairing message too large", frame("PAIR", 1, MAILBOX, b"\x01" * (20 * KIB + 1)), "limit")
    bad("no credit", frame("CREDIT", 0))
    bad("too much credit", frame("CREDIT", 16 * KIB * KIB + 1), "limit")
    bad("a reply that is a number", frame("PING", 1, 1))
    bad("a token that is bytes", frame("PING", True, b"\x01"))
    bad("an error about a replica without a batch", frame("ERROR", 6, False, 0, W1, 0, b""))
    bad("an error about a batch without a replica", frame("ERROR", 6, False, 0, None, 1, b""))
    bad("an error with too much evidence",
        frame("ERROR", 8, False, 0, W1, 1, b"\x01" * (256 * KIB + 1)), "limit")
    bad("a crowd of more than 32 bits", frame("PRESENCE", 1 << 32))
    return {"authentication": authentication(), "valid": valid, "invalid": invalid}, seeds


def authentication():
    """What AUTH signs, and the signature by a device."""
    host = b"journal.example:8443"
    hello = frame("HELLO", 1, 1, 0, NONCE, USER, DEVICE, 3)
    challenge = frame("CHALLENGE", 1, 0, name("server nonce", 32), 1700000000000, 3, HASH, LOG)
    digest = h("quire/auth/1", host, b"\0", h("quire/hello/1", hello, challenge))
    return {"host": host.decode(), "hello": text_of(hello), "challenge": text_of(challenge),
            "digest": digest.hex(), "sign_public": SIGN_PUBLIC.hex(),
            "signature": sign(SIGN_SECRET, "quire/auth/1", digest).hex()}


# ---- batches --------------------------------------------------------------------------------------

OPS, CKPT, TOMB, MANIFEST, COPY, HEADS, VERDICT, KEY = 1, 2, 3, 4, 5, 6, 7, 8
KINDS = {OPS: "OPS", HEADS: "HEADS", MANIFEST: "MANIFEST", VERDICT: "VERDICT"}


def change_bytes(kind=OPS, entry=name("entry", 16), blobs=(), nonce=name("change nonce", 24),
                 ciphertext=name("ciphertext", 60) + b"\0" * 36, blob_count=None):
    blob_count = len(blobs) if blob_count is None else blob_count
    return (bytes([kind]) + entry + bytes([blob_count]) + b"".join(blobs) + nonce +
            struct.pack(">I", len(ciphertext)) + ciphertext)


HEADS_CHANGE = change_bytes(HEADS, bytes(16), (), bytes(24), b"")
ROSTER_HASH = name("roster hash", 32)


def batch(version=1, replica=W2, seq=1, device=DEVICE, roster_seq=2, epoch=1, caught_up_at=0, deps=(),
          dep_count=None, prev=None, changes=None, change_count=None):
    changes = [change_bytes()] if changes is None else changes
    prev = (bytes(32) if seq == 1 else HASH) if prev is None else prev
    head = (struct.pack(">B8sQ16sIIQB", version, replica, seq, device, roster_seq, epoch, caught_up_at,
                        len(deps) if dep_count is None else dep_count) +
            b"".join(w + struct.pack(">Q", s) + d for w, s, d in deps) +
            bytes([len(changes) if change_count is None else change_count]))
    content = h("quire/content/1", USER, ROSTER_HASH, head, *[h("quire/chhash/1", c) for c in changes])
    signed = h("quire/signed/1", prev, content)
    signature = sign(SIGN_SECRET, "quire/batsig/1", signed)
    return (head + prev + b"".join(changes) + signature, content, signed,
            h("quire/batch/1", signed, signature))


def batches():
    valid, invalid, seeds = [], [], {}

    def good(title, seed=None, **fields):
        data, content, signed, whole = batch(**fields)
        changes = fields.get("changes") or [change_bytes()]
        seq = fields.get("seq", 1)
        valid.append({
            "name": title, "bytes": text_of(data),
            "batch": {
                "version": fields.get("version", 1), "replica": text_of(fields.get("replica", W2)), "seq": number(seq),
                "device": text_of(DEVICE), "roster_seq": number(fields.get("roster_seq", 2)),
                "epoch": number(fields.get("epoch", 1)),
                "caught_up_at": number(fields.get("caught_up_at", 0)),
                "deps": [{"replica": text_of(w), "seq": number(s), "hash": text_of(d)}
                         for w, s, d in fields.get("deps", ())],
                "prev": text_of(bytes(32) if seq == 1 else HASH),
                "changes": [{"kind": KINDS[c[0]], "entry": text_of(c[1:17]), "nonce": text_of(c[18:42]),
                             "ciphertext": text_of(c[46:])} for c in changes],
                "signature": text_of(data[-64:]),
            },
            "content_hash": content.hex(), "signed_hash": signed.hex(), "hash": whole.hex(),
        })
        if seed:
            seeds[seed] = data

    def bad(title, status="malformed", **fields):
        raw = fields.pop("raw", None)
        data, _, signed, whole = batch(**fields)
        invalid.append({"name": title, "bytes": text_of(data if raw is None else raw), "status": status})
        if status == "unsupported":
            invalid[-1].update({"signed_hash": signed.hex(), "hash": whole.hex()})

    good("the first batch of a replica", seed="first")
    good("a later batch with dependencies", seed="later", seq=2, roster_seq=1023, epoch=3,
         caught_up_at=1700000000000, deps=[(W1, 1, HASH), (W3, U64, HASH)])
    good("the greatest numbers", seq=U64, roster_seq=U32, epoch=U32, caught_up_at=U64)
    good("nothing but dependencies", seed="heads", deps=[(W1, 5, HASH)], changes=[HEADS_CHANGE])
    good("nothing at all: a sign of life", seq=9, changes=[HEADS_CHANGE])
    good("three changes", seed="three", changes=[change_bytes(), change_bytes(ciphertext=b"\x01"),
                                                 change_bytes(entry=bytes(16))])
    good("32 dependencies", deps=[(bytes([3, i] * 4), i + 1, HASH) for i in range(32)])
    good("64 changes", changes=[change_bytes(ciphertext=bytes([i + 1])) for i in range(64)])
    good("the largest change", changes=[change_bytes(ciphertext=b"\x01" * 64 * KIB)])
    room = 256 * KIB - len(batch(changes=[])[0]) - 4 * 46
    good("the largest batch", changes=[change_bytes(ciphertext=b"\x01" * 64 * KIB)] * 3 +
         [change_bytes(ciphertext=b"\x02" * (room - 3 * 64 * KIB))])

    for kind in (MANIFEST, VERDICT):
        good(f"version 2: {KINDS[kind]}, in clear text", seed=KINDS[kind].lower(), version=2,
             changes=[change_bytes(kind, bytes(16), (), bytes(24), b"\x01" * 100)])

    whole = batch()[0]
    bad("no bytes", raw=b"")
    bad("version 0", version=0)
    for kind in (OPS, TOMB, KEY):
        bad(f"version 2, reserved kind {kind}", "unsupported", version=2, changes=[change_bytes(kind)])
    for kind in (0, CKPT, COPY, 9, 255):
        bad(f"version 2, unknown kind {kind}", version=2, changes=[change_bytes(kind)])
    bad("version 2, HEADS, which are of version 1", version=2, changes=[HEADS_CHANGE])
    for kind in (MANIFEST, VERDICT):
        alone = change_bytes(kind, bytes(16), (), bytes(24), b"\x01")
        bad(f"{KINDS[kind]} with an entry", version=2, changes=[change_bytes(kind, nonce=bytes(24))])
        bad(f"{KINDS[kind]} with a nonce", version=2, changes=[change_bytes(kind, entry=bytes(16))])
        bad(f"{KINDS[kind]} of nothing", version=2, changes=[alone[:42] + bytes(4)])
        bad(f"{KINDS[kind]}, not alone", version=2, changes=[alone, alone])
        bad(f"{KINDS[kind]} with a blob", "unsupported", version=2,
            changes=[change_bytes(kind, bytes(16), [HASH], bytes(24), b"\x01")])
    bad("version 3", "unsupported", version=3)
    bad("version 255 with unknown kinds and a blob", "unsupported", version=255,
        changes=[change_bytes(0), change_bytes(99, blobs=[HASH]), change_bytes(HEADS, ciphertext=b"")])
    bad("version 3, nine blobs", "limit", version=3, changes=[change_bytes(blobs=[HASH] * 9)])
    bad("version 3, no change", version=3, changes=[])
    bad("version 3, cut short", raw=batch(version=3)[0][:-1])
    bad("cut short by a byte", raw=whole[:-1])
    bad("without a signature", raw=whole[:-64])
    bad("cut short in its head", raw=whole[:40])
    bad("a byte after the signature", raw=whole + b"\0")
    bad("seq 0", seq=0, prev=bytes(32))
    bad("epoch 0", epoch=0)
    bad("written by the root", device=bytes(16))
    bad("a first batch with a batch before it", prev=HASH)
    bad("a second batch without one before it", seq=2, prev=bytes(32))
    bad("dependencies out of order", deps=[(W3, 1, HASH), (W1, 1, HASH)])
    bad("a dependency twice", deps=[(W1, 1, HASH), (W1, 2, HASH)])
    bad("a dependency on its own replica", deps=[(W1, 1, HASH), (W2, 1, HASH)])
    bad("a dependency at 0", deps=[(W1, 0, HASH)])
    bad("33 dependencies", "limit", deps=[(bytes([3, i] * 4), i + 1, HASH) for i in range(33)])
    bad("more dependencies announced than there are", dep_count=32)
    bad("no change", changes=[])
    bad("65 changes", "limit", changes=[change_bytes(ciphertext=b"\x01")] * 65)
    bad("more changes announced than there are", change_count=2)
    for kind in (0, 7, 255):
        bad(f"unknown kind {kind}", changes=[change_bytes(kind)])
    for kind in (CKPT, TOMB, MANIFEST, COPY):
        bad(f"reserved kind {kind}", "unsupported", changes=[change_bytes(kind)])
    bad("a blob", "unsupported", changes=[change_bytes(blobs=[HASH])])
    bad("nine blobs", "limit", changes=[change_bytes(blobs=[HASH] * 9)])
    bad("more blobs announced than there are bytes", changes=[change_bytes(blob_count=8)])
    bad("a change of nothing", changes=[change_bytes(ciphertext=b"")])
    bad("a change too large", "limit", changes=[change_bytes(ciphertext=b"\x01" * (64 * KIB + 1))])
    bad("a change that reaches beyond the batch", raw=batch(changes=[change_bytes()[:42] +
                                                                   b"\xff\xff\xff\xff"])[0])
    bad("dependencies alone, with an entry",
        changes=[change_bytes(HEADS, nonce=bytes(24), ciphertext=b"")])
    bad("dependencies alone, with a nonce",
        changes=[change_bytes(HEADS, entry=bytes(16), ciphertext=b"")])
    bad("dependencies alone, with content", changes=[change_bytes(HEADS, bytes(16), (), bytes(24), b"\x01")])
    bad("dependencies alone, not alone", changes=[HEADS_CHANGE, change_bytes()])
    bad("a batch too large", "limit", changes=[change_bytes(ciphertext=b"\x01" * 64 * KIB)] * 3 +
        [change_bytes(ciphertext=b"\x02" * (room + 1 - 3 * 64 * KIB))])
    return {"user": USER.hex(), "roster_hash": ROSTER_HASH.hex(), "sign_public": SIGN_PUBLIC.hex(),
            "valid": valid, "invalid": invalid}, seeds


# ---- records --------------------------------------------------------------------------------------

GENESIS, ADD, REVOKE, EPOCH = 1, 2, 3, 4
ROOT_PUBLIC, ROOT_SECRET = key_pair(name("seed of the root", 32))
RECOVERY, BOX, SALT = name("recovery", 32), name("box", 32), name("salt", 16)
SEALED_NAME, SEAL, WRAP = name("name", 52) * 2, name("seal", 40) * 2, name("wrap", 36) * 2
DEVICE_2 = name("device 2", 16)


def record(kind, body, seq=1, prev=None, signer=DEVICE, version=1, size=None):
    prev = (bytes(32) if seq == 0 else HASH) if prev is None else prev
    signed = (struct.pack(">BI32sB16sI", version, seq, prev, kind, signer,
                          len(body) if size is None else size) + body)
    whole = h("quire/roster/1", signed)
    secret = ROOT_SECRET if signer == bytes(16) else SIGN_SECRET
    return signed + sign(secret, "quire/rosig/1", whole), whole, h("quire/user/1", signed)


def pins_bytes(pins):
    return struct.pack(">H", len(pins)) + b"".join(w + struct.pack(">Q", s) + d for w, s, d in pins)


def epoch_body(epoch, wraps, seals, count=None):
    return (struct.pack(">I", epoch) + HASH + bytes([len(wraps)]) + b"".join(wraps) +
            bytes([len(seals) if count is None else count]) + b"".join(d + s for d, s in seals))


def records():
    valid, invalid, seeds = [], [], {}

    def good(title, seed, kind, body, shown, **fields):
        data, whole, user = record(kind, body, **fields)
        seq = fields.get("seq", 1)
        entry = {
            "name": title, "bytes": text_of(data),
            "record": {"seq": seq, "kind": {1: "GENESIS", 2: "ADD", 3: "REVOKE", 4: "EPOCH"}[kind],
                       "prev": text_of(bytes(32) if seq == 0 else HASH),
                       "signer": text_of(fields.get("signer", DEVICE)), **shown,
                       "signature": text_of(data[-64:])},
            "hash": whole.hex(),
        }
        if kind == GENESIS:
            entry["user"] = user.hex()
        valid.append(entry)
        if seed:
            seeds[seed] = data

    def bad(title, data, status="malformed"):
        invalid.append({"name": title, "bytes": text_of(data[0] if isinstance(data, tuple) else data),
                        "status": status})

    root = bytes(16)
    genesis = ROOT_PUBLIC + RECOVERY + SALT
    add = SIGN_PUBLIC + BOX + struct.pack(">I", 1) + SEALED_NAME + SEAL
    shown_add = {"sign_public": SIGN_PUBLIC.hex(), "box_public": BOX.hex(), "epoch": 1,
                 "name": SEALED_NAME.hex(), "seal": SEAL.hex()}
    good("the genesis", "genesis", GENESIS, genesis,
         {"root": ROOT_PUBLIC.hex(), "recovery": RECOVERY.hex(), "salt": SALT.hex()}, seq=0, signer=root)
    good("a device added by the root", "add", ADD, add, shown_add, seq=2, signer=root)
    good("a device added by a device, as the last record there may be", None, ADD, add, shown_add, seq=1023)

    def revoke(title, seed, pins, **fields):
        good(title, seed, REVOKE, DEVICE_2 + pins_bytes(pins),
             {"device": DEVICE_2.hex(),
              "pins": [{"replica": text_of(w), "seq": number(s), "hash": text_of(d)} for w, s, d in pins]},
             **fields)

    revoke("a device that wrote nothing is revoked", None, [], seq=5)
    revoke("a device that wrote two chains is revoked", "revoke", [(W1, 1, HASH), (W3, U64, HASH)], seq=5)
    many = [(struct.pack(">Q", i + 1), i + 1, b"\x77" * 32) for i in range(20)]
    revoke("twenty chains are pinned", None, many, seq=5, signer=root)

    def epoch(title, seed, value, wrap, seals, **fields):
        good(title, seed, EPOCH, epoch_body(value, [wrap] if wrap else [], seals),
             {"epoch": value, "commitment": HASH.hex(), "wrap": text_of(wrap) if wrap else None,
              "seals": [{"device": text_of(d), "seal": text_of(s)} for d, s in seals]}, **fields)

    seal_1 = [(root, SEAL)]
    ordered = sorted((DEVICE, DEVICE_2))
    epoch("the first epoch, for the recovery key alone", "epoch_1", 1, None, seal_1, signer=root)
    epoch("the second epoch, for two devices", "epoch_2", 2, WRAP,
          seal_1 + [(d, SEAL) for d in ordered], seq=6)
    devices_20 = [(bytes([i + 1] * 16), SEAL) for i in range(20)]
    epoch("an epoch for twenty devices", None, 7, WRAP, seal_1 + devices_20, seq=6)

    whole = record(ADD, add)[0]
    bad("no bytes", b"")
    bad("version 0", record(ADD, add, version=0))
    bad("version 2", record(ADD, add, version=2), "unsupported")
    bad("cut short by a byte", whole[:-1])
    bad("without a signature", whole[:-64])
    bad("a byte after the signature", whole + b"\0")
    bad("a body larger than the record", record(ADD, add, size=4096))
    bad("a body that ends early", record(ADD, add[:-1]))
    bad("a body that goes on", record(ADD, add + b"\0"))
    bad("a 1025th record", record(ADD, add, seq=1024), "limit")
    bad("a genesis that is not first", record(GENESIS, genesis, seq=1, signer=root))
    bad("a first record that is no genesis", record(ADD, add, seq=0, signer=root))
    bad("a genesis with a record before it", record(GENESIS, genesis, seq=0, prev=HASH, signer=root))
    bad("a later record without one before it", record(ADD, add, seq=2, prev=bytes(32)))
    bad("a genesis signed by a device", record(GENESIS, genesis, seq=0, signer=DEVICE))
    for kind in (0, 8, 255):
        bad(f"unknown kind {kind}", record(kind, b""))
    for kind in (5, 6, 7):
        bad(f"reserved kind {kind}", record(kind, b"\x01\x02"), "unsupported")
    bad("a device added in epoch 0", record(ADD, SIGN_PUBLIC + BOX + bytes(4) + SEALED_NAME + SEAL))
    bad("the root revoked", record(REVOKE, root + pins_bytes([])))
    bad("pins out of order", record(REVOKE, DEVICE_2 + pins_bytes([(W3, 1, HASH), (W1, 1, HASH)])))
    bad("a pin twice", record(REVOKE, DEVICE_2 + pins_bytes([(W1, 1, HASH), (W1, 1, HASH)])))
    bad("a pin at 0", record(REVOKE, DEVICE_2 + pins_bytes([(W1, 0, HASH)])))
    bad("fewer pins than announced", record(REVOKE, DEVICE_2 + b"\x00\x02" + pins_bytes([(W1, 1, HASH)])[2:]))
    bad("epoch 0", record(EPOCH, epoch_body(0, [], seal_1)))
    bad("the first epoch with a key before it", record(EPOCH, epoch_body(1, [WRAP], seal_1)))
    bad("a later epoch without the key before it", record(EPOCH, epoch_body(2, [], seal_1)))
    bad("an epoch with two keys before it", record(EPOCH, epoch_body(2, [WRAP, WRAP], seal_1)))
    bad("an epoch without seals", record(EPOCH, epoch_body(1, [], [])))
    bad("an epoch that recovery could not read", record(EPOCH, epoch_body(1, [], [(DEVICE, SEAL)])))
    bad("seals out of order",
        record(EPOCH, epoch_body(1, [], seal_1 + [(d, SEAL) for d in reversed(ordered)])))
    bad("a seal twice", record(EPOCH, epoch_body(1, [], seal_1 + [(DEVICE, SEAL)] * 2)))
    bad("fewer seals than announced", record(EPOCH, epoch_body(1, [], seal_1, count=2)))
    bad("22 seals", record(EPOCH, epoch_body(1, [], seal_1 + devices_20 + [(b"\xff" * 16, SEAL)])), "limit")
    bad("a record too large", record(ADD, add + b"\0" * 64 * KIB), "limit")
    return {"root_public": ROOT_PUBLIC.hex(), "sign_public": SIGN_PUBLIC.hex(),
            "valid": valid, "invalid": invalid}, seeds


# ---- files ------------------------------------------------------------------------------------------


def main():
    check = sys.argv[1:] == ["--check"]
    stale = []

    def put(path, data):
        if check:
            if not path.exists() or path.read_bytes() != data:
                stale.append(path.relative_to(ROOT))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    for file, folder, (content, seeds) in (("frames", "frame", frames()), ("batches", "batch", batches()),
                                           ("records", "record", records())):
        titles = [vector["name"] for vector in content["valid"] + content["invalid"]]
        assert len(titles) == len(set(titles)), f"{file}: a name twice"
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        put(VECTORS / f"{file}.json", text.encode())
        for seed, data in seeds.items():
            put(CORPUS / folder / seed, data)
    for path in stale:
        print(f"{path} is not what make_vectors.py writes", file=sys.stderr)
    sys.exit(1 if stale else 0)


main()
