#!/usr/bin/env python3
"""The quire command with a real server: first contact, following, pairing that fails."""
import json
import signal
import threading

from harness import Failed, World, main, test, until

FAILED, USAGE, OFFLINE, REFUSED = 1, 2, 3, 4


def refused(code, device, *arguments, **options):
    try:
        out = device.run(*arguments, **options)
    except Failed as failure:
        assert failure.code == code, f"exit {failure.code} instead of {code}: {failure}"
        return failure.out + failure.err
    raise AssertionError(f"quire {arguments} succeeded: {out}")


class Follower:
    """quire sync --follow --json, and what it has told so far."""

    def __init__(self, device):
        self.process = device.start("sync", "--follow", "--json")
        self.told = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.told.append(json.loads(line))

    def wait_for(self, event, since=0, **fields):
        def found():
            return any(row["event"] == event and fields.items() <= row.items() for row in self.told[since:])
        until(found, what=f"{event} {fields} in {self.told}")

    def stop(self, with_signal=signal.SIGTERM):
        self.process.send_signal(with_signal)
        code = self.process.wait(20)
        self.reader.join(20)
        self.process.stdin.close()
        self.process.stdout.close()
        return code


@test
def a_server_met_for_the_first_time_is_trusted_only_when_asked_to():
    with World() as world:
        server = world.server()
        device = world.device("phone", server)
        device.run("init", "--server", server.url)
        entry = device.run("write", "private").strip()
        said = refused(REFUSED, device, "sync")
        assert server.fingerprint in said and "Nothing was sent" in said, said
        assert device.json("server")["fingerprint"] is None
        device.run("sync", "--trust-first-use")
        assert device.json("server")["fingerprint"] == server.fingerprint
        device.run("sync")
        device.run("server", server.url, "--fingerprint", "ab" * 32)
        said = refused(REFUSED, device, "sync", "--trust-first-use")
        assert "not the pinned one" in said, said
        assert device.json("server")["fingerprint"] == "ab" * 32, "a pin is never replaced by itself"
        assert device.run("show", entry, "--text") == "private"


@test
def loopback_needs_no_tls():
    with World() as world:
        server = world.server(tls=False)
        device = world.device("phone", server)
        device.run("init", "--server", server.url)
        device.run("write", "plain line, sealed text")
        device.run("sync")
        assert device.json("status")["unacknowledged"] == 0


@test
def who_follows_sees_what_others_write_and_lets_others_write():
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        follower = Follower(laptop)
        follower.wait_for("caught_up")
        for number in range(4):
            mine = laptop.run("write", f"mine {number}").strip()
            until(lambda: phone.run("sync") and mine in phone.run("list", "--json"), what="the laptop's entry")
            theirs = phone.run("write", f"theirs {number}").strip()
            phone.run("sync")
            follower.wait_for("entry", id=theirs)
            assert laptop.run("show", theirs, "--text") == f"theirs {number}"
        assert len(phone.json("list")["entries"]) == 8
        assert follower.process.poll() is None
        assert follower.stop(signal.SIGINT) == 0


@test
def who_follows_comes_back_when_the_server_does():
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        follower = Follower(laptop)
        follower.wait_for("caught_up")
        for end in (server.kill, server.stop):
            before = len(follower.told)
            end()
            follower.wait_for("offline", before)
            entry = laptop.run("write", "while the server is away").strip()
            server.start()
            follower.wait_for("online", before)
            until(lambda: phone.run("sync") and entry in phone.run("list", "--json"), what="the entry")
        assert follower.stop() == 0


@test
def who_stops_following_leaves_nothing_unsent():
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        follower = Follower(laptop)
        follower.wait_for("caught_up")
        entry = laptop.run("write", "last words").strip()
        until(lambda: not (laptop.profile / "inbox").exists(), what="the follower to take in what was written")
        assert follower.stop() == 0
        status = laptop.json("status")
        if status["unsealed"]:  # stopped before it was back: then sync is what sends it
            laptop.run("sync")
        phone.run("sync")
        assert phone.run("show", entry, "--text") == "last words"


@test
def many_short_commands_go_on_with_one_chain():
    with World() as world:
        server = world.server()
        phone, _ = world.phone_and_laptop(server)
        before = phone.json("status")["chains"]
        for number in range(12):
            phone.run("write", f"note {number}")
            phone.run("sync")
        assert phone.json("status")["chains"] <= before + 1
        for record in (phone.home / "run").rglob("*.replica"):
            record.unlink()  # as after a reboot
        phone.run("write", "after a reboot")
        phone.run("sync")
        assert phone.json("status")["chains"] == before + 2


@test
def pairing_that_fails_changes_nothing():
    with World() as world:
        server = world.server()
        phone = world.device("phone", server)
        phone.init()
        laptop = world.device("laptop", server)
        where = ["--server", server.url, "--fingerprint", server.fingerprint]
        assert "No device used the code" in refused(OFFLINE, phone, "pair", "--timeout", "1")
        refused(FAILED, laptop, "join", "0000-0000-0000-0000-0000", *where)
        assert not laptop.profile.exists()
        shown = phone.start("pair", "--json")
        code = json.loads(shown.stdout.readline())["code"]
        wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
        assert "no device shows this code" in refused(FAILED, laptop, "join", wrong, *where)
        assert not laptop.profile.exists()
        laptop.run("pair", *code.lower().split("-"), "--name", "laptop", *where)
        assert shown.wait(20) == 0
        refused(FAILED, laptop, "join", code, *where)  # it has a profile now
        assert {row["name"] for row in laptop.json("devices")["devices"]} == {"phone", "laptop"}
        other = world.device("other", server)
        refused(FAILED, other, "join", code, *where)  # a code is good once
        assert not other.profile.exists()


@test
def the_kit_can_revoke_every_other_device():
    with World() as world:
        server = world.server()
        phone = world.device("phone", server)
        phone.init()
        entry = phone.run("write", "-", stdin="It rained.\n").strip()
        phone.run("sync")
        found = world.device("found", server)
        found.run("recover", "--revoke-others", "--name", "found", "--server", server.url, "--fingerprint",
            server.fingerprint, stdin=phone.kit)
        assert found.run("show", entry, "--text") == "It rained.\n"
        assert {row["name"]: row["active"] for row in found.json("devices")["devices"]} == \
            {"phone": False, "found": True}
        assert "This device was revoked" in refused(REFUSED, phone, "sync")
        assert found.json("status")["roster_fullness"] < 5


@test
def a_long_journal_arrives_whole():
    with World() as world:
        server = world.server("--pushes-per-second", "100000", "--pushes-burst", "1000000")
        phone = world.device("phone", server)
        phone.init()
        large = phone.run("write", "-", stdin="A long day. 🌧\n" * 30000).strip()
        script = "".join(f"[0,0,\"{number} \"]\n" for number in range(3000))
        typed = phone.json("type", "new", stdin=script)["entry"]
        phone.run("sync")
        found = world.device("found", server)
        kit = f" {phone.kit[:34].lower()} \n{phone.kit[35:]}\n"  # as copied from the two lines that init prints
        found.run("recover", "--server", server.url, "--fingerprint", server.fingerprint, stdin=kit)
        for entry in (large, typed):
            assert found.run("show", entry, "--text") == phone.run("show", entry, "--text")
        phone.run("sync")  # it learns of the new device
        assert found.json("status")["words"] == phone.json("status")["words"]


main()
