#!/usr/bin/env python3
"""A sync comes to its end, whatever the server does: speaks halfway and dies, or talks and does nothing.

A relay stands between quire and a real quired (without TLS, on loopback), and counts the frames that
the server sends: some pass, then the line is cut or nothing passes any more.
"""
import json
import socket
import struct
import threading
import time

from harness import Failed, Skip, World, main, test

OFFLINE = 3
SLACK = 4  # seconds: a process begins and ends within it, also where others use the machine
PRESENCE = bytes([0x82, 3, 0x92, 63, 1])  # a whole WebSocket message: one other device is connected


class Relay:
    """Each connection passes `frames` frames of the server; then `after`: "cut", "mute" or "chatter"."""

    def __init__(self, target, frames, after):
        self.target, self.frames, self.after = target, frames, after
        self.connections = 0
        self.ended = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self.accept, daemon=True)]
        self.threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *rest):
        self.ended.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(10)

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.create_connection(("127.0.0.1", self.target))
            for part in (client, server):
                part.settimeout(30)
            for work in (self.up, self.down):
                thread = threading.Thread(target=work, args=(client, server), daemon=True)
                self.threads.append(thread)
                thread.start()

    def up(self, client, server):
        try:
            while part := client.recv(65536):
                server.sendall(part)
        except OSError:
            pass
        server.close()

    def down(self, client, server):
        def exactly(size):
            data = b""
            while len(data) < size:
                part = server.recv(size - len(data))
                if not part:
                    raise ConnectionError
                data += part
            return data

        def frame():
            head = exactly(2)
            size = head[1] & 0x7f
            rest = exactly({126: 2, 127: 8}.get(size, 0))
            size = struct.unpack(">H" if size == 126 else ">Q", rest)[0] if rest else size
            return head + rest + exactly(size)
        try:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += exactly(1)
            client.sendall(head)
            for _ in range(self.frames):
                client.sendall(frame())
            while self.after != "cut" and not self.ended.wait(0.1):
                if self.after == "chatter":
                    client.sendall(PRESENCE)
        except OSError:
            pass
        for part in (client, server):
            try:
                part.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            part.close()


def times_out(device, *arguments):
    """The seconds until it gave up, as it should, and what it said."""
    started = time.monotonic()
    try:
        out = device.run(*arguments, seconds=40)
    except Failed as failure:
        assert failure.code == OFFLINE, failure
        return time.monotonic() - started, failure.err or failure.out
    raise AssertionError(f"quire {arguments} succeeded: {out}")


def with_relay(world, server, frames, after, device):
    relay = Relay(server.port, frames, after)
    device.run("server", f"ws://{relay.address}")
    return relay


def replica(world):
    server = world.server(tls=False)
    device = world.device("phone", server).init()
    device.sync()
    device.write("not on the server yet")
    return server, device


@test
def a_server_that_speaks_halfway_and_dies_again_and_again_does_not_keep_a_sync():
    for frames in (1, 2):  # dies after its CHALLENGE; after its WELCOME
        with World() as world:
            server, device = replica(world)
            with with_relay(world, server, frames, "cut", device) as relay:
                seconds, said = times_out(device, "sync", "--timeout", "4")
                assert relay.connections >= 3, f"{relay.connections} connections"
                assert seconds < 4 + SLACK, f"gave up after {seconds:.1f} s: {said}"
            assert "Not on the server yet: 1 " in said and "safe on this machine" in said, said


@test
def a_server_that_talks_and_does_nothing_does_not_keep_a_sync():
    with World() as world:
        server, device = replica(world)
        with with_relay(world, server, 2, "chatter", device):
            seconds, said = times_out(device, "sync", "--timeout", "3")
            assert 2.9 < seconds < 3 + SLACK, f"gave up after {seconds:.1f} s: {said}"
            assert "Not on the server yet: 1 " in said and "safe on this machine" in said, said
            seconds, said = times_out(device, "pair", "--timeout", "2")
            assert seconds < 2 + SLACK, f"gave up after {seconds:.1f} s: {said}"
        # What was not sent is still here, and goes as soon as the server does what it should.
        device.run("server", server.url)
        device.sync()
        assert device.status()["unsealed"] + device.status()["unacknowledged"] == 0


@test
def a_server_may_be_named():
    try:
        socket.getaddrinfo("localhost", 1)
    except OSError:
        raise Skip("this machine knows no name, not even localhost")
    with World() as world:
        server = world.server()
        device = world.device("phone", server).init()
        device.write("by name")
        device.run("server", f"wss://localhost:{server.port}", "--fingerprint", server.fingerprint)
        device.sync()
        assert device.status()["unacknowledged"] == 0


@test
def a_name_that_leads_nowhere_is_said():
    with World() as world:
        _, device = replica(world)
        device.run("server", "wss://no-such-name.invalid:7433")
        seconds, said = times_out(device, "sync", "--deadline", "5")
        assert "safe on this machine" in said and ("cannot be looked up" in said or "deadline" in said), said
        assert seconds < 5 + SLACK, f"gave up after {seconds:.1f} s: {said}"


@test
def the_deadline_ends_a_sync_whatever_its_timeout_is():
    with World() as world:
        server, device = replica(world)
        with with_relay(world, server, 2, "mute", device):
            seconds, said = times_out(device, "sync", "--timeout", "30", "--deadline", "1")
            assert seconds < 1 + SLACK, f"gave up after {seconds:.1f} s: {said}"
            assert "deadline" in said and "safe on this machine" in said, said
            _, said = times_out(device, "sync", "--deadline", "1", "--json")
            error = json.loads(said)["error"]
            assert error["exit"] == OFFLINE and error["status"] == "io", said


main()
