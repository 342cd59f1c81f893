#!/usr/bin/env python3
"""A connection that breaks: after any byte in either direction, or on a slow line that loses time.

A proxy on loopback stands between quire and quired. It counts the bytes of each direction and ends
both sockets after the chosen one, once. A device whose handshake was cut says that it is offline, one
that was connected dials again within the same command; in the end everything has come over, once. QUIRE_CUTS says how many offsets are tried (spread over the whole conversation, with
fresh ones in each run; QUIRE_SEED repeats a run).
"""
import os
import selectors
import socket
import threading
import time

from harness import Failed, World, dice, main, test

CUTS = int(os.environ.get("QUIRE_CUTS", 48))
ACCOUNTS = 8
OFFLINE = 3  # exit status: no connection was made


class Proxy:
    """Passes bytes on between a client and the server; see `cut` and `delay_s`."""

    def __init__(self, port):
        self.target, self.listener = port, socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.cut = None  # (direction, bytes): 0 from the client, 1 from the server; None again once it was done
        self.delay_s = 0  # each piece waits so long, one way
        self.piece = 65536  # bytes that are passed on at once
        self.rewrite = None  # (these bytes of the client, those instead)
        self.passed = [0, 0]  # of the last connection
        self.ended = False
        threading.Thread(target=self.serve, daemon=True).start()

    def close(self):
        self.ended = True
        self.listener.close()

    def serve(self):
        while not self.ended:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client):
        passed = self.passed = [0, 0]
        with client, socket.create_connection(("127.0.0.1", self.target)) as server, selectors.DefaultSelector() as ready:
            for direction, (end, other) in enumerate([(client, server), (server, client)]):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                ready.register(end, selectors.EVENT_READ, (direction, other))
            while True:
                for key, _ in ready.select():
                    direction, other = key.data
                    room = self.piece
                    if self.cut and self.cut[0] == direction:
                        room = min(room, self.cut[1] - passed[direction])
                    try:
                        data = key.fileobj.recv(room)
                        if self.rewrite and direction == 0:
                            data = data.replace(*self.rewrite)
                        if self.delay_s:
                            time.sleep(self.delay_s)
                        other.sendall(data)
                    except OSError:
                        return
                    if not data:
                        return
                    passed[direction] += len(data)
                    if self.cut and self.cut[0] == direction and passed[direction] >= self.cut[1]:
                        self.cut = None
                        return


class Through:
    """The server as devices know it: with the proxy's port."""

    def __init__(self, server, proxy):
        self.fingerprint, self.url = server.fingerprint, server.url.replace(str(server.port), str(proxy.port))


def conversation(world, tls):
    """A phone behind the proxy, a laptop that is not; one sync of the phone has passed, and was counted."""
    server = world.server(tls=tls)
    proxy = Proxy(server.port)
    phone = world.device("phone", Through(server, proxy)).init()
    laptop = world.device("laptop", server)
    laptop.join(phone)
    phone.write("so that there is something to say")
    laptop.write("and to hear")
    laptop.sync()
    phone.sync()
    return proxy, phone, laptop, list(proxy.passed)


def cut_at(tls, offsets_of, report):
    """One account whose phone is cut once in each sync; then everything is on both devices, once."""
    with World() as world:
        proxy, phone, laptop, sizes = conversation(world, tls)
        written, cut = {}, 0
        offsets = offsets_of(sizes)
        for number, (direction, offset) in enumerate(offsets):
            mine, theirs = f"phone {number}", f"laptop {number}"
            written[phone.write(mine)], written[laptop.write(theirs)] = mine, theirs
            laptop.sync()
            proxy.cut = (direction, offset)
            try:
                phone.sync()
            except Failed as failure:
                assert failure.code == OFFLINE, f"cut after byte {offset} of way {direction}: {failure}"
            cut += proxy.cut is None
        proxy.cut = None
        phone.sync()
        laptop.sync()
        for device in (phone, laptop):
            texts = device.texts()
            missing = {entry: text for entry, text in written.items() if texts.get(entry) != text}
            assert not missing, f"{device.name} lacks {missing}"
            assert len(texts) == len(written) + 2, "nothing came twice"
            assert device.alarms() == {}, f"a broken line is no reason for an alarm: {device.alarms()}"
        report.append((cut, len(offsets)))


def cut_everywhere(tls):
    """Several accounts at once: what takes time is that a device waits before it dials again."""
    random = dice(default=time.time_ns() % 100000)
    places = [(number % 2, (number + random.random()) / CUTS) for number in range(CUTS)]
    report, errors = [], []

    def guarded(share):
        try:
            cut_at(tls, lambda sizes: [(way, 1 + int(part * (sizes[way] - 1))) for way, part in share], report)
        except Exception as error:
            errors.append(error)
    threads = [threading.Thread(target=guarded, args=(places[first::ACCOUNTS],)) for first in range(ACCOUNTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    cut, tried = sum(row[0] for row in report), sum(row[1] for row in report)
    print(f"# {cut} cut of {tried}")
    assert cut >= tried * 3 / 4, "most cuts fell behind the end of the conversation"


@test
def a_sync_that_is_cut_after_any_byte_loses_nothing():
    cut_everywhere(tls=False)


@test
def a_sync_over_tls_that_is_cut_after_any_byte_loses_nothing():
    cut_everywhere(tls=True)


@test
def a_hundred_entries_come_over_a_slow_line_in_small_pieces():
    with World() as world:
        proxy, phone, laptop, _ = conversation(world, tls=True)
        for number in range(100):
            laptop.write(f"entry {number}")
        laptop.sync()
        proxy.delay_s, proxy.piece = 0.005, 1400
        started = time.monotonic()
        phone.sync()
        print(f"# {time.monotonic() - started:.2f} s, {proxy.passed} bytes, 5 ms a piece of 1,400")
        assert len(phone.texts()) == 102


@test
def a_proxy_that_changes_the_host_is_named_with_both_names():
    with World() as world:
        server = world.server(tls=False)
        proxy = Proxy(server.port)
        through = Through(server, proxy)
        phone = world.device("phone", server).init()
        phone.sync()
        phone.run("server", through.url)
        entry = phone.write("kept here")
        for seen in (b"127.0.0.1", b"localhost:7433"):
            proxy.rewrite = (f"127.0.0.1:{proxy.port}".encode(), seen)
            try:
                phone.sync()
                raise AssertionError("the server took another Host than the device signed")
            except Failed as failure:
                assert f"dialled 127.0.0.1:{proxy.port}, and the server saw the Host header {seen.decode()}:" in failure.err, failure.err
        assert phone.show(entry) == "kept here"
        proxy.rewrite = None
        phone.sync()
        proxy.close()


main()
