#!/usr/bin/env python3
"""An earlier release beside this one: devices, servers and their folders, upgraded and downgraded.

QUIRE_OLD names the folder that tools/old-release built. Each cell of the matrix is a test: which program is
old, which is new, what was upgraded or put back. What must hold everywhere: no word is lost, no user is locked out, and
what one release cannot read of the other is kept for the one that can.
"""
import os
import pathlib

from harness import Failed, Skip, World, main, programs, test

OFFLINE = 3


def old():
    """The earlier programs by name."""
    folder = os.environ.get("QUIRE_OLD")
    if not folder:
        raise Skip("QUIRE_OLD is not set: no earlier release was built")
    if folder == "none":  # a checkout without history: this release beside itself
        return programs
    built = pathlib.Path(folder).resolve() / "build" / "src"
    return {"quired": str(built / "server" / "quired"), "quire": str(built / "client" / "quire")}


def matrix(which):
    """The program of that release."""
    return old() if which == "old" else programs


def write_and_meet(phone, laptop, texts):
    """Both write, both edit one entry apart, and both must show everything."""
    shared = phone.write("one two three\n")
    texts[shared] = None
    phone.sync()
    laptop.sync()
    phone.edit(shared, "one two three four\n")
    laptop.edit(shared, "zero one two three\n")
    for device in (phone, laptop):
        text = f"by {device.name}, number {len(texts)}"
        texts[device.write(text)] = text
    for device in (phone, laptop, phone, laptop):
        device.sync()
    texts[shared] = "zero one two three four\n"
    check(phone, texts)
    check(laptop, texts)
    assert phone.status()["words"] == laptop.status()["words"], "equal words"


def check(device, texts):
    shown = device.texts()
    wrong = {entry: (text, shown.get(entry)) for entry, text in texts.items() if shown.get(entry) != text}
    assert not wrong, f"{device.name} shows {wrong}"
    assert device.alarms() == {}, device.alarms()


def cell(server_is, phone_is, laptop_is):
    with World() as world:
        server = world.server(program=matrix(server_is)["quired"])
        phone, laptop = world.device("phone", server), world.device("laptop", server)
        phone.program, laptop.program = matrix(phone_is)["quire"], matrix(laptop_is)["quire"]
        phone.init()
        laptop.join(phone)
        write_and_meet(phone, laptop, {})


@test
def an_old_phone_and_a_new_laptop_meet_on_a_new_server():
    cell("new", "old", "new")


@test
def a_new_phone_and_an_old_laptop_meet_on_an_old_server():
    cell("old", "new", "old")


@test
def two_new_devices_meet_on_an_old_server():
    cell("old", "new", "new")


@test
def two_old_devices_meet_on_a_new_server():
    cell("new", "old", "old")


@test
def everything_is_upgraded_in_the_middle_of_a_story():
    """A rolling upgrade; the server's folder goes back to the earlier release and forth. Profiles go forward only
    (quire/version.h): the earlier release says so, and changes nothing."""
    with World() as world:
        server = world.server(program=old()["quired"])
        phone, laptop = world.device("phone", server), world.device("laptop", server)
        phone.program = laptop.program = old()["quire"]
        phone.init()
        laptop.join(phone)
        texts = {}
        write_and_meet(phone, laptop, texts)
        for changed in ("server", "phone", "server", "laptop", "server"):
            if changed == "server":
                assert server.stop() == 0
                server.program = programs["quired"] if server.program == old()["quired"] else old()["quired"]
                server.start()
            else:
                device = phone if changed == "phone" else laptop
                device.program = programs["quire"]
                check(device, texts)
            write_and_meet(phone, laptop, texts)
        if old() is not programs:
            phone.program = old()["quire"]
            try:
                phone.entries()
                raise AssertionError("the earlier release read what it cannot know")
            except Failed as failure:
                assert "newer version of Quire" in failure.out, failure
            phone.program = programs["quire"]
        write_and_meet(phone, laptop, texts)
        found = world.device("found", server).recover(phone.kit)
        check(found, texts)


@test
def devices_that_follow_stay_in_step_while_the_server_is_replaced_again_and_again():
    with World() as world:
        server = world.server(program=old()["quired"])
        phone, laptop = world.phone_and_laptop(server)
        following = [device.start("sync", "--follow", "--json") for device in (phone, laptop)]
        texts, refused = {}, 0
        for turn in range(4):
            for device in (phone, laptop):
                text = f"{device.name} in turn {turn}"
                texts[device.write(text)] = text
            assert server.stop() == 0, "an orderly end"
            server.program = programs["quired"] if server.program == old()["quired"] else old()["quired"]
            server.start()
        for process in following:
            assert process.poll() is None, "a device that follows stays"
            process.terminate()
            process.communicate(timeout=20)
        for device in (phone, laptop, phone, laptop):
            try:
                device.sync()
            except Failed as failure:
                refused += failure.code != OFFLINE
        assert refused == 0
        check(phone, texts)
        check(laptop, texts)


main()
