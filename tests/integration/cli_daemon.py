#!/usr/bin/env python3
"""quire daemon with real servers: writes travel by themselves, and whatever goes wrong it goes on."""
import os
import shutil
import signal
import socket
import subprocess

from harness import Failed, Skip, World, main, test, until

FAILED = 1
WORDS = "seven wet boots by the door"


def refused(device, *arguments, code=FAILED, **options):
    try:
        out = device.run(*arguments, **options)
    except Failed as failure:
        assert failure.code == code, failure
        return failure.out + failure.err
    raise AssertionError(f"{arguments} succeeded: {out}")


def daemon_of(device):
    return device.status()["daemon"]


def start(device, *arguments, **options):
    process = device.start(*arguments, "daemon", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **options)
    until(lambda: daemon_of(device), what="the daemon")
    return process


def online(device):
    return until(lambda: (daemon_of(device) or {}).get("online"), what="the daemon to be connected")


def stop(process, number=signal.SIGTERM):
    process.send_signal(number)
    assert process.wait(20) == 0, process.returncode


@test
def what_is_written_on_one_device_comes_to_the_other_with_no_sync_typed():
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        daemons = [start(phone), start(laptop)]
        online(phone)
        online(laptop)
        entry = phone.write("typed on the phone")
        until(lambda: entry in laptop.texts(), what="the entry on the laptop")
        laptop.edit(entry, "typed on the phone, and on the laptop")
        until(lambda: phone.show(entry) == "typed on the phone, and on the laptop", what="the edit on the phone")
        laptop.run("delete", entry)
        until(lambda: not phone.entries(), what="the delete on the phone")
        assert phone.status()["unsent"] == 0
        for process in daemons:
            stop(process)
        assert daemon_of(phone) is None and not list((phone.home / "run" / "quire").glob("*.daemon"))


@test
def other_commands_work_while_it_runs_and_say_so():
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        process = start(phone)
        online(phone)
        assert "in the background, connected since" in phone.run("status")
        assert phone.run("daemon", "status").startswith("Syncs in the background, connected")
        entry = phone.write("one")
        assert phone.entries() and phone.show(entry) == "one"
        phone.sync()
        phone.run("server")
        tablet = world.device("tablet", server).join(phone)  # pair takes the profile from the daemon
        assert tablet.show(entry) == "one"
        online(phone)
        assert "already" in refused(phone, "daemon") and process.poll() is None
        assert phone.run("daemon", "stop") == "Stopped.\n"
        assert process.wait(20) == 0
        assert "No daemon" in refused(phone, "daemon", "stop")
        assert "No daemon" in refused(phone, "daemon", "status")
        assert phone.json("server")["server"] == server.url


@test
def a_server_that_goes_away_and_comes_back_is_found_again():
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        process = start(phone)
        online(phone)
        server.kill()
        until(lambda: not daemon_of(phone)["online"], what="the daemon to notice")
        entry = phone.write("written while the server was away")
        assert "not connected since" in phone.run("daemon", "status")
        server.start()
        online(phone)
        until(lambda: phone.status()["unsent"] == 0, what="the upload")
        laptop.sync()
        assert entry in laptop.texts()
        stop(process, signal.SIGINT)


@test
def it_waits_for_a_server_to_be_set():
    with World() as world:
        server = world.server(tls=False)
        phone = world.device("phone", server)
        phone.run("init", "--name", "phone")
        phone.write("before there was a server")
        process = start(phone)
        until(lambda: "No server is set" in daemon_of(phone)["text"], what="the reason")
        phone.run("server", server.url)
        online(phone)
        until(lambda: phone.status()["unsent"] == 0, what="the upload")
        stop(process)


@test
def a_locked_profile_is_synced_while_it_is_unlocked():
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        phone.run("passphrase", "set", "--memory", "8", stdin=WORDS + "\n")
        process = phone.start("daemon", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        state = until(lambda: "quire unlock" in phone_state(phone), what="the reason")
        assert state
        phone.run("unlock", stdin=WORDS + "\n")
        online(phone)
        entry = phone.write("while it is unlocked")
        laptop.sync()
        until(lambda: laptop.sync() and entry in laptop.texts(), what="the entry")
        phone.run("lock")
        until(lambda: "quire unlock" in phone_state(phone), what="the daemon to give the profile up")
        refused(phone, "list")
        phone.run("unlock", "--for", "2s", stdin=WORDS + "\n")
        until(lambda: "connected since" in phone_state(phone) and "not connected" not in phone_state(phone), what="the daemon to go on")
        until(lambda: "quire unlock" in phone_state(phone), what="the time-out to end it")
        phone.run("daemon", "stop")
        assert process.wait(20) == 0
        words = phone.home / "words"
        words.write_text(WORDS + "\n")
        words.chmod(0o600)
        process = phone.start("daemon", "--passphrase-file", str(words), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        until(lambda: ": " not in phone_state(phone) and "connected" in phone_state(phone), what="a daemon with a passphrase file")
        stop(process)


def phone_state(device):
    try:
        return device.run("daemon", "status")
    except Failed as failure:
        return failure.out


@test
def a_warning_is_shown_on_the_desktop():
    with World() as world:
        server = world.server(tls=False)
        phone, laptop = world.phone_and_laptop(server)
        for tool in ("notify-send", "gdbus"):
            tools = world.folder / tool
            tools.mkdir()
            script = tools / tool
            script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {world.folder}/{tool}.out\n')
            script.chmod(0o755)
            process = start(phone, wrapper=["env", f"PATH={tools}"])
            online(phone)
            device = world.device(f"new-{tool}", server)
            device.join(laptop)
            shown = world.folder / f"{tool}.out"
            until(lambda: shown.exists() and f"new-{tool}" in shown.read_text(), what="the notification")
            words = shown.read_text()
            assert "Quire" in words and (tool == "notify-send" or "org.freedesktop.Notifications.Notify" in words), words
            stop(process)


@test
def a_service_manager_is_told_and_may_listen_in_its_place():
    with World() as world:
        server = world.server(tls=False)
        phone, laptop = world.phone_and_laptop(server)
        said = phone.run("daemon", "install")
        folder = phone.home / "config" / "systemd" / "user"
        units = sorted(path.name for path in folder.iterdir())
        assert len(units) == 2 and "systemctl --user" in said, said
        text = (folder / units[0]).read_text()
        assert f'--profile "{phone.profile}" daemon' in text and "Type=notify" in text, text
        address = (folder / units[1]).read_text().split("ListenStream=")[1].split("\n")[0]
        if shutil.which("systemd-analyze"):
            checked = subprocess.run(["systemd-analyze", "verify", "--user", *folder.iterdir()], capture_output=True, text=True,
                env={**os.environ, "XDG_RUNTIME_DIR": str(phone.home / "run")})
            about = [row for row in checked.stderr.splitlines() if "quire-" in row]
            assert not about, about
        # As systemd does: it listens, starts the service at the first connection, and is told.
        os.makedirs(os.path.dirname(address), mode=0o700, exist_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(address)
        os.chmod(address, 0o600)
        listener.listen(8)
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        told.bind(str(world.folder / "notify"))
        told.settimeout(20)
        entry = phone.write("the first write wakes it")
        listener.settimeout(10)
        process = subprocess.Popen(["sh", "-c", 'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$0" daemon 3<&0 < /dev/null',
            phone.program], stdin=listener, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, **phone.environment, "NOTIFY_SOCKET": str(world.folder / "notify")})
        world.started.append(process)
        assert told.recv(100) == b"READY=1"
        online(phone)
        until(lambda: laptop.sync() and entry in laptop.texts(), what="the entry")
        stop(process)
        assert os.path.exists(address), "the socket is the service manager's"
        listener.close()
        told.close()
        phone.run("daemon", "uninstall")
        assert not list(folder.iterdir())


@test
def killed_it_leaves_nothing_that_is_in_the_way():
    with World() as world:
        server = world.server(tls=False)
        phone, laptop = world.phone_and_laptop(server)
        process = start(phone)
        online(phone)
        process.kill()
        process.wait()
        entry = phone.write("after the kill")
        assert daemon_of(phone) is None
        process = start(phone)
        online(phone)
        until(lambda: laptop.sync() and entry in laptop.texts(), what="the entry")
        stop(process)


if __name__ == "__main__":
    main()
