#!/usr/bin/env python3
"""The account on the command line: who is meant, what a command's own result is, and what can be acknowledged."""
import json
import os
import signal
import socket
import subprocess
import threading
import time

from harness import SERVER_BEHIND, Failed, World, main, programs, test, until
from terminal import Terminal

FAILED, USAGE, OFFLINE, REFUSED = 1, 2, 3, 4


def refused(device, *arguments, code=FAILED, **options):
    try:
        out = device.run(*arguments, **options)
    except Failed as failure:
        assert failure.code == code, failure
        return failure.out + failure.err
    raise AssertionError(f"{arguments} succeeded: {out}")


def ids(device):
    return {row["name"]: row["id"] for row in device.json("devices")["devices"]}


@test
def a_name_and_an_id_that_mean_two_devices_revoke_neither():
    with World() as world:
        server = world.server(tls=False)
        laptop, phone = world.phone_and_laptop(server)
        thief = world.device("thief", server)
        thief.name = ids(laptop)["laptop"][:8]  # it calls itself as the start of another's id
        thief.join(laptop)
        laptop.sync()
        victim = ids(laptop)["laptop"]
        said = refused(laptop, "revoke", victim[:8])
        assert "more than one device" in said and victim[:8] in said and ids(laptop)[thief.name][:8] in said, said
        assert all(row["active"] for row in laptop.json("devices")["devices"])
        assert laptop.json("revoke", f"name:{victim[:8]}")["revoked"] == ids(laptop)[thief.name]
        rows = {row["id"]: row["active"] for row in laptop.json("devices")["devices"]}
        assert rows[victim] and not rows[ids(laptop)[thief.name]]


@test
def revoke_shows_the_device_and_asks_on_a_terminal():
    with World() as world:
        server = world.server(tls=False)
        phone, laptop = world.phone_and_laptop(server)
        phone.sync()
        for answer, status, active in (("n\n", FAILED, True), ("\n", FAILED, True), ("y\n", 0, False)):
            with Terminal(phone, "revoke", "laptop") as terminal:
                terminal.expect(ids(phone)["laptop"][:8] + "  laptop")
                terminal.expect("Revoke this device?")
                terminal.type(answer)
                shown = terminal.end()
                assert terminal.status == status, shown
            assert [row["active"] for row in phone.json("devices")["devices"] if row["name"] == "laptop"] == [active]


@test
def the_pairing_code_need_not_stand_on_a_command_line():
    with World() as world:
        server = world.server(tls=False)
        phone = world.device("phone", server).init()
        phone.write("here before")
        laptop = world.device("laptop", server)
        pairing = phone.start("pair", "--json")
        code = json.loads(pairing.stdout.readline())["code"]
        with Terminal(laptop, "join", "--name", "laptop", "--server", server.url) as terminal:
            terminal.expect("Pairing code (it is not shown): ")
            assert not terminal.echoes()
            terminal.type(code + "\n")
            shown = terminal.end()
            assert terminal.status == 0 and "1 entry is here now" in shown and code not in shown, shown
        assert pairing.wait(20) == 0
        tablet = world.device("tablet", server)
        pairing = phone.start("pair", "--json")
        code = json.loads(pairing.stdout.readline())["code"]
        tablet.run("join", "--name", "tablet", "--server", server.url, stdin=code + "\n")
        assert pairing.wait(20) == 0 and len(tablet.entries()) == 1
        try:
            phone.run("pair", "--timeout", "2")
        except Failed as failure:
            assert f"quire join --server {server.url}\n" in failure.out, failure.out


class Cutting:
    """A port that passes connections on to a server, and cuts them once enough has come from it."""

    def __init__(self, target, budget):
        self.target, self.budget = target, budget
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        while True:
            try:
                near = self.listener.accept()[0]
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.target))
            threading.Thread(target=self.carry, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self.carry, args=(far, near, True), daemon=True).start()

    def carry(self, source, sink, counted):
        try:
            while data := source.recv(4096):
                if counted:
                    self.budget -= len(data)
                    if self.budget < 0:
                        break
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


@test
def a_join_whose_first_sync_breaks_off_says_that_it_has_joined():
    with World() as world:
        server = world.server(tls=False)
        phone = world.device("phone", server).init()
        for number in range(30):
            phone.write(f"{number} " + os.urandom(12000).hex())
        phone.sync()
        laptop = world.device("laptop", server)
        pairing = phone.start("pair", "--json")
        code = json.loads(pairing.stdout.readline())["code"]
        cutting = Cutting(server.port, 120_000)
        said = refused(laptop, "join", code, "--name", "laptop", "--server", f"ws://127.0.0.1:{cutting.port}",
            "--timeout", "4", code=OFFLINE)
        assert "has joined the account" in said and "quire sync" in said, said
        pairing.wait(30)
        cutting.listener.close()
        laptop.run("server", server.url)
        laptop.sync()
        assert len(laptop.entries()) == 30


@test
def warnings_can_be_acknowledged_and_come_back_when_they_are_raised_again():
    with World() as world:
        server = world.server(tls=False)
        device = world.device("laptop", server).init()
        device.write("kept")
        device.sync()
        def lose():
            server.stop()
            for path in server.folder.rglob("*.mdb*"):
                path.unlink()
            server.start()
            device.sync()
        lose()
        assert device.alarms().get(SERVER_BEHIND, 0) > 0 or device.alarms(), device.status()
        assert "warning" in device.run("status")
        assert "warning" not in device.run("status", "--acknowledge")
        assert "warning" not in device.run("status")
        row = device.status()["alarms"][0]
        assert row["acknowledged"] == row["count"]
        device.write("another")
        device.sync()
        lose()
        assert device.status()["alarms"][0]["count"] > row["count"] and "warning" in device.run("status")


main()
