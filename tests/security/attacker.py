"""What the attacks of this folder share: an account with real keys, frames, and an honest device beside
the attack, whose latency with and without it is printed.

The signatures are libsodium's, by ctypes: an attacker signs thousands of records.
"""
import ctypes
import ctypes.util
import hashlib
import json
import os
import struct
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
import server_harness  # noqa: E402
from server_harness import WebSocket  # noqa: E402

SODIUM = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
SODIUM.sodium_init()
LOAD = None  # the path of quire-load; set by run


def h(context, *parts):
    return hashlib.blake2b(context.encode() + b"\0" + b"".join(parts), digest_size=32).digest()


class Key:
    """An Ed25519 key pair."""

    def __init__(self):
        self.public = ctypes.create_string_buffer(32)
        self.secret = ctypes.create_string_buffer(64)
        SODIUM.crypto_sign_keypair(self.public, self.secret)
        self.public = self.public.raw

    def sign(self, context, message):
        signed = context.encode() + b"\0" + message
        out = ctypes.create_string_buffer(64)
        SODIUM.crypto_sign_detached(out, None, signed, ctypes.c_ulonglong(len(signed)), self.secret)
        return out.raw


class Account:
    """A roster as protocol/roster.md has it, of a root and one device or more."""

    def __init__(self, devices=1):
        self.root, self.records, self.hashes = Key(), [], []
        self.append(1, self.root.public + os.urandom(32) + os.urandom(16))
        self.user = h("quire/user/1", self.records[0][:-64])
        self.append(4, struct.pack(">I", 1) + os.urandom(32) + bytes([0, 1]) + bytes(16) + os.urandom(80))
        self.devices = [self.add() for _ in range(devices)]

    def append(self, kind, body, signer=bytes(16), key=None):
        prev = self.hashes[-1] if self.hashes else bytes(32)
        head = struct.pack(">BI", 1, len(self.records)) + prev + bytes([kind]) + signer + struct.pack(">I", len(body))
        self.hashes.append(h("quire/roster/1", head + body))
        self.records.append(head + body + (key or self.root).sign("quire/rosig/1", self.hashes[-1]))
        return self.records[-1]

    def add(self):
        key, box = Key(), os.urandom(32)
        self.append(2, key.public + box + struct.pack(">I", 1) + os.urandom(104) + os.urandom(80))
        return h("quire/device/1", key.public, box)[:16], key

    def revoke(self, device):
        return self.append(3, device + struct.pack(">H", 0))


# ---- frames --------------------------------------------------------------------------------------

def pack(value):
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        if value < 128:
            return bytes([value])
        for code, size, name in ((0xcc, 8, "B"), (0xcd, 16, "H"), (0xce, 32, "I"), (0xcf, 64, "Q")):
            if value < 1 << size:
                return bytes([code]) + struct.pack(">" + name, value)
    if isinstance(value, bytes):
        for code, size, name in ((0xc4, 8, "B"), (0xc5, 16, "H"), (0xc6, 32, "I")):
            if len(value) < 1 << size:
                return bytes([code]) + struct.pack(">" + name, len(value)) + value
    head = bytes([0x90 | len(value)]) if len(value) < 16 else b"\xdc" + struct.pack(">H", len(value))
    return head + b"".join(pack(one) for one in value)


def unpack(data):
    def one(at):
        code = data[at]
        if code < 0x80:
            return code, at + 1
        if code in (0xc0, 0xc2, 0xc3):
            return {0xc0: None, 0xc2: False, 0xc3: True}[code], at + 1
        if 0xcc <= code <= 0xcf:
            size = 1 << code - 0xcc
            return int.from_bytes(data[at + 1:at + 1 + size], "big"), at + 1 + size
        if 0xc4 <= code <= 0xc6:
            width = 1 << code - 0xc4
            size = int.from_bytes(data[at + 1:at + 1 + width], "big")
            return data[at + 1 + width:at + 1 + width + size], at + 1 + width + size
        count, at = (code & 15, at + 1) if code >> 4 == 9 else (int.from_bytes(data[at + 1:at + 3], "big"), at + 3)
        items = []
        for _ in range(count):
            item, at = one(at)
            items.append(item)
        return items, at
    return one(0)[0]


ERROR, WELCOME, CHALLENGE = 62, 4, 2
CODES = {3: "auth", 11: "rate", 14: "overloaded", 17: "unknown_user", 18: "registration", 19: "unknown_device"}


class Session(WebSocket):
    """A WebSocket that speaks frames."""

    def say(self, *frame):
        self.send(pack(list(frame)))

    def hear(self):
        message = self.receive()
        return None if message is None else unpack(message)

    def hear_of(self, kind):
        """The next frame of that type, or ERROR, or None when it is closed."""
        while True:
            frame = self.hear()
            if frame is None or frame[0] in (kind, ERROR):
                return frame

    def hello(self, account, device=0, count=None):
        """HELLO; keeps both frames for AUTH's signature. The answer."""
        self.account, self.key = account, account.root if device is None else account.devices[device][1]
        name = bytes(16) if device is None else account.devices[device][0]
        self.said = pack([1, 1, 1, 0, os.urandom(32), account.user, name,
            len(account.records) if count is None else count])
        self.send(self.said)
        message = self.receive()
        self.heard = message
        return None if message is None else unpack(message)

    def auth(self, records=(), host="localhost", key=None):
        """AUTH; the answer is left to hear_of(WELCOME)."""
        digest = h("quire/auth/1", host.encode() + b"\0" + h("quire/hello/1", self.said, self.heard))
        self.say(3, (key or self.key).sign("quire/auth/1", digest), list(records))

    def login(self, account, device=0):
        """HELLO to WELCOME with what the server lacks; the frame, or ERROR."""
        challenge = self.hello(account, device)
        if challenge is None or challenge[0] == ERROR:
            return challenge
        self.auth(account.records[challenge[5]:])
        return self.hear_of(WELCOME)


def session(server, **options):
    return Session(server, **options)


def logged_in(server, account, device=0):
    one = session(server)
    frame = one.login(account, device)
    assert frame is not None and frame[0] == WELCOME, frame
    return one


# ---- an honest device beside the attack ----------------------------------------------------------

def honest(server, seconds=4, seed=1):
    """Latency of honest pushes in ms, from when each was due: {p50_ms, p99_ms, …}."""
    users, rate = 8, 32
    result = subprocess.run([LOAD, "--server", f"127.0.0.1:{server.port}", "--users", str(users), "--devices", "1",
        "--pushes", str(rate * seconds // users), "--rate", str(rate), "--seed", str(seed)],
        capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, (result.stdout, result.stderr, server.log()[-2000:])
    return json.loads(result.stdout)


def beside(server, name, attack, threads=1):
    """Runs `attack(stop)` over and over in threads while honest devices push; prints and returns both."""
    alone = honest(server, seed=1)
    stop, errors, rounds = threading.Event(), [], [0]

    def work():
        while not stop.is_set():
            try:
                attack(stop)
                rounds[0] += 1
            except (OSError, AssertionError, ConnectionError) as error:  # refused: that is the point
                errors.append(error)
                stop.wait(0.05)
    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        under = honest(server, seed=2)
    finally:
        stop.set()
        for worker in workers:
            worker.join(20)
    print(f"# {name}: honest p50 {alone['p50_ms']:.1f} → {under['p50_ms']:.1f} ms, p99 {alone['p99_ms']:.1f} → "
        f"{under['p99_ms']:.1f} ms; {rounds[0]} rounds of the attack, {len(errors)} refused", flush=True)
    # Generous: two cores may be shared with other programs.
    assert under["acknowledged"] == under["of"], under
    assert under["p99_ms"] < 3000 + 20 * alone["p99_ms"], (alone, under)
    return alone, under


def run(names, arguments):
    global LOAD
    LOAD = arguments[2]
    server_harness.run(names, arguments)
