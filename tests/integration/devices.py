#!/usr/bin/env python3
"""Devices and a server, honest and not: what the command line promises, with real processes."""
import json
import os
import shutil
import subprocess

from harness import FORK, SERVER_BEHIND, Failed, Skip, World, main, programs, test, until

USAGE, OFFLINE, REFUSED = 2, 3, 4
ROSTER = 3  # an alarm


def refused(code, call, *arguments, **options):
    """The call fails with this exit code; what was said."""
    try:
        call(*arguments, **options)
    except Failed as failure:
        assert failure.code == code, f"exit {failure.code} instead of {code}: {failure}"
        return failure.out + failure.err
    raise AssertionError("it succeeded")


def meet(*devices):
    """Everybody has everything after two rounds."""
    for _ in range(2):
        for device in devices:
            device.sync()


@test
def two_devices_write_offline_and_meet():
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        entry = phone.write("It rained.\nThe tram was late.\n")
        meet(phone, laptop)
        assert laptop.show(entry) == "It rained.\nThe tram was late.\n"
        server.stop()
        phone.edit(entry, "It rained all day.\nThe tram was late.\n")
        laptop.edit(entry, "It rained.\nThe tram was late, and I did not mind. 🌧️\n")
        server.start()
        meet(phone, laptop)
        merged = "It rained all day.\nThe tram was late, and I did not mind. 🌧️\n"
        assert phone.show(entry) == laptop.show(entry) == merged, phone.show(entry)
        assert phone.status()["words"] == laptop.status()["words"]


@test
def a_delete_loses_against_an_edit_that_did_not_know_of_it():
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        gone, kept = phone.write("to be deleted"), phone.write("to be kept")
        meet(phone, laptop)
        phone.run("delete", gone)
        phone.run("delete", kept)
        laptop.edit(kept, "to be kept, said the laptop")
        meet(phone, laptop)
        for device in (phone, laptop):
            assert [row["entry"] for row in device.entries()] == [kept]
            assert device.show(kept) == "to be kept, said the laptop"


@test
def the_recovery_kit_alone_brings_everything_back():
    with World() as world:
        server = world.server()
        phone = world.device("phone", server).init()
        written = {phone.write(text): text for text in ("one", "two", "three 🙂")}
        phone.sync()
        shutil.rmtree(phone.home)
        found = world.device("found", server).recover(phone.kit)
        assert found.texts() == written


@test
def a_revoked_device_reads_and_writes_nothing_new():
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        before = phone.write("before")
        meet(phone, laptop)
        laptop_id = next(row["id"] for row in phone.json("devices")["devices"] if row["name"] == "laptop")
        stolen = laptop.write("written by the thief, offline")
        assert "another one" in refused(USAGE, phone.run, "revoke", "phone"), "not itself"
        phone.run("revoke", laptop_id)
        after = phone.write("after the revocation")
        phone.sync()
        refused(REFUSED, laptop.sync)
        assert laptop.show(before) == "before", "what it had, it keeps"
        assert after not in laptop.texts()
        phone.sync()
        assert stolen not in phone.texts(), "what it writes after its revocation is not taken in"
        rows = {row["name"]: row["active"] for row in phone.json("devices")["devices"]}
        assert rows == {"phone": True, "laptop": False}


def id_of(device, name):
    return next(row["id"] for row in device.json("devices")["devices"] if row["name"] == name)


def put_back(server, backup):
    """What an operator does after a disk died: the old folder, and start."""
    server.stop()
    shutil.rmtree(server.folder)
    shutil.copytree(backup, server.folder)
    server.start()


def back_up(world, server):
    server.stop()
    shutil.copytree(server.folder, world.folder / "backup")
    server.start()
    return world.folder / "backup"


@test
def a_server_put_back_to_a_backup_keeps_nobody_in_who_was_revoked():
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        tablet = world.device("tablet", server).join(phone)
        meet(phone, laptop, tablet)
        backup = back_up(world, server)
        phone.run("revoke", id_of(phone, "laptop"))
        private = phone.write("what the thief must not read")
        phone.sync()
        put_back(server, backup)
        late = laptop.write("the thief writes, and the server lost data")
        laptop.sync()
        tablet.sync()
        answer = tablet.write("a device answers that does not know")
        tablet.sync()
        phone.sync()  # it is here that the revocation is made again
        meet(phone, tablet)
        assert phone.texts() == tablet.texts(), (phone.texts(), tablet.texts())
        assert set(phone.texts()) == {private, late, answer}
        assert phone.status()["words"] == tablet.status()["words"]
        assert phone.alarms() == {ROSTER: 1}, phone.alarms()
        refused(REFUSED, laptop.sync)
        assert private not in laptop.texts()
        for device in (phone, tablet):
            assert {row["name"]: row["active"] for row in device.json("devices")["devices"]} == {
                "phone": True, "laptop": False, "tablet": True}


@test
def a_device_that_a_backup_knows_nothing_of_comes_back():
    """By itself where another device knows of it, else by `quire rejoin`."""
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        meet(phone, laptop)
        backup = back_up(world, server)
        tablet = world.device("tablet", server).join(phone)
        written = {tablet.write("on a tablet that is forgotten"): "on a tablet that is forgotten"}
        tablet.sync()
        put_back(server, backup)
        watch = world.device("watch", server).join(laptop)  # on a record that has the tablet's place
        assert "quire rejoin" in refused(REFUSED, tablet.sync)
        written[tablet.write("while it was outside")] = "while it was outside"
        shutil.rmtree(phone.home)  # no device is left that knew of it
        shown = laptop.start("pair", "--json")
        offer = json.loads(shown.stdout.readline())
        code = offer["code"]
        assert (offer["server"], offer["fingerprint"]) == (server.url, server.fingerprint), "all that a new device is told"
        assert tablet.json("rejoin", code)["rejoined"]
        assert shown.wait(60) == 0
        shown.stdin.close()
        shown.stdout.close()
        meet(tablet, laptop, watch)
        assert tablet.texts() == laptop.texts() == watch.texts() == written
        assert tablet.status()["words"] == watch.status()["words"]
        said = refused(1, tablet.run, "rejoin", code[:-1] + ("0" if code[-1] != "0" else "1"))
        assert "no device shows this code" in said, said
        tablet.sync()


@test
def another_accounts_entries_stay_its_own():
    with World() as world:
        server = world.server()
        ada, ben = world.device("ada", server).init(), world.device("ben", server).init()
        hers, his = ada.write("Ada's"), ben.write("Ben's")
        meet(ada, ben)
        assert ada.texts() == {hers: "Ada's"} and ben.texts() == {his: "Ben's"}
        refused(1, ben.show, hers)


@test
def a_server_with_another_certificate_is_refused():
    with World() as world:
        server = world.server()
        phone = world.device("phone", server).init()
        entry = phone.write("private")
        phone.sync()
        server.stop()
        for path in server.folder.iterdir():
            if path.suffix in (".pem", ".crt", ".key") or "cert" in path.name:
                path.unlink()
        pinned = server.fingerprint
        server.start()
        assert server.fingerprint != pinned, "it made itself a new certificate"
        said = refused(REFUSED, phone.sync)
        assert "certificate" in said.lower() and "another machine answers in its place" in said and "--trust-first-use" not in said, said
        assert phone.show(entry) == "private"
        phone.run("server", server.url, "--fingerprint", server.fingerprint)
        phone.sync()


@test
def a_server_that_is_away_costs_nothing_but_the_sync():
    with World() as world:
        server = world.server()
        phone = world.device("phone", server).init()
        server.kill()
        entry = phone.write("offline")
        refused(OFFLINE, phone.sync)
        assert phone.show(entry) == "offline"
        server.start()
        phone.sync()
        assert phone.status()["unacknowledged"] == 0


@test
def a_server_that_lost_everything_is_filled_again_by_any_device():
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        written = {phone.write("from the phone"): "from the phone", laptop.write("from the laptop"): "from the laptop"}
        meet(phone, laptop)
        kit = phone.kit
        server.stop()
        for path in server.folder.iterdir():
            if path.suffix not in (".pem", ".crt", ".key") and "cert" not in path.name:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        server.start()
        laptop.sync()  # the phone stays away: the laptop brings back the phone's batches, too
        found = world.device("found", server).recover(kit)
        assert found.texts() == written
        phone.sync()
        assert phone.texts() == written


@test
def a_server_restored_from_an_old_backup_is_healed_and_it_is_said():
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        first = phone.write("first")
        meet(phone, laptop)
        server.stop()
        backup = world.folder / "backup"
        shutil.copytree(server.folder, backup)
        server.start()
        second = phone.write("second")
        meet(phone, laptop)
        server.stop()
        shutil.rmtree(server.folder)
        shutil.copytree(backup, server.folder)
        server.start()
        third = laptop.write("third")
        meet(phone, laptop)
        wanted = {first: "first", second: "second", third: "third"}
        assert phone.texts() == wanted and laptop.texts() == wanted
        found = world.device("found", server).recover(phone.kit)
        assert found.texts() == wanted
        assert SERVER_BEHIND in {**phone.alarms(), **laptop.alarms()}


@test
def a_restored_profile_forks_nothing_and_loses_nothing():
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        entry = phone.write("one")
        meet(phone, laptop)
        backup = world.folder / "old phone"
        shutil.copytree(phone.profile, backup)
        phone.edit(entry, "one two")
        phone.sync()
        shutil.rmtree(phone.profile)
        shutil.copytree(backup, phone.profile)
        phone.edit(entry, "zero one")
        meet(phone, laptop)
        assert phone.show(entry) == laptop.show(entry) == "zero one two", phone.show(entry)
        assert FORK not in {**phone.alarms(), **laptop.alarms()}


@test
def a_cloned_profile_converges_with_its_twin():
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        entry = phone.write("middle")
        meet(phone, laptop)
        twin = world.device("twin", server)
        shutil.copytree(phone.home, twin.home, dirs_exist_ok=True, ignore=shutil.ignore_patterns("run", "*.log"))
        twin.environment["QUIRE_KEY_FILE"] = str(next((phone.home / "config").rglob("*.key")))
        for round_number in range(3):
            phone.edit(entry, f"p{round_number} " + phone.show(entry))
            twin.edit(entry, twin.show(entry) + f" t{round_number}")
            meet(phone, twin, laptop)
        shown = laptop.show(entry)
        assert phone.show(entry) == twin.show(entry) == shown
        for word in ("p0", "p1", "p2", "t0", "t1", "t2", "middle"):
            assert word in shown, shown


@test
def clocks_that_are_years_apart_change_nothing():
    if not shutil.which("faketime"):
        raise Skip("faketime is not installed")
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        entry = phone.write("now")
        meet(phone, laptop)
        early, late = ("faketime", "-f", "-30y"), ("faketime", "-f", "+20y")
        phone.edit(entry, "now, said thirty years ago", wrapper=early)
        phone.sync(wrapper=early)
        laptop.sync(wrapper=late)
        laptop.run("edit", entry, "--title", "from the future", wrapper=late)
        laptop.sync(wrapper=late)
        phone.sync()
        phone.run("edit", entry, "--title", "from now")  # has seen the future's: it wins over it
        meet(phone, laptop)
        for device in (phone, laptop):
            assert device.show(entry) == "now, said thirty years ago"
            assert "from now" in device.run("show", entry) and "from the future" not in device.run("show", entry)


@test
def a_full_store_refuses_and_loses_nothing():
    with World() as world:
        server = world.server("--store-max", "1M")
        phone = world.device("phone", server).init()
        written = {}
        with_room = 0
        for number in range(40):
            text = f"{number} " + os.urandom(20000).hex()
            written[phone.write(text)] = text
            try:
                phone.run("sync", "--timeout", "5")
                with_room += 1
            except Failed as failure:
                assert failure.code in (OFFLINE, REFUSED, 1), failure
                break
        assert 0 < with_room < 40, f"{with_room} entries went in"
        assert phone.texts() == written, "everything is still here"
        server.stop()
        server.flags = ["--store-max", "64M"]
        server.start()
        phone.sync()
        found = world.device("found", server).recover(phone.kit)
        assert found.texts() == written


@test
def what_the_server_refuses_is_said_with_its_reason():
    with World() as world:
        server = world.server("--registration", "closed", "--user-bytes", "3K")
        phone = world.device("phone", server).init()
        first = phone.write("one")
        said = refused(REFUSED, phone.sync)
        assert "takes no new accounts" in said and "rejoin" not in said, said
        server.stop()
        server.flags = ["--user-bytes", "3K"]
        server.start()
        phone.sync()
        second = phone.write(os.urandom(3000).hex())
        for _ in range(2):
            said = refused(REFUSED, phone.run, "sync", "--json")
            assert "no more room for this account" in json.loads(said)["error"]["text"], said
        assert set(phone.texts()) == {first, second}
        assert phone.status()["unacknowledged"] == 1
        server.stop()
        server.flags = ["--user-bytes", "1M"]
        server.start()
        phone.sync()
        assert phone.status()["unacknowledged"] == 0


@test
def a_full_disk_refuses_and_loses_nothing():
    with World() as world:
        disk = world.folder / "disk"
        disk.mkdir()
        if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=4m none '{disk}' 2>/dev/null") != 0:
            raise Skip("no small disk can be mounted here")
        try:
            server = world.server(data=disk / "data")
            phone = world.device("phone", server).init()
            phone.write("there is room")
            phone.sync()
            with open(disk / "ballast", "wb") as file:
                try:
                    while True:
                        file.write(b"x" * 65536)
                        file.flush()
                except OSError:
                    pass
            texts = [f"{number} " + os.urandom(10000).hex() for number in range(20)]
            written = {phone.write(text): text for text in texts}
            refused(REFUSED, phone.run, "sync", "--timeout", "5")
            assert server.process.poll() is None, "the server goes on"
            (disk / "ballast").unlink()
            until(lambda: phone.run("sync", "--timeout", "20") is not None, 30)
            found = world.device("found", server).recover(phone.kit)
            shown = found.texts()
            assert all(shown[entry] == text for entry, text in written.items())
            server.stop()
        finally:
            for process in world.started:
                if process.poll() is None:
                    process.kill()
                    process.wait()
            os.system(f"umount '{disk}'")


def quirectl(*arguments):
    done = subprocess.run([programs["quirectl"], *map(str, arguments)], text=True, capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr


@test
def quirectl_explains_itself_waits_for_nobody_and_checks_a_store_that_is_down():
    code, out, err = quirectl("--help")
    assert code == 0 and "inspect" in out and "verify" in out and err == ""
    assert quirectl("--version")[1].startswith("quirectl ")
    for arguments in ([], ["verify"], ["repair", "x"], ["verify", "x", "y"]):
        code, out, err = quirectl(*arguments)
        assert code == 2 and out == "" and err.startswith("usage:"), (arguments, code, err)
    with World() as world:
        assert quirectl("verify", world.folder)[0] == 1
        server = world.server()
        phone = world.device("phone", server).init()
        phone.write("one")
        phone.sync()
        code, out, err = quirectl("verify", server.folder)
        assert code == 1 and "Stop its quired" in err, (code, err)
        server.stop()
        code, out, err = quirectl("verify", server.folder)
        assert code == 0 and "1 accounts" in out and "1 batches" in out and out.endswith("0 bad\n"), (code, out, err)
        code, out, err = quirectl("inspect", server.folder)
        assert code == 0 and "genesis" in out and "bytes of ciphertext" in out


@test
def nothing_that_can_be_read_is_on_the_server():
    with World() as world:
        server = world.server("--log-level", "debug")
        phone, laptop = world.phone_and_laptop(server)
        canary = "Zwölfuhrmittagskanarienvogel"
        entry = phone.write(f"{canary} sang")
        phone.run("edit", entry, "--title", f"title {canary}", "--tag", canary[:20], "--emotion", "joy-of-canary=70")
        meet(phone, laptop)
        core = open(f"/proc/{server.process.pid}/maps").read()
        words = [word.encode() for word in (canary, canary[:20], "joy-of-canary", "phone", "laptop")]
        scanned = 0
        with open(f"/proc/{server.process.pid}/mem", "rb", 0) as memory:
            for line in core.splitlines():
                span, rights = line.split()[:2]
                if "r" not in rights or line.endswith(("[vvar]", "[vsyscall]", "[vdso]")) or ".so" in line:
                    continue
                start, end = (int(part, 16) for part in span.split("-"))
                if end - start > 1 << 29:
                    continue  # set aside by a sanitizer, not memory of ours
                memory.seek(start)
                try:
                    data = memory.read(end - start)
                except OSError:
                    continue
                scanned += len(data)
                for word in words:
                    assert word not in data, f"{word} is in the server's memory ({line})"
        server.stop()
        for path in [*server.folder.rglob("*"), server.log_path]:
            if path.is_file():
                data = path.read_bytes()
                scanned += len(data)
                for word in words:
                    assert word not in data, f"{word} is in {path.name}"
        print(f"# {scanned} bytes searched")


main()
