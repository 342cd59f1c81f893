#!/usr/bin/env python3
"""Versions are what a person saved, offline too; what is deleted comes back; one order; marks that are exact."""
import random
import time

from harness import Failed, World, main, test
from terminal import Terminal

FAILED, USAGE = 1, 2


def versions(device, entry):
    """Oldest first."""
    return device.json("history", entry)["versions"][::-1]


def offline(world):
    device = world.device("laptop", None)
    device.run("init", "--name", "laptop")
    return device


@test
def each_save_by_a_command_is_a_version_offline_too():
    with World() as world:
        device = offline(world)
        entry = device.write("Monday's words.")
        other = device.write("Another entry, for the company.")
        device.edit(entry, "Saturday's.")
        told = versions(device, entry)
        assert [row["number"] for row in told] == [1, 2] and [row["length"] for row in told] == [15, 11], told
        assert device.run("show", entry, "--text", "--at", "1") == "Monday's words."
        assert device.run("show", entry, "--text", "--at", "#2") == "Saturday's."
        device.run("edit", entry, "--tag", "found")
        device.run("edit", entry, "--mood", "50")
        told = versions(device, entry)
        assert [row["fields"] for row in told[2:]] == [["tags"], ["mood"]], told
        assert "Monday" in device.run("diff", entry, "1", "2")
        assert len(versions(device, other)) == 1
        shown = device.run("history", entry).splitlines()
        assert len(shown) == 4 and shown[0].startswith("now") and "#4" in shown[0] and "#1" in shown[3], shown
        for wrong in ("0", "#0", "9", "#"):
            try:
                device.run("show", entry, "--at", wrong)
                raise AssertionError(wrong)
            except Failed as failure:
                assert "version" in failure.err, failure


@test
def a_long_text_is_one_version_and_no_text_that_never_was():
    with World() as world:
        server = world.server(tls=False)
        phone, laptop = world.phone_and_laptop(server)
        rng = random.Random(5)
        words = lambda size: " ".join(f"{rng.randrange(10 ** 6)}" for _ in range(size))
        first, second, third = words(6000), words(6000), words(9000)
        assert len(first) > 39000
        entry = phone.write(first)
        phone.edit(entry, second)
        phone.edit(entry, third)
        for device in (phone, laptop):
            device.sync()
            told = versions(device, entry)
            texts = [device.run("show", entry, "--text", "--at", str(row["number"])) for row in told]
            assert texts == [first, second, third], [len(text) for text in texts]
        assert versions(phone, entry) == versions(laptop, entry)


@test
def deleting_can_always_be_taken_back():
    with World() as world:
        server = world.server(tls=False)
        phone, laptop = world.phone_and_laptop(server)
        entry = phone.write("Never sealed before it was deleted.")
        with Terminal(phone, "delete", entry) as terminal:
            shown = terminal.end()
            assert terminal.status == 0 and f"quire undelete {entry[:8]}" in shown, shown
        assert phone.entries() == [] and [row["entry"] for row in phone.json("trash")["entries"]] == [entry]
        phone.run("undelete", entry[:8])
        assert phone.show(entry) == "Never sealed before it was deleted." and phone.json("trash")["entries"] == []
        phone.run("delete", entry)
        phone.sync()
        laptop.sync()
        assert laptop.entries() == []
        laptop.run("undelete", entry)
        laptop.sync()
        phone.sync()
        assert phone.show(entry) == "Never sealed before it was deleted." and len(phone.entries()) == 1
        for arguments in (["undelete", entry], ["undelete", "0" * 8]):
            try:
                phone.run(*arguments)
                raise AssertionError("it succeeded")
            except Failed as failure:
                assert "not deleted" in failure.err or "No entry" in failure.err, failure


@test
def undo_takes_the_last_save_back_and_a_second_undo_the_first():
    with World() as world:
        device = offline(world)
        entry = device.run("write", "--title", "T", "-", stdin="one").strip()
        try:
            device.run("undo", entry)
            raise AssertionError("there is nothing before it")
        except Failed as failure:
            assert failure.code == FAILED and "no version before" in failure.err
        device.run("edit", entry, "-", "--title", "U", stdin="two")
        device.run("undo", entry)
        shown = device.json("show", entry)
        assert (shown["text"], shown["title"]) == ("one", "T")
        device.run("undo", entry)
        shown = device.json("show", entry)
        assert (shown["text"], shown["title"]) == ("two", "U")
        device.run("delete", entry)
        device.run("undo", entry)
        assert not device.json("show", entry)["deleted"]
        assert len(versions(device, entry)) >= 5


@test
def the_order_is_one_in_every_time_zone_and_stays_when_an_entry_is_corrected():
    with World() as world:
        device = offline(world)
        same_minute = [device.write(f"number {number}") for number in range(4)]
        dated = [device.run("write", "--date", "2024-03-01", f"day {number}").strip() for number in range(3)]
        undated = device.write("without a date")
        device.run("edit", undated, "--no-date")
        expected = same_minute[::-1] + dated[::-1] + [undated]
        order = lambda zone: [row["entry"] for row in device.json("list", environment={"TZ": zone})["entries"]]
        for zone in ("UTC", "Pacific/Kiritimati", "America/Adak"):
            assert order(zone) == expected, zone
        device.edit(same_minute[0], "number 0, corrected")
        device.edit(dated[0], "day 0, corrected")
        device.edit(undated, "still without one")
        assert order("Asia/Kathmandu") == expected


@test
def the_mark_says_what_the_server_does_not_have_all_of():
    with World() as world:
        server = world.server(tls=False)
        device = world.device("laptop", server).init()
        entries = [device.write(f"entry {number} " + "x" * 1500) for number in range(12)]
        marked = lambda: {row["entry"] for row in device.entries() if row["unsent"]}
        assert marked() == set(entries) and device.status()["unsent"] == 12
        assert device.run("list").count("(not sent yet)") == 12 and "12 entries" in device.run("status")
        device.sync()
        assert marked() == set() and device.status()["unsent"] == 0
        device.edit(entries[3], "changed")
        device.edit(entries[3], "changed once more")
        device.edit(entries[7], "changed, too")
        assert marked() == {entries[3], entries[7]}, "sealed or not, it is not sent"
        device.sync()
        assert marked() == set() and "(not sent yet)" not in device.run("list")


main()
