#!/usr/bin/env python3
"""The user's own backup: one encrypted file, and a profile out of it again."""
import ctypes
import errno
import os
import signal
import subprocess
import time

from harness import Failed, World, dice, main, test, until
from terminal import Terminal

FAILED, USAGE = 1, 2
WORDS = "a box under the stairs"
CHEAP = ("--memory", "8")


def refused(device, *arguments, code=FAILED, **options):
    try:
        out = device.run(*arguments, **options)
    except Failed as failure:
        assert failure.code == code, failure
        return failure.out + failure.err
    raise AssertionError(f"{arguments} succeeded: {out}")


def opened(device):
    """The device's environment with the passphrase of the backup."""
    path = device.home / "words"
    path.write_text(WORDS + "\n")
    path.chmod(0o600)
    device.environment["QUIRE_PASSPHRASE_FILE"] = str(path)
    return device


def back_up(device, name="journal.backup"):
    path = device.home / name
    device.run("backup", path, *CHEAP, stdin=WORDS + "\n")
    return path


@test
def a_journal_that_was_never_online_comes_back_from_its_backup():
    with World() as world:
        laptop = world.device("laptop", None)
        laptop.run("init", "--name", "laptop")
        entries = {laptop.write(f"entry {number}"): f"entry {number}" for number in range(30)}
        first = next(iter(entries))
        laptop.edit(first, "entry 0, longer")
        entries[first] = "entry 0, longer"
        path = back_up(laptop)
        assert path.stat().st_mode & 0o777 == 0o600 and b"entry" not in path.read_bytes()
        assert not list(laptop.home.glob("journal.backup.*"))
        other = opened(world.device("other", None))
        said = other.run("restore-backup", path)
        assert "quire sync" in said, said
        assert other.texts() == entries
        assert len(other.json("history", first)["versions"]) == len(laptop.json("history", first)["versions"])
        other.write("written after")
        assert len(other.entries()) == 31
        del other.environment["QUIRE_PASSPHRASE_FILE"]
        refused(other, "list")  # the key is never plain


@test
def both_of_a_device_and_its_backup_may_write_and_they_meet():
    with World() as world:
        server = world.server(tls=False)
        phone, laptop = world.phone_and_laptop(server)
        shared = laptop.write("before the backup")
        laptop.sync()
        path = back_up(laptop)
        after = laptop.write("after the backup")
        laptop.edit(shared, "before the backup, and after")
        laptop.sync()
        twin = opened(world.device("twin", server))
        twin.run("restore-backup", path)
        mine = twin.write("by the twin, offline")
        theirs = laptop.write("by the laptop, offline")
        for _ in range(2):
            twin.sync()
            laptop.sync()
            phone.sync()
        wanted = {shared: "before the backup, and after", after: "after the backup", mine: "by the twin, offline",
                  theirs: "by the laptop, offline"}
        assert twin.texts() == wanted and laptop.texts() == wanted and phone.texts() == wanted
        for device in (twin, laptop, phone):
            assert not device.alarms(), device.alarms()


@test
def what_is_there_already_is_not_touched():
    with World() as world:
        laptop = opened(world.device("laptop", None))
        laptop.run("init", "--name", "laptop")
        laptop.write("mine")
        path = back_up(laptop)
        before = path.read_bytes()
        assert "exists already" in refused(laptop, "backup", path, *CHEAP, stdin=WORDS)
        assert path.read_bytes() == before
        assert "was not touched" in refused(laptop, "restore-backup", path)
        assert laptop.show("last") == "mine"
        assert "at least 8" in refused(laptop, "backup", laptop.home / "b", *CHEAP, stdin="short\n", code=USAGE)


def without_links():
    """In a child before it starts: no file gets a second name, as on a stick with FAT or exFAT."""
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(0x7FFF0000)))  # allow
    for name in (b"link", b"linkat"):
        number = library.seccomp_syscall_resolve_name(name)
        library.seccomp_rule_add(rules, ctypes.c_uint32(0x00050000 | errno.EPERM), number, 0)
    assert library.seccomp_load(rules) == 0


@test
def a_disk_without_hard_links_takes_a_backup():
    with World() as world:
        laptop = world.device("laptop", None)
        laptop.run("init", "--name", "laptop")
        entry = laptop.write("kept")
        path = laptop.home / "stick.backup"

        def back_up_there():
            return subprocess.run([str(word) for word in laptop.command("backup", path, *CHEAP)],
                env={**os.environ, **laptop.environment}, input=WORDS + "\n", text=True,
                capture_output=True, preexec_fn=without_links)

        done = back_up_there()
        assert done.returncode == 0, done.stderr
        before = path.read_bytes()
        again = back_up_there()
        assert again.returncode != 0 and path.read_bytes() == before, again.stderr
        assert [file.name for file in laptop.home.glob("stick.backup*")] == ["stick.backup"]
        other = opened(world.device("other", None))
        other.run("restore-backup", path)
        assert other.texts() == {entry: "kept"}


@test
def a_wrong_passphrase_a_changed_byte_and_a_cut_file_leave_nothing():
    with World() as world:
        laptop = world.device("laptop", None)
        laptop.run("init", "--name", "laptop")
        laptop.write("x" * 100_000)
        whole = back_up(laptop).read_bytes()
        other = world.device("other", None)
        path = other.home / "copy"

        def try_it(text, words=WORDS, code=USAGE):
            path.write_bytes(text)
            said = refused(other, "restore-backup", path, stdin=words + "\n", code=code)
            assert sorted(row.name for row in other.home.iterdir()) == ["commands.log", "copy", "run"], said
            return said
        assert "not the passphrase" in try_it(whole, "another one", FAILED)
        chance = dice()
        for _ in range(12):
            at = chance.randrange(500, len(whole))
            assert "damaged" in try_it(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
            assert "cut off" in try_it(whole[:at])
        for text in (b"", b"quire", whole[:300], whole + b"x", b"PK\x03\x04 something else"):
            try_it(text)
        path.write_bytes(whole)
        other.run("restore-backup", path, stdin=WORDS + "\n")


@test
def a_disk_that_fills_leaves_no_half_backup_and_no_half_profile():
    with World() as world:
        laptop = world.device("laptop", None)
        laptop.run("init", "--name", "laptop")
        laptop.write("x" * 200_000)
        target = laptop.home / "b"
        said = refused(laptop, "backup", target, *CHEAP, stdin=WORDS,
            wrapper=["sh", "-c", 'ulimit -f 100; exec "$@"', "sh"])
        assert not target.exists() and not list(laptop.home.glob("b.*")), said
        path = back_up(laptop)
        other = opened(world.device("other", None))
        said = refused(other, "restore-backup", path, wrapper=["sh", "-c", 'ulimit -f 100; exec "$@"', "sh"])
        assert "None was made" in said and not other.profile.exists() and not list(other.home.glob("profile*")), said


@test
def what_the_disk_changed_is_found_before_the_backup_is_there():
    with World() as world:
        laptop = world.device("laptop", None)
        laptop.run("init", "--name", "laptop")
        laptop.write("x" * 50_000)
        target = laptop.home / "b"
        process = laptop.start("backup", target)  # at full cost, so that there is time before it is read again
        process.stdin.write(WORDS + "\n")
        process.stdin.close()
        part = until(lambda: [path for path in laptop.home.glob("b.part-*") if path.stat().st_size > 4000], what="the file")[0]
        with open(part, "r+b") as file:
            file.seek(3000)
            byte = file.read(1)
            file.seek(3000)
            file.write(bytes([byte[0] ^ 1]))
        assert process.wait(30) == FAILED
        assert not target.exists() and not list(laptop.home.glob("b.*"))
        assert "is not what is read from it" in (laptop.home / "commands.log").read_text()


@test
def killed_while_it_restores_the_next_try_makes_the_profile():
    with World() as world:
        laptop = world.device("laptop", None)
        laptop.run("init", "--name", "laptop")
        laptop.write("x" * 300_000)
        path = back_up(laptop)
        other = opened(world.device("other", None))
        chance, made = dice(), 0
        for _ in range(20):
            process = subprocess.Popen([str(word) for word in other.command("restore-backup", path)],
                env={**os.environ, **other.environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.random() * 0.08)
            process.send_signal(signal.SIGKILL)
            process.wait()
            if other.profile.exists():
                made += 1
                break
        if not made:
            other.run("restore-backup", path)
            assert not list(other.home.glob("profile.restoring-*"))
        assert len(other.show("last")) == 300_000


@test
def the_passphrase_is_asked_for_on_a_terminal_three_times():
    with World() as world:
        laptop = world.device("laptop", None)
        laptop.run("init", "--name", "laptop")
        laptop.write("mine")
        path = laptop.home / "b"
        with Terminal(laptop, "backup", path, *CHEAP) as terminal:
            terminal.expect("Passphrase of the backup: ")
            terminal.type(WORDS + "\n")
            terminal.expect("The same again: ")
            terminal.type(WORDS + "\n")
            terminal.end()
            assert terminal.status == 0
        other = world.device("other", None)
        with Terminal(other, "restore-backup", path) as terminal:
            terminal.expect("Passphrase: ")
            terminal.type("not this one\n")
            terminal.expect("Once more: ")
            terminal.type(WORDS + "\n")
            shown = terminal.end()
            assert terminal.status == 0, shown


if __name__ == "__main__":
    main()
