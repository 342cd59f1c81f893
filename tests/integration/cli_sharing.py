#!/usr/bin/env python3
"""Several commands on one profile: readers wait for nothing, and writing never waits for the network."""
import os
import signal
import socket
import subprocess
import threading
import time

from harness import Failed, Skip, World, main, programs, test, until

FAILED, USAGE, OFFLINE = 1, 2, 3


class Journal:
    """A world with one device that has an account."""

    def __enter__(self):
        self.world = World()
        device = self.world.device("laptop", None)
        device.run("init", "--name", "laptop")
        return device

    def __exit__(self, *error):
        self.world.__exit__(*error)


class Silent:
    """A port that takes connections and never says a word."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.taken = []
        threading.Thread(target=self.take, daemon=True).start()
        return self

    def take(self):
        try:
            while True:
                self.taken.append(self.listener.accept()[0])
        except OSError:
            pass

    def __exit__(self, *error):
        self.listener.close()
        for connection in self.taken:
            connection.close()


def write(device, text, *options, **more):
    return device.run("write", *options, "-", stdin=text, **more).strip()


def texts(device):
    return sorted(device.texts().values())


def holding(device):
    """A command that holds the profile until its input ends."""
    held = device.start("type", "new", "--ack", "--save-every", "0")
    held.stdin.write('[0, 0, "held"]\n')
    held.stdin.flush()
    assert held.stdout.readline() == "1\n"
    return held


@test
def readers_take_no_lock_and_see_what_is_saved():
    with Journal() as device:
        entry = write(device, "a word to find", "--title", "T")
        held = holding(device)
        started = time.monotonic()
        for arguments in (["list"], ["search", "find"], ["show", entry], ["status"], ["history", entry], ["devices"],
                ["diff", entry, "now"], ["server"], ["drafts"]):
            device.run(*arguments, "--lock-wait", "0")
        assert "held" in device.run("list") and "a word to find" in device.run("show", entry)
        assert time.monotonic() - started < 8
        held.stdin.close()
        assert held.wait(20) == 0


@test
def a_read_only_disk_can_be_read():
    with Journal() as device:
        entry = write(device, "a word to find")
        home = str(device.home)
        wrapper = ["unshare", "-rm", "sh", "-c", f"mount --bind '{home}' '{home}' && mount -o remount,ro,bind '{home}'"
            ' || exit 77; exec "$0" "$@"']
        if subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode:
            raise Skip("no mount name space can be had here")
        for arguments, wanted in ((["list"], "a word to find"), (["search", "find"], entry[:8]),
                (["show", entry], "a word to find"), (["status"], "state digest"), (["history", entry], "")):
            assert wanted in device.run(*arguments, wrapper=wrapper), arguments
        try:
            device.run("edit", entry, "-", stdin="new", wrapper=wrapper)
            raise AssertionError("it was written")
        except Failed as failure:
            assert failure.code == FAILED and "Read-only" in failure.err and "hanged" in failure.err, failure
        assert device.show(entry) == "a word to find"


@test
def a_search_that_must_index_first_needs_no_lock_either():
    with Journal() as device:
        long = write(device, "needle " + "hay " * 10000)  # too long for its words to be gathered at once
        held = holding(device)
        for _ in range(2):
            assert [row["entry"] for row in device.json("search", "needle", "--lock-wait", "0")["entries"]] == [long]
        held.stdin.close()
        assert held.wait(20) == 0


@test
def writing_does_not_wait_for_a_process_that_keeps_the_profile():
    with Journal() as device:
        old = write(device, "old text", "--tag", "a")
        gone = write(device, "to be deleted")
        held = holding(device)
        new = write(device, "piped while it is held", "--title", "New", "--lock-wait", "0")
        device.run("edit", old, "--insert", "0", "very ", "--tag", "b", "--lock-wait", "0")
        device.run("edit", old, "--insert", "0", "very ", "--lock-wait", "0")
        device.run("delete", gone, "--lock-wait", "0")
        names = [path.name for path in (device.profile / "inbox").iterdir()]
        assert len(names) == 4 and all(b"piped" not in path.read_bytes() for path in (device.profile / "inbox").iterdir())
        seen = device.json("show", old, "--lock-wait", "0")
        assert seen["text"] == "very very old text" and seen["tags"] == ["a", "b"], seen
        assert texts(device) == ["held", "piped while it is held", "very very old text"]
        assert [row["entry"] for row in device.json("search", "piped")["entries"]] == [new]
        held.send_signal(signal.SIGKILL)
        held.wait()
        device.run("server")  # still only reads
        assert len(list((device.profile / "inbox").iterdir())) == 4
        write(device, "the next writer takes them in")
        assert not (device.profile / "inbox").exists()
        assert texts(device) == ["held", "piped while it is held", "the next writer takes them in", "very very old text"]
        assert device.json("show", new)["title"] == "New"
        assert [row["length"] for row in device.json("history", old)["versions"]][-1:] == [8]


@test
def a_damaged_file_in_the_inbox_is_left_alone():
    with Journal() as device:
        held = holding(device)
        entry = write(device, "good", "--lock-wait", "0")
        inbox = device.profile / "inbox"
        (inbox / "0000000000000000").write_bytes(b"\x01nonsense")
        (inbox / "0000000000000001").write_bytes(next(path for path in inbox.iterdir() if path.stat().st_size > 60).read_bytes())
        (inbox / "README").write_text("not ours")
        held.stdin.close()
        assert held.wait(20) == 0
        write(device, "next")
        assert device.show(entry) == "good"
        assert sorted(path.name for path in inbox.iterdir()) == ["0000000000000000", "0000000000000001", "README"]


@test
def writing_and_reading_never_wait_for_the_network():
    with Journal() as device, Silent() as silent:
        old = write(device, "old")
        device.run("server", f"ws://127.0.0.1:{silent.port}")
        for command in (["sync", "--timeout", "8"], ["pair", "--timeout", "8"], ["sync", "--follow"]):
            online = device.start(*command)
            until(lambda: silent.taken, 10, "the connection")
            started = time.monotonic()
            entry = write(device, f"during {command[0]}")
            device.run("edit", old, "-", stdin=f"old, and {command}")
            assert device.show(entry) == f"during {command[0]}" and entry in [row["entry"] for row in device.entries()]
            assert time.monotonic() - started < 4, f"{command} made them wait"
            assert online.poll() is None
            until(lambda: not (device.profile / "inbox").exists(), 5, f"{command} to take the inbox in")
            assert device.show(entry) == f"during {command[0]}" and device.show(old) == f"old, and {command}"
            online.terminate()
            online.wait(10)
            silent.taken.clear()


@test
def what_is_written_while_a_sync_goes_on_is_sent():
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        follow = phone.start("sync", "--follow")
        until(lambda: "connected" in follow.stdout.readline(), 10)
        entry = phone.write("from beside the follower")
        def arrived():
            laptop.sync()
            return entry in [row["entry"] for row in laptop.entries()]
        until(arrived, 50, "the entry on the other device")
        assert laptop.show(entry) == "from beside the follower"
        follow.send_signal(signal.SIGINT)
        assert follow.wait(20) == 0


main()
