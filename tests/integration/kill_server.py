#!/usr/bin/env python3
"""kill -9 of the server, again and again, under load: what it acknowledged, it still has.

Two sorts of load at once. quire-load pushes as fast as the server takes it and, each time it is back,
compares the server's heads with what was acknowledged to it. And a device of a real account writes and
syncs; whatever `quire sync` said is on the server must be there for a device that starts from nothing.
At the end quirectl verifies every hash, chain and signature of the store.

QUIRE_KILLS, or --kills N, says how often (default 30).
"""
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import harness
from harness import SERVER_BEHIND, Failed, World, dice, main, test, until

UNLIMITED = ("--pushes-per-second", "1000000", "--pushes-burst", "10000000", "--push-bytes-per-second", "4000000000",
    "--push-bytes-burst", "4000000000", "--user-bytes", "64G")


def wanted_kills():
    if "--kills" in sys.argv:
        at = sys.argv.index("--kills")
        sys.argv.pop(at)
        return int(sys.argv.pop(at))
    return int(os.environ.get("QUIRE_KILLS", 30))


KILLS = wanted_kills()


@test
def a_killed_server_has_all_that_it_acknowledged():
    random = dice()
    with World() as world:
        server = world.server(*UNLIMITED, tls=False)
        load = world.spawn([harness.programs["quire-load"], "--survive", "--devices", "1", "--users", "8", "--window", "32",
            "--server", server.address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        phone = world.device("phone", server).init()
        acknowledged, ended = {}, threading.Event()

        def write():
            number, since = 0, {}
            while not ended.is_set():
                text = f"entry {number}"
                since[phone.write(text)] = text
                number += 1
                try:
                    phone.sync()
                    acknowledged.update(since)
                    since.clear()
                except Failed as failure:
                    assert failure.code == 3, f"offline is all that may happen: {failure}"
        errors = []

        def guarded():
            try:
                write()
            except Exception as error:
                errors.append(error)
        replica = threading.Thread(target=guarded)
        replica.start()
        try:
            for _ in range(KILLS):
                time.sleep(random.choice([0.002, 0.02, 0.1, 0.25]) * random.random() + 0.05)
                assert server.process.poll() is None, f"the server ended by itself: {server.log()[-1000:]}"
                server.kill()
                server.start()
                if load.poll() is not None:
                    break
            time.sleep(0.5)
        finally:
            ended.set()
            replica.join()
        assert not errors, errors[0]
        load.send_signal(signal.SIGTERM)
        out, err = load.communicate(timeout=20)
        assert load.returncode == 0, err
        figures = json.loads(out)
        print(f"# {KILLS} kills, {figures}, entries synced by hand {len(acknowledged)}")
        assert figures["lost"] == 0 and figures["reconnects"] >= KILLS / 2, figures
        assert figures["acknowledged"] > 10 * KILLS and len(acknowledged) > 0
        phone.sync()
        found = world.device("found", server).recover(phone.kit)
        shown = found.texts()
        missing = [text for entry, text in acknowledged.items() if shown.get(entry) != text]
        assert not missing, f"{len(missing)} of {len(acknowledged)} acknowledged entries are missing"
        assert SERVER_BEHIND not in phone.alarms(), "the server never lost what it had"
        assert server.stop() == 0
        verified = subprocess.run([harness.programs["quirectl"], "verify", server.folder], text=True, capture_output=True)
        assert verified.returncode == 0, verified.stdout[-2000:] + verified.stderr
        batches = int(re.search(r"(\d+) batches", verified.stdout)[1])
        assert batches > figures["acknowledged"], f"{batches} batches are in the store"
        print("#", verified.stdout.splitlines()[-1])


@test
def a_server_that_is_told_to_end_acknowledges_what_it_took_and_goes():
    with World() as world:
        server = world.server(*UNLIMITED, tls=False)
        load = world.spawn([harness.programs["quire-load"], "--survive", "--devices", "1", "--users", "8", "--window", "32",
            "--server", server.address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(5):
            time.sleep(0.3)
            assert server.stop(15) == 0, server.log()[-1000:]
            server.start()
        until(lambda: load.poll() is None, 1)
        time.sleep(0.3)
        load.send_signal(signal.SIGTERM)
        out, err = load.communicate(timeout=20)
        assert load.returncode == 0 and json.loads(out)["lost"] == 0, err
        assert json.loads(out)["acknowledged"] > 0


main()
