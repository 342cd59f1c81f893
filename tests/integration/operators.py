#!/usr/bin/env python3
"""What an operator does to a server that is in use: backups while it is written to, and two servers out of one."""
import json
import re
import shutil
import subprocess
import time

from harness import World, main, programs, test

BACKUPS = 6


def verified(folder):
    """The number of batches in a store of which nothing is bad."""
    done = subprocess.run([programs["quirectl"], "verify", folder], text=True, capture_output=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return int(re.search(r"(\d+) batches", done.stdout)[1])


@test
def a_backup_under_load_is_a_store_that_was_committed():
    """Each copy verifies, holds what was acknowledged before it began, and can be served."""
    with World() as world:
        server = world.server("--pushes-per-second", "1000000", "--pushes-burst", "10000000", "--push-bytes-per-second",
            "4000000000", "--push-bytes-burst", "4000000000", "--user-bytes", "64G", tls=False)
        phone = world.device("phone", server).init()
        load = world.spawn([programs["quire-load"], "--survive", "--devices", "1", "--users", "8", "--window", "32",
            "--server", server.address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        counts, texts = [], {}
        for number in range(BACKUPS):
            text = f"written before backup {number}"
            texts[phone.write(text)] = text
            phone.sync()
            copy = world.folder / f"backup{number}"
            (copy / "store").mkdir(parents=True)
            started = time.monotonic()
            subprocess.run(["mdb_copy", "-n", server.folder / "store" / "log.mdb", copy / "store" / "log.mdb"], check=True)
            print(f"# backup {number}: {time.monotonic() - started:.3f} s")
            counts.append(verified(copy))
            assert load.poll() is None, load.communicate()
        load.terminate()
        out, err = load.communicate(timeout=20)
        assert load.returncode == 0 and json.loads(out)["lost"] == 0, err
        assert counts == sorted(counts) and counts[0] < counts[-1], f"{counts}: the load was written meanwhile"
        server.stop()
        shutil.rmtree(phone.home / "profile")
        server.folder = world.folder / f"backup{BACKUPS - 1}"
        server.start()
        found = world.device("found", server).recover(phone.kit)
        assert found.texts() == texts, "all that was acknowledged before the backup began"


@test
def two_servers_from_one_backup_are_merged_by_the_devices():
    with World() as world:
        server = world.server(tls=False)
        phone, laptop = world.phone_and_laptop(server)
        shared = phone.write("one two three\n")
        for device in (phone, laptop):
            device.sync()
        server.stop()
        other_folder = world.folder / "other"
        shutil.copytree(server.folder, other_folder)
        server.start()
        other = world.server(data=other_folder, tls=False)
        texts = {shared: "zero one two three four\n"}
        laptop.run("server", other.url)
        phone.edit(shared, "one two three four\n")
        laptop.edit(shared, "zero one two three\n")
        for device in (phone, laptop):
            for number in range(3):
                text = f"{device.name} {number}"
                texts[device.write(text)] = text
                device.sync()
        other.stop()
        laptop.run("server", server.url)
        for device in (laptop, phone, laptop):
            device.sync()
        assert phone.texts() == laptop.texts() == texts, (phone.texts(), laptop.texts())
        assert phone.status()["words"] == laptop.status()["words"]


main()
