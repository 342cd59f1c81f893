#!/usr/bin/env python3
"""Writes protocol/vectors/history.json and the fuzz seeds made of it, from protocol/ alone.

    make_history_vectors.py            writes the files
    make_history_vectors.py --check    fails if a file differs from what would be written
    make_history_vectors.py --pinned   writes, and fails if a number of the description is in no vector
"""
import hashlib
import heapq
import json
import pathlib
import struct
import sys
import zlib

import deflate as deflating
import primitives
from deflate import deflate

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
STATE_MAX, RATIO = 64 << 20, 16


def name(word, size):
    """Bytes that look random and are always the same."""
    out = b""
    while len(out) < size:
        out += hashlib.blake2b(f"{word} {len(out)}".encode()).digest()
    return out[:size]


def pieces(*parts):
    """Bytes, or (bytes, times), as vectors write them, and what they stand for."""
    parts = [part if isinstance(part, tuple) else (part, 1) for part in parts]
    text = " ".join(data.hex() + (f"*{times}" if times > 1 else "") for data, times in parts)
    return text, b"".join(data * times for data, times in parts)


# ---- deflate --------------------------------------------------------------------------------------

PROSE = b"It was raining, it rained the whole day, and the day after it was raining again. "


def bits(text):
    """A stream bit by bit, spaces left out, filled up with zeros."""
    text = text.replace(" ", "")
    text += "0" * (-len(text) % 8)
    return bytes(int(text[i:i + 8][::-1], 2) for i in range(0, len(text), 8))


def number(value, count):
    return format(value, f"0{count}b")[::-1]


def stored(data, inverse=None, final=1):
    return bytes([final]) + struct.pack("<HH", len(data), (~len(data) & 0xffff) if inverse is None else inverse) + data


def dynamic(hlit, hdist, lengths, rest):
    """A block whose code of code lengths is `lengths`, in the order of the format."""
    return bits("1 01 " + number(hlit - 257, 5) + number(hdist - 1, 5) + number(len(lengths) - 4, 4) +
                "".join(number(n, 3) for n in lengths) + rest)


def spread(*counts):
    """Letter i as often as counts[i] says, in an order that looks random."""
    letters = [i for i, count in enumerate(counts) for _ in range(count)]
    return bytes(letter for _, letter in sorted((name(f"spread {i}", 8), letter) for i, letter in enumerate(letters)))


def long_matches(size):
    """A match of `size` bytes, and one letter on another of 80."""
    text = name("long", 81)
    return text[:size], name("between", 20), text[1:], name("more", 20), text


def candidate(number):
    """The longest match is at that candidate."""
    return b"abcX1", b"".join(bytes([97, 98, 99, 128 + i, i % 7, 250 - i]) for i in range(number - 1)), b"abcX1"


FIBONACCI = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89]


def check_pinned(vectors):
    """Each number of the description, one more or one less, changes a vector."""
    for constant in ("WINDOW", "CANDIDATES", "SHORT", "LONG_ENOUGH", "TOKENS", "MATCH", "BITS"):
        was = getattr(deflating, constant)
        for value in (was - 1, was + 1) if constant != "BITS" else (was - 1,):
            setattr(deflating, constant, value)
            assert any(deflate(plain) != made for plain, made in vectors), f"{constant} {value}: no vector changes"
        setattr(deflating, constant, was)


def deflate_vectors():
    out, pinned = [], []
    for title, *parts in (
            ("nothing", b""),
            ("a letter", b"a"),
            ("three bytes that repeat", b"abcabc"),
            ("a match of 258 bytes, and its overlap", b"x", (b"ab", 400)),
            ("no match of three bytes beyond 4,096 bytes", b"xyz", (name("a", 61), 67), b"xyz!", b"xyz"),
            ("a longer match one letter on is taken", b"abc bcdefgh abcdefgh"),
            ("prose", PROSE * 9),
            ("all bytes", bytes(range(256)), bytes(range(256))),
            ("a distance of 32,768 bytes", name("far", 10), (b"\0", 32758), name("far", 10)),
            ("a distance of 32,769 bytes is too far", name("far", 10), (b"\0", 32759), name("far", 10)),
            ("a match of three bytes at a distance of 4,096", b"xyz", name("short", 4093), b"xyz"),
            ("a match of three bytes at a distance of 4,097", b"xyz", name("short", 4094), b"xyz"),
            ("the last candidate", *candidate(64)),
            ("one candidate too many", *candidate(65)),
            ("a match of 63 bytes, and a longer one behind it", *long_matches(63)),
            ("a match of 64 bytes, and a longer one behind it", *long_matches(64)),
            ("a code with the longest codes", spread(*FIBONACCI, *[321] * 50)),
            ("two blocks", name("literals", 17000)),
            ("a match over the end of a block", name("literals", 16380), name("literals", 40))):
        text, plain = pieces(*parts)
        made = deflate(plain)
        assert zlib.decompress(made, -15) == plain, title
        pinned.append((plain, made))
        shown = {"deflated": made.hex()} if len(made) < 4096 else \
            {"deflated_size": len(made), "deflated_hash": hashlib.blake2b(made, digest_size=32).hexdigest()}
        out.append({"name": title, "plain": text, **shown})
    if "--pinned" in sys.argv:
        check_pinned(pinned)
    return out


def code_vectors():
    out = []
    for title, limit, counts in (
            ("no symbol", 15, [0, 0, 0]), ("one symbol, the first", 15, [9, 0, 0]), ("one symbol, the last", 15, [0, 0, 9]),
            ("equal counts", 15, [1] * 5), ("equal counts, and a limit that just fits", 3, [7] * 8),
            ("one that is far more frequent", 15, [1, 1, 1000000, 1]),
            ("a leaf and a package of the same weight", 15, [1, 1, 2, 2, 4]),
            ("Fibonacci's, longer than 15 bits", 15, [2584, 1597, 987, 610, 377, 233, 144, 89, 55, 34, 21, 13, 8, 5, 3, 2, 1, 1]),
            ("Fibonacci's, longer than 7 bits", 7, [1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144]),
            ("of two powers, longer than 15 bits", 15, [1 << i for i in range(19)]),
            ("all of a code", 15, [1 + i * i * 7919 % 1000 for i in range(286)])):
        lengths = deflating.code_lengths(list(counts), limit)
        assert max(lengths) <= limit and sum(2.0 ** -n for n in lengths if n) == 1, title
        out.append({"name": title, "limit": limit, "counts": counts, "lengths": lengths})
    return out


def other(data, *args):
    made = zlib.compressobj(*args)
    return made.compress(data) + made.flush()


def inflate_vectors():
    """Of other programs, and what must be refused."""
    prose = PROSE * 3
    good = other(prose, 9, zlib.DEFLATED, -15)
    one_distance = dynamic(257, 1, [0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], "")
    out = []

    def add(title, data, size, status=None, plain=None):
        vector = {"name": title, "deflated": data.hex(), "size": size}
        out.append({**vector, **({"status": status} if status else {"plain": plain.hex()})})

    add("stored", stored(b"as it is"), 8, plain=b"as it is")
    add("stored, of nothing", stored(b""), 0, plain=b"")
    add("two stored blocks", stored(b"as ", final=0) + stored(b"it is"), 8, plain=b"as it is")
    add("fixed codes", other(prose, 9, zlib.DEFLATED, -15, 9, zlib.Z_FIXED), len(prose), plain=prose)
    add("codes of its own", good, len(prose), plain=prose)
    add("letters alone", other(prose, 9, zlib.DEFLATED, -15, 9, zlib.Z_HUFFMAN_ONLY), len(prose), plain=prose)
    add("16 times as large", deflate(b"a" * 160), 160, plain=b"a" * 160) if len(deflate(b"a" * 160)) == 10 else None
    for n in range(0, len(good), 7):
        add(f"cut short after {n} bytes", good[:n], min(len(prose), RATIO * n), "malformed")
    add("a byte after the end", good + b"\0", len(prose), "malformed")
    add("a byte fewer than there are", good, len(prose) - 1, "malformed")
    add("a byte more than there are", good, len(prose) + 1, "malformed")
    add("bits after the end", bits("1 10 0000000 1"), 0, "malformed")
    add("a block of the fourth type", bits("1 11 0000000000"), 0, "malformed")
    add("stored, with a wrong size", stored(b"as it is", 0), 8, "malformed")
    add("stored, cut short", stored(b"as it is")[:-1], 8, "malformed")
    add("a distance to before the beginning", bits("1 10 00110001 0000001 00010 0000000"), 4, "malformed")
    add("a distance code that means nothing", bits("1 10 00110001 0000001 01111 0000000"), 4, "malformed")
    add("a length code that means nothing", bits("1 10 00110001 11000110 00000 0000000"), 4, "malformed")
    add("287 codes of literals", dynamic(287, 1, [1, 1, 0, 0], "0" * 60), 0, "malformed")
    add("31 codes of distances", dynamic(257, 31, [1, 1, 0, 0], "0" * 60), 0, "malformed")
    add("code lengths that are too many", dynamic(257, 1, [1, 1, 1, 0], "0" * 60), 0, "malformed")
    add("code lengths that leave bits without a meaning", dynamic(257, 1, [2, 2, 2, 0], "0" * 60), 0, "malformed")
    add("a repetition of nothing", dynamic(257, 1, [1, 1, 0, 0], "0" * 60), 0, "malformed")
    add("a repetition beyond the last length", dynamic(257, 1, [0, 0, 1, 1], ("0 " + "1111111") * 2 + "0"), 0,
        "malformed")
    add("no code for the end", one_distance, 0, "malformed")
    add("no bytes", b"", 0, "malformed")
    add("more than 16 times as large", other(b"a" * 10000, 9, zlib.DEFLATED, -15), 10000, "limit")
    add("one byte more than 16 times as large", good, RATIO * len(good) + 1, "limit")
    add("larger than a state may be", good, STATE_MAX + 1, "limit")
    return out


# ---- objects --------------------------------------------------------------------------------------

USER, KEY, ENTRY, EPOCH = name("user", 32), name("epoch key", 32), name("entry", 16), 7


def tagged(context, *parts):
    return b"\0".join([context.encode(), b"".join(parts)])


def keyed(key, context, *parts, size=32):
    return hashlib.blake2b(tagged(context, *parts), key=key, digest_size=size).digest()


def padme(size):
    exponent = size.bit_length() - 1
    step = 1 << exponent - exponent.bit_length()
    return (size + step - 1) // step * step


def packed(state, codec=None, plain=None, data=None):
    made = deflate(state)
    smaller = len(made) < len(state) <= RATIO * len(made)
    codec = (1 if smaller else 0) if codec is None else codec
    data = (made if codec == 1 else state) if data is None else data
    return struct.pack(">BII", codec, len(state) if plain is None else plain, len(data)) + data


def padded(text):
    return text + bytes(padme(max(256, len(text))) - len(text))


def sealed(text, form=1, secret=bytes(8), epoch=EPOCH, entry=ENTRY, user=USER, nonce=None):
    place = user + entry + struct.pack(">I", epoch)
    key = keyed(keyed(KEY, "quire/entry/1", entry), "quire/object/1")
    nonce = keyed(key, "quire/objnonce/1", place, text, size=24) if nonce is None else nonce
    return (bytes([form]) + secret + struct.pack(">I", epoch) + nonce +
            primitives.aead_encrypt(key, nonce, tagged("quire/object/1", place), text))


def address(data):
    return hashlib.blake2b(tagged("quire/address/1", data), digest_size=32).digest()


def object_vectors():
    out = []

    def add(title, data, state=None, status=None, **fields):
        out.append({"name": title, "object": data.hex(), **({"status": status} if status else
                    {"state": state.hex(), "address": address(data).hex()}), **fields})

    documents = json.loads((ROOT / "protocol" / "vectors" / "document.json").read_text())
    state = max((bytes.fromhex(v["state"]) for v in documents["valid"] if "state" in v), key=len)
    add("an entry's state", sealed(padded(packed(state))), state)
    add("a short state, plain", sealed(padded(packed(b"short"))), b"short")
    add("prose, deflated", sealed(padded(packed(PROSE * 9))), PROSE * 9)
    noise = name("noise", 600)
    add("what deflate does not make smaller", sealed(padded(packed(noise))), noise)
    add("what deflate makes more than 16 times smaller", sealed(padded(packed(b"a" * 1000))), b"a" * 1000)
    add("of another deflate", sealed(padded(packed(PROSE, 1, data=other(PROSE, 1, zlib.DEFLATED, -15)))), PROSE,
        again=False)
    add("plain where deflate is smaller", sealed(padded(packed(PROSE * 9, 0))), PROSE * 9, again=False)

    good, text = sealed(padded(packed(PROSE))), padded(packed(PROSE))
    add("no bytes", b"", status="malformed")
    add("cut short in the head", good[:20], status="malformed")
    add("308 bytes", good[:308], status="malformed")
    add("form 0", b"\0" + good[1:], status="malformed")
    add("form 2", b"\2" + good[1:], status="unsupported")
    add("a secret", sealed(text, secret=b"\1" * 8), status="unsupported")
    add("a byte flipped", good[:-20] + bytes([good[-20] ^ 1]) + good[-19:], status="crypto")
    add("of another entry", sealed(text, entry=name("another entry", 16)), status="crypto")
    add("of another user", sealed(text, user=name("another user", 32)), status="crypto")
    add("a nonce that is not the text's", sealed(text, nonce=name("nonce", 24)), status="crypto")
    add("of an epoch without a key", good[:9] + struct.pack(">I", 8) + good[13:], status="no key")
    add("codec 2", sealed(padded(packed(PROSE, 2))), status="unsupported")
    add("more bytes announced than there are", sealed(padded(packed(PROSE)[:5] + struct.pack(">I", 9999))),
        status="malformed")
    add("plain, of another size", sealed(padded(packed(PROSE, 0, plain=len(PROSE) + 1))), status="malformed")
    add("deflated, of another size", sealed(padded(packed(PROSE, 1, plain=len(PROSE) + 1))), status="malformed")
    add("not deflate", sealed(padded(packed(PROSE, 1, data=PROSE))), status="malformed")
    add("padded too far", sealed(packed(PROSE * 9) + bytes(500)), status="malformed")
    add("padded with something", sealed(text[:-1] + b"\1"), status="malformed")
    add("a state of more than 64 MiB", sealed(padded(packed(PROSE, 1, plain=STATE_MAX + 1))), status="limit")
    add("a state of more than 16 times its size", sealed(padded(packed(b"a" * 10000, 1))), status="limit")
    return {"user": USER.hex(), "key": KEY.hex(), "entry": ENTRY.hex(), "epoch": EPOCH, "objects": out}


# ---- canonical order ------------------------------------------------------------------------------


def canonical(batches):
    """Indices of batches: each behind those that it waits for, else the least (replica, seq)."""
    places = {(replica, seq): i for i, (replica, seq, _) in enumerate(batches)}
    waits, followers = {}, {i: [] for i in range(len(batches))}
    for i, (replica, seq, deps) in enumerate(batches):
        dependencies = [places[place] for place in [(replica, seq - 1), *deps] if place in places]
        waits[i] = len(dependencies)
        for dep in dependencies:
            followers[dep].append(i)
    ready = [(batches[i][:2], i) for i in waits if waits[i] == 0]
    heapq.heapify(ready)
    out = []
    while ready:
        _, i = heapq.heappop(ready)
        out.append(i)
        for follower in followers[i]:
            waits[follower] -= 1
            if waits[follower] == 0:
                heapq.heappush(ready, (batches[follower][:2], follower))
    assert len(out) == len(batches)
    return out


def order_vectors():
    out = []
    for number, size in enumerate((1, 2, 5, 12, 40, 120)):
        replicas, draw, drawn = [name(f"replica {i}", 8) for i in range(2 + size // 10)], name(f"draw {number}", 8000), 0

        def below(limit):
            nonlocal drawn
            drawn += 2
            return int.from_bytes(draw[drawn - 2:drawn], "big") % limit

        # each replica begins above a settled cut
        heads = {replica: below(3) * below(1000) for replica in replicas}
        settled, batches = dict(heads), []
        for _ in range(size):
            replica = replicas[below(len(replicas))]
            heads[replica] += 1
            deps = [(other, heads[other] - below(3)) for other in replicas if other != replica and below(3) == 0]
            batches.append((replica, heads[replica], sorted(dep for dep in deps if dep[1] > 0)))
        batches = [batches[i] for _, i in sorted((name(f"mix {number} {i}", 8), i) for i in range(size))]
        assert all(seq > settled[replica] for replica, seq, _ in batches)
        out.append({"name": f"{size} batches", "batches": [
            {"replica": replica.hex(), "seq": seq, "deps": [{"replica": r.hex(), "seq": s} for r, s in deps]}
            for replica, seq, deps in batches], "order": canonical(batches)})
    return out


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

    content = {"codes": code_vectors(), "deflate": deflate_vectors(), "inflate": inflate_vectors(), "orders": order_vectors(), **object_vectors()}
    for group, vectors in content.items():
        if not isinstance(vectors, list):
            continue
        titles = [vector["name"] for vector in vectors]
        assert len(titles) == len(set(titles)), f"{group}: a name twice"
    put(ROOT / "protocol" / "vectors" / "history.json",
        (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
    for i, vector in enumerate(v for v in content["inflate"] if v["size"] <= STATE_MAX):
        if "plain" in vector or i % 5 == 0:
            put(CORPUS / "inflate" / f"{i:02}", struct.pack(">I", vector["size"]) + bytes.fromhex(vector["deflated"]))
    for path in stale:
        print(f"{path} is not what make_history_vectors.py writes", file=sys.stderr)
    sys.exit(1 if stale else 0)


main()
