"""The server when its store is full, or when it is told to end under load. usage: FILE QUIRED QUIRE_LOAD"""
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import shutil
import time

import server_harness
from server_harness import Server, run, wait_for

LOAD = sys.argv[2]
FREE = ["--pushes-per-second", "1000000", "--pushes-burst", "1000000", "--push-bytes-burst", "4000000000",
    "--push-bytes-per-second", "4000000000"]
LONG = ["--users", "10", "--devices", "2", "--pushes", "5000", "--window", "16"]  # for some seconds


@contextlib.contextmanager
def start_load(server, *options):
    with subprocess.Popen([LOAD, "--server", f"127.0.0.1:{server.port}", *options], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def load(server, *options):
    with start_load(server, *options) as process:
        output, errors = process.communicate(timeout=60)
    assert output, errors
    return json.loads(output)


def test_a_full_store_refuses_writes_keeps_what_it_acknowledged_and_goes_on_when_there_is_room():
    folder = tempfile.mkdtemp(prefix="quired-full-")
    try:
        with Server(*FREE, "--store-max", "2M", data=folder) as server:
            result = load(server, "--users", "4", "--devices", "1", "--pushes", "3000", "--window", "16")
            assert 0 < result["acknowledged"] < 12000 and result["connections_lost"] == 0, result
            health = server.health()
            assert health["status"] == "full" and health["http"] == 200, health
            assert health["last_lsn"] >= result["acknowledged"], health
            assert "disk_full" in server.log() and "--store-max" in server.log(), server.log()
        with Server(*FREE, "--store-max", "1G", data=folder) as server:
            assert server.health()["last_lsn"] == health["last_lsn"]
            more = load(server, "--users", "4", "--devices", "2", "--pushes", "300", "--window", "16", "--seed", "9")
            assert more["acknowledged"] == more["of"] and more["errors"] == 0, more
            assert server.health()["status"] == "ok"
    finally:
        shutil.rmtree(folder)


def test_a_store_that_was_cut_is_refused_with_what_to_do_and_left_as_it_is():
    folder = tempfile.mkdtemp(prefix="quired-cut-")
    try:
        with Server(*FREE, data=folder) as server:
            load(server, "--users", "2", "--devices", "1", "--pushes", "300", "--window", "16")
        path = os.path.join(folder, "store", "log.mdb")
        size = os.path.getsize(path) - 4096
        os.truncate(path, size)
        result = subprocess.run([server_harness.QUIRED, "--listen", "127.0.0.1:0", "--no-tls", "--data", folder],
            capture_output=True, text=True, timeout=20)
        assert result.returncode == 3, result
        for words in ("was cut", "4096 bytes", "left as it is", "backup", "devices send again"):
            assert words in result.stderr, (words, result.stderr)
        assert os.path.getsize(path) == size
    finally:
        shutil.rmtree(folder)


def test_terminating_under_load_acknowledges_what_is_durable_and_ends_in_time():
    folder = tempfile.mkdtemp(prefix="quired-drain-")
    try:
        with Server(*FREE, data=folder) as server, start_load(server, *LONG) as process:
            wait_for(lambda: server.health()["batches_accepted"] > 500)
            began = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(12) == 0
            assert time.monotonic() - began < 8, "the drain takes long"
            assert "drained_late" not in server.log(), server.log()
            output, _ = process.communicate(timeout=30)
            acknowledged = json.loads(output)["acknowledged"] if output else 0
        with Server(*FREE, data=folder) as server:
            assert server.health()["last_lsn"] >= max(acknowledged, 500)
            assert server.health()["records_damaged"] == 0
    finally:
        shutil.rmtree(folder)


def test_a_kill_under_load_leaves_a_store_that_opens_at_once():
    folder = tempfile.mkdtemp(prefix="quired-kill-")
    try:
        for seed in range(5):
            with Server(*FREE, data=folder, expect=-signal.SIGKILL) as server:
                before = server.health()["last_lsn"]
                with start_load(server, *LONG, "--seed", str(seed)):
                    wait_for(lambda: server.health()["batches_accepted"] > 300)
                    server.process.kill()
                    server.process.wait()
            began = time.monotonic()
            with Server(*FREE, data=folder) as server:
                assert time.monotonic() - began < 2, "opening takes long"
                health = server.health()
                assert health["last_lsn"] > before and health["records_damaged"] == 0, health
    finally:
        shutil.rmtree(folder)


run(globals(), sys.argv)
