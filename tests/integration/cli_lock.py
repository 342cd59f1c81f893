#!/usr/bin/env python3
"""Safety on this machine: a passphrase on the profile, and the agent that keeps it unlocked for a while."""
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

from harness import Failed, World, dice, main, test, until
from terminal import Terminal

FAILED, USAGE = 1, 2
OLD, NEW = "seven wet boots by the door", "nine dry hats on a shelf"
CHEAP = ("--memory", "8")


class Journal:
    """A world with one device that has an account, an entry, and perhaps a passphrase."""

    def __init__(self, passphrase=None):
        self.passphrase = passphrase

    def __enter__(self):
        self.world = World()
        device = self.world.device("laptop", None)
        device.run("init", "--name", "laptop")
        device.entry = device.write("It rained all day.")
        if self.passphrase:
            device.run("passphrase", "set", *CHEAP, stdin=self.passphrase + "\n")
        self.device = device
        return device

    def __exit__(self, *error):
        try:
            self.device.run("lock")
        except Failed:
            pass
        self.world.__exit__(*error)


def refused(device, *arguments, code=FAILED, **options):
    try:
        out = device.run(*arguments, **options)
    except Failed as failure:
        assert failure.code == code, failure
        return failure.out + failure.err
    raise AssertionError(f"{arguments} succeeded: {out}")


def key_file(device):
    return next((device.home / "config" / "quire" / "keys").glob("*.key"))


def opens(device, passphrase):
    path = device.home / "words"
    path.write_text(passphrase + "\n")
    path.chmod(0o600)
    try:
        return "It rained" in device.run("show", "last", environment={"QUIRE_PASSPHRASE_FILE": str(path)})
    except Failed as failure:
        assert "That is not the passphrase" in failure.err, failure
        return False


@test
def without_the_passphrase_nothing_opens_and_the_error_says_what_to_do():
    with Journal(OLD) as device:
        for command in (["list"], ["show", device.entry], ["status"], ["write", "more"], ["search", "rained"],
                        ["sync"], ["devices"], ["history", device.entry], ["export", device.home / "out.json"],
                        ["drafts"], ["delete", device.entry], ["server"], ["stats"], ["tags"]):
            said = refused(device, *command)
            assert "locked by a passphrase" in said and "quire unlock" in said, (command, said)
            assert "--passphrase-file" in said and "rained all" not in said, (command, said)
            in_json = json.loads(refused(device, *command, "--json"))["error"]
            assert (in_json["status"], in_json["exit"]) == ("state", FAILED), in_json
        assert "rained" not in key_file(device).read_text() and "argon2id 3 8192" in key_file(device).read_text()
        assert opens(device, OLD) and not opens(device, NEW)


@test
def what_went_wrong_is_wrapped_at_the_width_of_the_terminal():
    with Journal(OLD) as device:
        in_a_pipe = refused(device, "list")
        assert in_a_pipe.count("\n") == 1, "scripts read lines"
        for columns in (40, 80, 200):
            resized = ["sh", "-c", f'stty cols {columns}; exec "$@"', "sh", *device.command("list", "--passphrase-file", "none")]
            with Terminal(device, command=resized, environment={"NO_COLOR": "1"}) as terminal:
                shown = terminal.end()
                assert terminal.status == FAILED, shown
            lines = shown[shown.index("quire: The key file"):].splitlines()
            assert " ".join(lines).split()[:4] == in_a_pipe.split()[:4] and "quire unlock" in " ".join(lines), shown
            too_wide = [line for line in lines if len(line) > columns and " " in line]
            assert len(lines) > 1 and not too_wide, (columns, shown)


@test
def a_passphrase_is_set_changed_and_removed_on_a_terminal():
    with Journal() as device:
        with Terminal(device, "passphrase", "set", *CHEAP) as terminal:
            terminal.expect("New passphrase: ")
            assert not terminal.echoes()
            terminal.type(OLD + "\n")
            terminal.expect("The same again: ")
            terminal.type(OLD + "\n")
            shown = terminal.end()
            assert terminal.status == 0 and OLD not in shown and "brings nothing back" in shown, shown
        with Terminal(device, "passphrase", "change", *CHEAP) as terminal:
            terminal.expect("Passphrase: ")
            terminal.type("not this one\n")
            terminal.expect("That is not the passphrase. Once more: ")
            terminal.type(OLD + "\n")
            terminal.expect("New passphrase: ")
            terminal.type(NEW + "\n")
            terminal.expect("The same again: ")
            terminal.type(NEW + "x\n")
            shown = terminal.end()
            assert terminal.status == USAGE and "not the same" in shown, shown
        assert opens(device, OLD)
        device.run("passphrase", "change", *CHEAP, stdin=f"{OLD}\n{NEW}\n")
        assert opens(device, NEW) and not opens(device, OLD)
        assert "already" in refused(device, "passphrase", "set", stdin=f"{OLD}\n")
        with Terminal(device, "passphrase", "remove") as terminal:
            terminal.expect("Passphrase: ")
            terminal.type(NEW + "\n")
            terminal.end()
            assert terminal.status == 0
        assert "It rained" in device.run("show", "last")
        assert "no passphrase" in refused(device, "passphrase", "remove", stdin="x\n")


@test
def what_is_too_short_or_nonsense_changes_nothing():
    with Journal() as device:
        before = key_file(device).read_bytes()
        assert "at least 8" in refused(device, "passphrase", "set", stdin="short\n", code=USAGE)
        assert "no new passphrase" in refused(device, "passphrase", "set", stdin="", code=USAGE)
        assert "--memory takes" in refused(device, "passphrase", "set", "--memory", "7", stdin=OLD, code=USAGE)
        assert "--memory takes" in refused(device, "passphrase", "set", "--memory", "4097", stdin=OLD, code=USAGE)
        assert "set, change, remove" in refused(device, "passphrase", "lose", code=USAGE)
        assert "nothing to unlock" in refused(device, "unlock", stdin=OLD)
        assert "cannot be locked" in refused(device, "lock")
        assert key_file(device).read_bytes() == before


@test
def ctrl_c_at_the_passphrase_leaves_the_terminal_and_the_profile_as_they_were():
    with Journal(OLD) as device:
        # A shell beside it keeps the terminal open, as a person's does.
        with Terminal(device, command=["sh", "-c", 'trap : INT; "$0" list; echo code $?; sleep 5', device.program]) as terminal:
            terminal.expect("Passphrase: ")
            assert not terminal.echoes()
            terminal.type("\x03")
            terminal.expect(f"code {128 + signal.SIGINT}")
            assert terminal.echoes(), "the terminal is as it was"
        assert opens(device, OLD)


@test
def a_passphrase_is_asked_for_on_the_terminal_though_text_comes_through_a_pipe():
    with Journal(OLD) as device:
        with Terminal(device, command=["sh", "-c", f"echo through a pipe | {device.program} write - > /dev/null"]) as terminal:
            terminal.expect("Passphrase: ")
            terminal.type(OLD + "\n")
            terminal.end()
            assert terminal.status == 0
        device.run("unlock", stdin=OLD + "\n")
        assert device.show("last") == "through a pipe\n"


@test
def after_unlock_no_command_asks_until_lock():
    with Journal(OLD) as device:
        assert "15 minutes" in device.run("unlock", stdin=OLD + "\n")
        assert "It rained" in device.run("show", "last")
        entry = device.write("a second one")
        device.edit(entry, "a second one, longer")
        assert len(device.entries()) == 2
        assert device.run("lock") == "Locked.\n"
        refused(device, "list")
        assert device.run("lock") == "It was locked already.\n"
        said = refused(device, "unlock", stdin="not this one\n")
        assert "not the passphrase" in said, said
        refused(device, "list")
        assert "takes a time" in refused(device, "unlock", "--for", "8d", stdin=OLD, code=USAGE)
        assert "takes a time" in refused(device, "unlock", "--for", "15", stdin=OLD, code=USAGE)


def agents(device):
    """The agent's process of this device: its socket is in the runtime folder."""
    rows = pathlib.Path("/proc/net/unix").read_text().splitlines()
    sockets = {row.split()[6] for row in rows if str(device.home / "run") in row}
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if (folder / "comm").read_text() == "quire-agent\n" and any(
                        os.readlink(link) in {f"socket:[{inode}]" for inode in sockets} for link in (folder / "fd").iterdir()):
                    found.append(int(folder.name))
            except OSError:
                pass
    return found


@test
def an_agent_that_is_killed_or_times_out_is_noticed_and_the_passphrase_asked_for():
    with Journal(OLD) as device:
        device.run("unlock", stdin=OLD + "\n")
        running = agents(device)
        if os.geteuid() == 0:
            assert len(running) == 1, running
            limits = pathlib.Path(f"/proc/{running[0]}/limits").read_text()
            assert "Max core file size        0" in limits, limits
            locked = [row for row in pathlib.Path(f"/proc/{running[0]}/status").read_text().splitlines() if "VmLck" in row]
            assert locked and int(locked[0].split()[1]) > 0, locked
            os.kill(running[0], signal.SIGKILL)
            until(lambda: not agents(device), what="the agent's end")
            said = refused(device, "list")
            assert "locked by a passphrase" in said, said
        device.run("unlock", "--for", "1s", stdin=OLD + "\n")
        until(lambda: not list((device.home / "run" / "quire").glob("*.agent")), what="the time-out")
        refused(device, "list")
        device.run("unlock", stdin=OLD + "\n")
        assert device.entries()


def copies_in_memory(process, secret):
    """How often a process holds some bytes in memory that is not locked, and in memory that is."""
    found, locked = 0, 0
    rows = pathlib.Path(f"/proc/{process}/smaps").read_text().splitlines()
    with open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        for number, row in enumerate(rows):
            span = row.split()[0].split("-")
            if len(span) != 2 or " rw" not in row:
                continue
            begin, end = (int(part, 16) for part in span)
            memory.seek(begin)
            count = memory.read(end - begin).count(secret)
            is_locked = any(int(field.split()[1]) > 0 for field in rows[number + 1:number + 30] if field.startswith("Locked:"))
            found, locked = found + (0 if is_locked else count), locked + (count if is_locked else 0)
    return found, locked


@test
def the_agent_holds_the_key_once_and_in_locked_memory():
    if os.geteuid() != 0:
        return  # no one else may look
    with Journal(OLD) as device:
        device.run("unlock", stdin=OLD + "\n")
        path, = (device.home / "run" / "quire").glob("*.agent")
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(str(path))
            link.send(b"k")
            reply = link.recv(100)
        key = reply[8:40] if len(reply) == 40 else reply[-32:]
        assert reply[0] == 1 and any(key), reply
        process, = agents(device)
        assert copies_in_memory(process, key[:16]) == (0, 1), copies_in_memory(process, key[:16])


@test
def the_agent_does_not_outlive_a_change_of_the_key_file():
    with Journal(OLD) as device:
        device.run("unlock", stdin=OLD + "\n")
        device.run("passphrase", "change", *CHEAP, stdin=f"{OLD}\n{NEW}\n")
        assert device.entries()  # the key is the same
        device.run("passphrase", "remove", stdin=f"{NEW}\n")
        assert not list((device.home / "run" / "quire").glob("*.agent"))
        assert device.entries()


@test
def a_draft_is_kept_while_the_profile_is_locked_meanwhile():
    with Journal(OLD) as device:
        device.run("unlock", stdin=OLD + "\n")
        script = device.home / "editor.sh"
        script.write_text(f"#!/bin/sh\n{device.program} lock > /dev/null\necho words after the lock >> \"$1\"\nexit 0\n")
        script.chmod(0o755)
        with Terminal(device, "edit", device.entry, environment={"EDITOR": str(script), "VISUAL": ""}) as terminal:
            terminal.end()
            assert terminal.status == 0
        refused(device, "list")
        device.run("unlock", stdin=OLD + "\n")
        assert "words after the lock" in device.show(device.entry)


@test
def killed_at_any_moment_a_change_leaves_the_old_passphrase_or_the_new_one():
    with Journal(OLD) as device:
        chance, present, seen = dice(), OLD, set()
        for _ in range(25):
            other = NEW if present == OLD else OLD
            process = subprocess.Popen(device.command("passphrase", "change", *CHEAP), stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **device.environment})
            process.stdin.write(f"{present}\n{other}\n".encode())
            process.stdin.close()
            time.sleep(chance.random() * 0.12)
            process.kill()
            process.wait()
            if opens(device, other):
                present = other
                seen.add("new")
            else:
                assert opens(device, present)
                seen.add("old")
        device.run("passphrase", "change", *CHEAP, stdin=f"{present}\n{OLD}\n")
        assert not list(key_file(device).parent.glob("*.new-*"))
        print(f"# saw {sorted(seen)}")


class Keyring:
    """secret-tool as a script that keeps one secret in a file."""

    def __init__(self, device, slow=""):
        self.folder = device.home / "tools"
        self.folder.mkdir(exist_ok=True)
        self.secret, self.calls = device.home / "secret", device.home / "calls"
        (self.folder / "secret-tool").write_text(f"""#!/bin/sh
echo "$@" >> {self.calls}
{slow}
case $1 in
store) cat > {self.secret};;
lookup) cat {self.secret} 2> /dev/null;;
clear) rm -f {self.secret};;
esac
""")
        (self.folder / "secret-tool").chmod(0o755)
        self.environment = {"PATH": f"{self.folder}:{os.environ['PATH']}"}


@test
def the_keyring_keeps_the_passphrase_if_asked_to():
    with Journal(OLD) as device:
        keyring = Keyring(device)
        refused(device, "list", environment=keyring.environment)
        assert not keyring.calls.exists(), "not asked before it was told to"
        assert "not the passphrase" in refused(device, "passphrase", "remember", stdin=NEW + "\n", environment=keyring.environment)
        assert not keyring.secret.exists()
        device.run("passphrase", "remember", stdin=OLD + "\n", environment=keyring.environment)
        assert keyring.secret.read_text() == OLD
        assert device.run("show", "last", environment=keyring.environment).count("It rained")
        assert "the keyring has it" in device.run("status", environment=keyring.environment)
        assert OLD not in keyring.calls.read_text(), "no secret on a command line"
        assert "no new passphrase" in refused(device, "passphrase", "change", *CHEAP, stdin=OLD + "\n", code=USAGE, environment=keyring.environment)
        device.run("passphrase", "change", *CHEAP, stdin=f"{OLD}\n{NEW}\n", environment=keyring.environment)
        assert keyring.secret.read_text() == NEW and device.run("list", environment=keyring.environment)
        keyring.secret.write_text("something stale")
        with Terminal(device, "list", environment=keyring.environment) as terminal:
            terminal.expect("That is not the passphrase. Once more: ")
            terminal.type(NEW + "\n")
            assert "It rained" in terminal.end()
        device.run("passphrase", "forget", environment=keyring.environment)
        assert not keyring.secret.exists()
        refused(device, "list", environment=keyring.environment)
        device.run("passphrase", "remember", stdin=NEW + "\n", environment=keyring.environment)
        device.run("passphrase", "remove", stdin=NEW + "\n", environment=keyring.environment)
        assert not keyring.secret.exists() and not list(key_file(device).parent.glob("*.keyring"))


@test
def a_keyring_that_is_not_there_or_locked_changes_nothing():
    with Journal(OLD) as device:
        said = refused(device, "passphrase", "remember", stdin=OLD + "\n", environment={"PATH": "/nowhere"})
        assert "libsecret-tools" in said, said
        locked = Keyring(device, slow="exit 1")
        assert "stayed locked" in refused(device, "passphrase", "remember", stdin=OLD + "\n", environment=locked.environment)
        assert not list(key_file(device).parent.glob("*.keyring"))
        device.run("passphrase", "remember", stdin=OLD + "\n", environment=Keyring(device).environment)
        locked = Keyring(device, slow="exit 1")
        said = refused(device, "list", environment=locked.environment)
        assert "locked by a passphrase" in said, said
        device.run("unlock", stdin=OLD + "\n", environment=locked.environment)
        assert device.entries()


@test
def a_full_disk_or_a_file_that_others_read_changes_nothing():
    with Journal(OLD) as device:
        before = key_file(device).read_bytes()
        words = device.home / "open-words"
        words.write_text(OLD + "\n")
        words.chmod(0o644)
        said = refused(device, "list", "--passphrase-file", words)
        assert "can be read by others" in said, said
        said = refused(device, "list", "--passphrase-file", device.home / "none")
        assert "cannot be read" in said, said
        said = refused(device, "passphrase", "change", *CHEAP, stdin=f"{OLD}\n{NEW}\n",
            wrapper=["sh", "-c", 'ulimit -f 0; exec "$@"', "sh"], code=FAILED)
        assert key_file(device).read_bytes() == before, said
        assert opens(device, OLD)
        damaged = before.replace(b"argon2id 3", b"argon2id 0")
        key_file(device).write_bytes(damaged)
        assert "damaged" in refused(device, "list", code=USAGE)
        assert key_file(device).read_bytes() == damaged


if __name__ == "__main__":
    main()
