"""The hosts of docs/examples against a real server: what a reader copies works.

usage: FILE QUIRED EXAMPLE_HOST
"""
import pathlib
import subprocess
import sys
import tempfile

import server_harness
from server_harness import Server

HOST = sys.argv[2]


def host(profile, *words, code=0):
    ran = subprocess.run([HOST, str(profile), *map(str, words)], capture_output=True, text=True, timeout=60)
    assert ran.returncode == code, (words, ran.returncode, ran.stdout, ran.stderr)
    return ran.stdout if code == 0 else ran.stderr


def pair(server, folder, *ca):
    """An account of two devices: the second joins by the code that the first one shows."""
    phone, laptop = folder / "phone", folder / "laptop"
    kit = host(phone, "init", "phone")
    assert len(kit.strip()) == 69 and kit.count("-") == 13, kit
    host(phone, "write", "written on the phone")
    pairing = subprocess.Popen([HOST, str(phone), "pair", "127.0.0.1", str(server.port), *ca],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    code = pairing.stdout.readline().strip()
    host(laptop, "join", "laptop", code, "127.0.0.1", server.port, *ca)
    _, said = pairing.communicate(timeout=60)
    assert pairing.returncode == 0, said
    return phone, laptop


def meet(server, phone, laptop, *ca):
    for device in (phone, laptop, phone):
        host(device, "sync", "127.0.0.1", server.port, *ca)


def test_two_example_hosts_pair_and_write_apart_and_show_the_same():
    with tempfile.TemporaryDirectory() as name, Server() as server:
        phone, laptop = pair(server, pathlib.Path(name))
        host(phone, "write", "offline on the phone")
        host(laptop, "write", "offline on the laptop")
        meet(server, phone, laptop)
        text = host(phone, "show")
        assert text == host(laptop, "show"), text
        assert sorted(text.splitlines()) == ["offline on the laptop", "offline on the phone", "written on the phone"], text


def test_the_example_host_speaks_tls_to_a_server_that_it_has_the_certificate_of():
    with tempfile.TemporaryDirectory() as name, Server(tls=True) as server:
        (certificate,) = pathlib.Path(server.data).rglob("*cert*.pem")
        phone, laptop = pair(server, pathlib.Path(name), certificate)
        meet(server, phone, laptop, certificate)
        assert host(laptop, "show") == "written on the phone\n"


def test_a_group_that_a_crash_left_incomplete_is_dropped_and_all_before_it_is_whole():
    with tempfile.TemporaryDirectory() as name:
        phone = pathlib.Path(name) / "phone"
        host(phone, "init", "phone")
        host(phone, "write", "one")
        whole = phone.read_bytes()
        host(phone, "write", "two")
        longer = phone.read_bytes()
        assert longer.startswith(whole)
        for size in (len(whole) + 1, (len(whole) + len(longer)) // 2, len(longer) - 1):
            phone.write_bytes(longer[:size])
            (pathlib.Path(name) / "phone.replica").unlink(missing_ok=True)  # a restored profile comes without it
            assert host(phone, "show") == "one\n", size
        phone.write_bytes(longer[:-1] + bytes([longer[-1] ^ 1]))
        assert host(phone, "show") == "one\n"
        host(phone, "write", "three")
        assert host(phone, "show") == "one\nthree\n"


def test_the_example_host_waits_for_a_server_that_comes_later():
    with tempfile.TemporaryDirectory() as name:
        phone, port = pathlib.Path(name) / "phone", None
        with Server() as server:
            port = server.port
        host(phone, "init", "phone")
        host(phone, "write", "patience")
        waiting = subprocess.Popen([HOST, str(phone), "sync", "127.0.0.1", str(port)], stderr=subprocess.PIPE, text=True)
        assert "offline" in waiting.stderr.readline()
        with Server("--listen", f"127.0.0.1:{port}") as server:
            _, said = waiting.communicate(timeout=60)
            assert waiting.returncode == 0, said


def test_wrong_use_and_failures_are_said_and_lose_nothing():
    with tempfile.TemporaryDirectory() as name:
        phone = pathlib.Path(name) / "phone"
        assert "usage" in host(phone, "dance", code=2)
        assert "host:" in host(phone, "show", code=1), "there is no profile"
        host(phone, "init", "phone")
        host(phone, "write", "kept")
        assert "host:" in host(phone, "init", "phone", code=1), "there is one already"
        with Server() as server:
            assert "host:" in host(pathlib.Path(name) / "other", "join", "x", "no code", "127.0.0.1", server.port, code=1)
        assert host(phone, "show") == "kept\n"


server_harness.run(globals(), sys.argv)
