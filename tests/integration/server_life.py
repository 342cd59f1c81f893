"""Starting, ending, and what the operator is told."""
import glob
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

import server_harness
from server_harness import Server, run, wait_for


def quired(*arguments, environment=None):
    return subprocess.run([server_harness.QUIRED, *arguments], capture_output=True, text=True, timeout=20,
        env={**os.environ, **(environment or {})})


def test_help_names_every_option_and_check_tells_good_from_bad():
    text = quired("--help").stdout
    for name in ["--listen", "--data", "--host", "--no-tls", "--cert", "--commit-window-us", "--user-bytes",
            "--registration open|invite|closed", "--log-format logfmt|json", "--idle-ms"]:
        assert name in text, name
    assert quired("--version").stdout.startswith("quired ")
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "data")
        good = quired("--check", "--listen", "127.0.0.1:0", "--data", data)
        assert good.returncode == 0 and not os.path.exists(data), good
        for bad in [["--listen", "nowhere"], ["--listen", "127.0.0.1:70000"], ["--workers", "x"], ["--frobnicate"],
                ["--log-level", "loud"], ["--cert", "/nowhere"], ["--no-tls", "--listen", "0.0.0.0:0"], ["--workers"],
                ["--host", "a b"], ["--commit-window-us", "-1"], ["--cert", "/nowhere", "--key", "/nowhere"]]:
            result = quired("--check", "--listen", "127.0.0.1:0", "--data", data, *bad)
            assert result.returncode == 2 and result.stderr.startswith("quired: "), (bad, result)


def test_check_tries_whether_the_folder_takes_files():
    check = lambda data: quired("--check", "--listen", "127.0.0.1:0", "--data", data)
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "file")
        open(file, "w").close()
        for bad in ["/proc/x", "/proc", "/proc/x/y/z", file, os.path.join(file, "below"), "/sys/quire"]:
            result = check(bad)
            assert result.returncode == 3 and "no file can be written" in result.stderr, (bad, result)
        for good in [folder, os.path.join(folder, "a", "b"), folder + "/"]:
            assert check(good).returncode == 0, good
        assert os.listdir(folder) == ["file"], "a check leaves nothing"
        if os.geteuid() != 0:
            os.chmod(folder, 0o500)
            assert check(os.path.join(folder, "data")).returncode == 3
            os.chmod(folder, 0o700)


def test_the_environment_sets_what_flags_do_not():
    result = quired("--check", "--listen", "127.0.0.1:0", environment={"QUIRED_WORKERS": "many"})
    assert result.returncode == 2 and "QUIRED_WORKERS" in result.stderr, result
    with Server(environment={"QUIRED_LOG_FORMAT": "json", "QUIRED_REGISTRATION": "closed"}) as server:
        wait_for(lambda: '"event":"ready"' in server.log())


def test_a_second_server_on_one_store_is_told_so_and_the_first_goes_on():
    with Server() as first:
        second = quired("--listen", "127.0.0.1:0", "--no-tls", "--data", first.data)
        assert second.returncode == 3, second
        assert "Another quired" in second.stderr, second.stderr
        third = quired("--listen", f"127.0.0.1:{first.port}", "--no-tls", "--data", first.data + "-other")
        assert third.returncode == 4 and "another quired" in third.stderr, third
        assert first.health()["status"] == "ok"


def test_terminating_closes_connections_with_going_away_and_ends_well():
    with Server() as server:
        with server.websocket() as connection, server.connect() as guest:
            began = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            messages = connection.until_closed()
            assert connection.closed_with == 1001, (connection.closed_with, messages)
            assert guest.recv(1) == b""
            connection.socket.close()
            assert server.process.wait(5) == 0
            assert time.monotonic() - began < 4
        assert "event=ended" in server.log()


def test_a_terminal_that_goes_away_ends_it_as_well_unless_it_was_started_with_nohup():
    with Server() as server:
        with server.websocket() as connection:
            server.process.send_signal(signal.SIGHUP)
            connection.until_closed()
            assert connection.closed_with == 1001, connection.closed_with
            connection.socket.close()
            assert server.process.wait(5) == 0
        assert "event=ended" in server.log()
    with Server(preexec=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) as server:
        server.process.send_signal(signal.SIGHUP)
        assert server.health()["status"] == "ok"
        assert "event=draining" not in server.log()


def test_a_second_signal_ends_at_once():
    with Server(expect=128 + signal.SIGTERM) as server:
        with server.websocket():
            server.process.send_signal(signal.SIGTERM)
            wait_for(lambda: "event=draining" in server.log())
            if server.process.poll() is None:
                server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(2) in (0, 128 + signal.SIGTERM)
            server.expect = server.process.returncode


def test_the_certificate_is_made_once_and_is_for_its_owner_alone():
    folder = tempfile.mkdtemp()
    try:
        with Server(tls=True, data=folder) as server:
            fingerprint, log = server.ready["fingerprint"], server.ready["log"]
        for name in ["certificate.pem", "key.pem"]:
            assert stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) == 0o600, name
        with Server(tls=True, data=folder) as server:
            assert server.ready["fingerprint"] == fingerprint and server.ready["log"] == log
        names = subprocess.run(["openssl", "x509", "-in", os.path.join(folder, "certificate.pem"), "-noout", "-ext",
            "subjectAltName", "-checkend", str(9 * 365 * 86400)], capture_output=True, text=True)
        assert names.returncode == 0 and "DNS:localhost" in names.stdout and "127.0.0.1" in names.stdout, names
        with open(os.path.join(folder, "key.pem"), "w") as key:
            key.write("not a key")
        broken = quired("--listen", "127.0.0.1:0", "--data", folder)
        assert broken.returncode == 2 and "backup" in broken.stderr, broken
    finally:
        shutil.rmtree(folder)


def test_a_store_that_is_none_is_left_as_it_is():
    folder = tempfile.mkdtemp()
    try:
        os.mkdir(os.path.join(folder, "store"))
        path = os.path.join(folder, "store", "log.mdb")
        with open(path, "w") as file:
            file.write("a shopping list")
        result = quired("--listen", "127.0.0.1:0", "--no-tls", "--data", folder)
        assert result.returncode == 3 and "left as it is" in result.stderr, result
        with open(path) as file:
            assert file.read() == "a shopping list"
    finally:
        shutil.rmtree(folder)


def test_a_folder_of_another_user_and_a_key_with_a_passphrase_are_named_as_such():
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "data")
        with Server(data=data):
            pass
        os.chmod(folder, 0o755)
        store = os.path.join(data, "store")
        before = sorted(os.listdir(store))
        if os.geteuid() == 0:
            result = subprocess.run([server_harness.QUIRED, "--listen", "127.0.0.1:0", "--no-tls", "--data", data], capture_output=True,
                text=True, timeout=20, user=65534, group=65534)
        else:
            os.chmod(store, 0o500)
            os.chmod(os.path.join(store, "log.mdb"), 0o400)
            result = quired("--listen", "127.0.0.1:0", "--no-tls", "--data", data)
            os.chmod(store, 0o700)
        assert result.returncode == 3 and "chown" in result.stderr and sorted(os.listdir(store)) == before, result

        key, cert, locked = (os.path.join(folder, name) for name in ("key.pem", "cert.pem", "locked.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
            "-out", cert, "-subj", "/CN=x"], check=True, capture_output=True)
        subprocess.run(["openssl", "ec", "-aes256", "-passout", "pass:secret", "-in", key, "-out", locked], check=True,
            capture_output=True)
        for name, code in ((key, 0), (locked, 2)):
            master, slave = os.openpty()  # a terminal on which no question appears
            try:
                result = subprocess.run([server_harness.QUIRED, "--check", "--listen", "127.0.0.1:0", "--cert", cert, "--key", name],
                    stdin=slave, stderr=slave, stdout=slave, timeout=10, start_new_session=True)
                shown = os.read(master, 4096).decode()
            finally:
                os.close(master)
                os.close(slave)
            assert result.returncode == code and "pass phrase" not in shown, (name, result, shown)
        assert "passphrase cannot be used" in shown, shown


def test_few_open_files_are_told_and_more_connections_refused_without_a_spin():
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (96, 96))
    with Server(preexec=few) as server:
        assert server.health()["open_files_max"] == 96
        assert server.health()["connections_max"] == 32
        held = [server.connect() for _ in range(150)]
        time.sleep(0.5)
        before = server.cpu_seconds()
        time.sleep(1)
        assert server.cpu_seconds() - before < 0.1, "it spins"
        for one in held:
            one.close()
        wait_for(lambda: server.request("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").startswith("HTTP/1.1 200"))
        with server.websocket():
            pass


def test_an_idle_server_is_small_and_still():
    with Server(tls=True) as server:
        time.sleep(0.5)
        before = server.cpu_seconds()
        time.sleep(2)
        used = server.cpu_seconds() - before
        print(f"# {server.memory_kb()} kB resident, {server.memory_kb('RssAnon')} kB of it its own, {used:.2f} CPU-s in 2 s")
        assert server.memory_kb() < 20000 or os.environ.get("QUIRE_SANITIZED")
        assert used <= 0.02


run(globals(), sys.argv)
