"""Real processes on loopback: quired and quire in a temporary folder, and tests as sentences.

A test file says

    from harness import World, main, test

    @test
    def two_devices_meet():
        with World() as world:
            server = world.server()
            phone = world.device("phone", server)
            ...

    main()

and prints TAP. Its arguments are the paths of the built programs (QUIRED, QUIRE, QUIRECTL), which
meson gives it, then names of single tests if only those are wanted. Nothing that a World started
outlives it, and it ends processes by their ids only.
"""
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

import default_signals

default_signals.restore()
_tests = []
programs = {}


NONE_FOUND = 5  # of a search, or of a list with filters


class Skip(Exception):
    """Why a test cannot run here; it counts as skipped, by name."""


def test(function):
    _tests.append(function)
    return function


def main():
    paths = [argument for argument in sys.argv[1:] if os.sep in argument]
    wanted = [argument for argument in sys.argv[1:] if os.sep not in argument]
    for path in paths:
        programs[os.path.basename(path)] = os.path.abspath(path)
    chosen = [function for function in _tests if not wanted or function.__name__ in wanted]
    print(f"TAP version 13\n1..{len(chosen)}", flush=True)
    failed = 0
    for number, function in enumerate(chosen, 1):
        started = time.monotonic()
        try:
            function()
            line = f"ok {number} - {function.__name__}"
        except Skip as reason:
            line = f"ok {number} - {function.__name__} # SKIP {reason}"
        except Exception:
            failed += 1
            line = f"not ok {number} - {function.__name__}"
            for row in traceback.format_exc().splitlines():
                print("#", row)
        print(line, flush=True)
        print(f"# {time.monotonic() - started:.2f} s", flush=True)
    sys.exit(1 if failed else 0)


def until(condition, seconds=20, what="something"):
    """Waits for a condition; what it returned, once that is true."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.01)


def traces_folder():
    folder = os.environ.get("QUIRE_TRACES")
    if not folder:
        raise Skip("QUIRE_TRACES is not set: no folder of editing traces")
    return pathlib.Path(folder)


class World:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="quire-test-"))
        self.started = []
        self.count = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error:
            for log in sorted(self.folder.rglob("*.log")):
                text = log.read_text(errors="replace").splitlines()[-15:]
                print(f"# {log.name}:", *(f"\n#   {row}" for row in text))
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def spawn(self, command, environment=None, **options):
        process = subprocess.Popen([str(part) for part in command], env={**os.environ, **(environment or {})},
            **options)
        self.started.append(process)
        return process

    def server(self, *flags, data=None, **options):
        self.count += 1
        server = Server(self, data or self.folder / f"server{self.count}", flags, **options)
        server.start()
        return server

    def device(self, name, server):
        """A folder for a profile; see Device.init, .recover and .join."""
        return Device(self, name, server)

    def phone_and_laptop(self, server, **options):
        """Two devices of one account, paired by code."""
        phone, laptop = self.device("phone", server), self.device("laptop", server)
        phone.init()
        laptop.join(phone)
        return phone, laptop


class Server:
    """quired on a free port of loopback, with TLS unless it is told otherwise."""

    def __init__(self, world, folder, flags, tls=True, environment=None, wrapper=(), program=None):
        self.world, self.folder, self.flags, self.tls = world, folder, list(flags), tls
        self.environment, self.wrapper = environment or {}, list(wrapper)
        self.program = program or programs["quired"]
        self.port = free_port()
        self.process, self.fingerprint = None, None
        self.log_path = world.folder / f"server{world.count}.log"

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def url(self):
        return f"{'wss' if self.tls else 'ws'}://{self.address}"

    def command(self):
        return [*self.wrapper, self.program, "--data", self.folder, "--listen", self.address,
            *([] if self.tls else ["--no-tls"]), *self.flags]

    def start(self, seconds=20):
        offset = self.log_path.stat().st_size if self.log_path.exists() else 0
        with open(self.log_path, "ab") as log:
            self.process = self.world.spawn(self.command(), self.environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)

        def serving():
            if self.process.poll() is not None:
                raise AssertionError(f"quired ended with {self.process.returncode}: {self.log()[-2000:]}")
            text = self.log_path.read_bytes()[offset:].decode(errors="replace")
            found = re.search(r"quired ready .*fingerprint=([0-9a-f]{64}|none)", text)
            if found and self.tls:
                self.fingerprint = found[1]
            return found
        until(serving, seconds, "quired to serve")
        return self

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def kill(self):
        """As a power cut would, as far as a process can: SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=20):
        """An orderly end; its exit status."""
        self.process.terminate()
        return self.process.wait(seconds)


FORK, SERVER_BEHIND = 2, 4  # alarms


class Failed(AssertionError):
    """A command that did not succeed: .code, .out, .err."""

    def __init__(self, arguments, code, out, err):
        super().__init__(f"quire {' '.join(map(str, arguments))}: exit {code}\n{out}\n{err}")
        self.code, self.out, self.err = code, out, err


class Device:
    """One profile, used through the quire command."""

    def __init__(self, world, name, server):
        self.world, self.name, self.server = world, name, server
        self.home = world.folder / name
        self.home.mkdir()
        self.profile = self.home / "profile"
        self.kit, self.program = None, programs["quire"]
        self.environment = {
            "HOME": str(self.home), "XDG_DATA_HOME": str(self.home / "data"),
            "XDG_CONFIG_HOME": str(self.home / "config"), "XDG_RUNTIME_DIR": str(self.home / "run"),
            "QUIRE_PROFILE": str(self.profile), "LC_ALL": "C.UTF-8", "TZ": "UTC",
        }
        (self.home / "run").mkdir(mode=0o700)

    def command(self, *arguments, wrapper=()):
        return [*wrapper, self.program, *arguments]

    def start(self, *arguments, wrapper=(), **options):
        """A command that goes on by itself."""
        log = open(self.home / "commands.log", "ab")
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log, "text": True,
            "encoding": "utf-8", **options}
        try:
            return self.world.spawn(self.command(*arguments, wrapper=wrapper), self.environment, **options)
        finally:
            log.close()

    def run(self, *arguments, stdin="", seconds=60, wrapper=(), environment=None):
        """A command to its end; what it printed. Failed if it did not succeed."""
        done = subprocess.run([str(part) for part in self.command(*arguments, wrapper=wrapper)],
            input=stdin.encode(), capture_output=True, timeout=seconds,
            env={**os.environ, **self.environment, **(environment or {})})
        out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        with open(self.home / "commands.log", "a", encoding="utf-8") as log:
            log.write(f"$ quire {' '.join(map(str, arguments))} → {done.returncode}\n{err}")
        none_found = done.returncode == NONE_FOUND and arguments[0] in ("search", "list", "ls")
        if done.returncode != 0 and not none_found:
            raise Failed(arguments, done.returncode, out, err)
        return out

    def json(self, *arguments, **options):
        return json.loads(self.run(*arguments, "--json", **options))

    def _where(self):
        return ["--name", self.name, "--server", self.server.url,
            *(["--fingerprint", self.server.fingerprint] if self.server.fingerprint else [])]

    def init(self):
        """The first device of a new account."""
        self.kit = self.json("init", *self._where())["kit"]
        return self

    def recover(self, kit):
        self.kit = kit
        self.run("recover", *self._where(), stdin=kit + "\n")
        return self

    def join(self, old):
        """Joins by the code that another device shows."""
        shown = old.start("pair", "--json")
        line = shown.stdout.readline()
        self.run("join", json.loads(line)["code"], *self._where())
        assert shown.wait(30) == 0, "the old device saw the new one join"
        shown.stdin.close()
        shown.stdout.close()
        return self

    def write(self, text, **options):
        """A new entry; its id."""
        return self.json("write", "-", stdin=text, **options)["entry"]

    def edit(self, entry, text, **options):
        """Makes the text of an entry another."""
        self.run("edit", entry, "-", stdin=text, **options)

    def show(self, entry, **options):
        return self.run("show", entry, "--text", **options)

    def texts(self):
        """The text of every entry by its id."""
        return {row["entry"]: self.show(row["entry"]) for row in self.entries()}

    def entries(self):
        return self.json("list")["entries"]

    def sync(self, **options):
        return self.run("sync", **options)

    def status(self, **options):
        return self.json("status", **options)

    def alarms(self):
        """How often each alarm was raised, by its number in quire/device.h."""
        return {row["code"]: row["count"] for row in self.status()["alarms"]}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def can_connect(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def dice(default=1):
    """The test's random numbers; QUIRE_SEED chooses others. Prints the seed."""
    seed = int(os.environ.get("QUIRE_SEED", default))
    print(f"# seed {seed}", flush=True)
    return random.Random(seed)
