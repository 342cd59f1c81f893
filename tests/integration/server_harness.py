"""What the process tests of the server share: a quired of one's own, raw sockets, WebSocket frames.

A test file ends with `run(globals(), sys.argv)`; each function whose name begins with `test_` is a
test and its name, read as a sentence, what it proves. Output is TAP. usage: FILE QUIRED
"""
import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import traceback

import default_signals

default_signals.restore()
QUIRED = None  # set by run


class Server:
    """A quired in a folder of its own; `with Server() as server:` ends it and looks at how it ended."""

    def __init__(self, *arguments, data=None, tls=False, environment=None, preexec=None, expect=0,
            listen="127.0.0.1:0", stderr=None):
        self.data = data or tempfile.mkdtemp(prefix="quired-test-")
        self.own_data = data is None
        self.expect = expect
        command = [QUIRED, *(["--listen", listen] if listen else []), "--data", self.data, *arguments]
        if not tls:
            command.append("--no-tls")
        self.tls = tls
        self.preamble = b""  # what each connection begins with, as a proxy's does
        self.log_path = tempfile.mkstemp(prefix="quired-log-")[1]
        with open(self.log_path, "w") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr or log, text=True,
                env={**os.environ, **(environment or {})}, preexec_fn=lambda: (default_signals(), preexec and preexec()))
        line = self.process.stdout.readline()
        self.ready = dict(part.split("=", 1) for part in line.split()[2:]) if line.startswith("quired ready ") else None
        self.port = int(self.ready["url"].rsplit(":", 1)[1].split("/")[0]) if self.ready else None

    def __enter__(self):
        assert self.ready, f"quired did not get ready: {self.log()}"
        return self

    def __exit__(self, kind, *rest):
        code = self.stop()
        if kind is None and self.expect is not None:
            assert code == self.expect, f"quired ended with {code}: {self.log()}"

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.process.stdout.close()
        if self.own_data:
            shutil.rmtree(self.data, ignore_errors=True)
        return code

    def log(self):
        with open(self.log_path) as log:
            return log.read()

    def connect(self, timeout=10):
        raw = socket.create_connection(("127.0.0.1", self.port), timeout)
        raw.sendall(self.preamble)
        if not self.tls:
            return raw
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context.wrap_socket(raw)

    def request(self, text, timeout=10):
        """The whole answer to a raw request, as text."""
        with self.connect(timeout) as connection:
            connection.sendall(text.encode("latin-1"))
            return read_all(connection).decode("latin-1")

    def health(self):
        answer = self.request("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head, body = answer.split("\r\n\r\n", 1)
        return {"http": int(head.split()[1]), **json.loads(body)}

    def websocket(self, timeout=10, **headers):
        return WebSocket(self, timeout, **headers)

    def memory_kb(self, field="VmRSS"):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(field + ":"))

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            parts = stat.read().rsplit(")", 1)[1].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def default_signals():
    """The dispositions that the tests rely on, whatever this process inherited (as under nohup)."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)


def read_all(connection):
    parts = []
    with contextlib.suppress(ConnectionError, TimeoutError, ssl.SSLError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def upgrade_request(host="localhost", path="/quire", method="GET", **changes):
    """A good upgrade; changes replace headers (underscores for dashes), None leaves one out."""
    headers = {"Host": host, "Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": base64.b64encode(os.urandom(16)).decode(), "Sec_WebSocket_Protocol": "quire.1"}
    headers.update(changes)
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join(lines) + "\r\n\r\n"


def status_of(answer):
    """The number of the status line; 0 if the connection ended without an answer."""
    return int(answer.split()[1]) if answer.startswith("HTTP/1.1 ") else 0


class WebSocket:
    """Just enough of RFC 6455: binary messages, close frames, and wrong things if asked to."""

    def __init__(self, server, timeout=10, **headers):
        self.socket = server.connect(timeout)
        self.socket.sendall(upgrade_request(**headers).encode())
        head = b""
        while b"\r\n\r\n" not in head:
            part = self.socket.recv(4096)
            assert part, f"no upgrade: {head!r}"
            head += part
        head, self.rest = head.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 101"), head
        assert b"sec-websocket-extensions" not in head.lower(), "an extension was agreed on"
        self.closed_with = None

    def __enter__(self):
        return self

    def __exit__(self, *rest):
        self.socket.close()

    def send(self, payload, opcode=2, final=True):
        size = len(payload)
        head = bytes([opcode | (0x80 if final else 0)])
        if size < 126:
            head += bytes([0x80 | size])
        elif size < 65536:
            head += bytes([0x80 | 126]) + struct.pack(">H", size)
        else:
            head += bytes([0x80 | 127]) + struct.pack(">Q", size)
        self.socket.sendall(head + bytes(4) + payload)  # a mask of zeros

    def exactly(self, size):
        while len(self.rest) < size:
            part = self.socket.recv(65536)
            if not part:
                raise ConnectionError("ended")
            self.rest += part
        data, self.rest = self.rest[:size], self.rest[size:]
        return data

    def receive(self):
        """The next binary message; None when the connection was closed."""
        try:
            while True:
                first, second = self.exactly(2)
                size = second & 0x7f
                if size == 126:
                    size = struct.unpack(">H", self.exactly(2))[0]
                elif size == 127:
                    size = struct.unpack(">Q", self.exactly(8))[0]
                payload = self.exactly(size)
                if first & 0x0f == 8:
                    self.closed_with = struct.unpack(">H", payload[:2])[0] if size >= 2 else 1005
                    return None
                if first & 0x0f == 2:
                    return payload
        except (ConnectionError, ssl.SSLError):
            return None

    def until_closed(self):
        """Reads to the end; the messages."""
        messages = []
        while (message := self.receive()) is not None:
            messages.append(message)
        return messages


def hello(user=bytes(32), device=bytes(16), roster_count=0):
    """HELLO as protocol/frames.md has it."""
    return (bytes([0x98, 1, 1, 1, 0, 0xc4, 32]) + os.urandom(32) + bytes([0xc4, 32]) + user
        + bytes([0xc4, 16]) + device + bytes([roster_count]))


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def run(names, arguments):
    global QUIRED
    QUIRED = arguments[1]
    tests = [(name, test) for name, test in names.items() if name.startswith("test_")]
    print(f"1..{len(tests)}", flush=True)
    failures = 0
    for number, (name, test) in enumerate(tests, 1):
        sentence = name[5:].replace("_", " ")
        try:
            test()
            print(f"ok {number} - {sentence}", flush=True)
        except Exception:
            failures += 1
            print("".join("# " + line + "\n" for line in traceback.format_exc().splitlines()), end="")
            print(f"not ok {number} - {sentence}", flush=True)
    sys.exit(1 if failures else 0)
