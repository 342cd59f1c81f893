#!/usr/bin/env python3
"""history, diff, restore: what an entry was, on two devices, and back again."""
import time

from harness import Failed, World, main, test

FAILED, USAGE = 1, 2


def refused(code, device, *arguments):
    try:
        out = device.run(*arguments)
    except Failed as failure:
        assert failure.code == code, f"exit {failure.code} instead of {code}: {failure}"
        return failure.err
    raise AssertionError(f"quire {arguments} succeeded: {out}")


def versions(device, entry):
    """Oldest first."""
    return device.json("history", entry)["versions"][::-1]


@test
def every_version_can_be_read_compared_and_brought_back_on_both_devices():
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        entry = phone.json("write", "It rained all day.", "--title", "Monday", "--tag", "rain", "--mood", "40")["entry"]
        told = phone.json("history", entry)
        assert told["unsealed"] and [row["version"] for row in told["versions"]] == ["now"]
        phone.sync()
        laptop.sync()
        laptop.run("edit", entry, "-", "--title", "Tuesday", "--untag", "rain", "--emotion", "calm=70",
            stdin="It snowed all day, and I read.")
        laptop.sync()
        phone.sync()
        told = versions(phone, entry)
        assert told == versions(laptop, entry), "the same on both"
        assert [row["device_name"] for row in told] == ["phone", "laptop"]
        assert [row["number"] for row in told] == [1, 2]
        assert told[0]["fields"] == ["title", "date", "mood", "tags"] and told[1]["fields"] == ["title", "tags", "emotions"]
        assert [row["length"] for row in told] == [18, 30] and [row["grown"] for row in told] == [18, 12]
        assert all(abs(row["written_ms"] / 1000 - time.time()) < 60 for row in told)
        first, second = (row["version"] for row in told)
        assert phone.run("show", entry, "--text", "--at", first[:8]) == "It rained all day."
        assert laptop.json("show", entry, "--at", first)["mood"] == 40
        lines = phone.run("history", entry).splitlines()
        assert len(lines) == 2 and lines[0].startswith(second[:8]) and "laptop" in lines[0], lines
        assert phone.run("history", entry, "--limit", "1").splitlines() == lines[:1]

        difference = phone.json("diff", entry, first[:6], second)
        assert difference["fields"] == {"title": {"from": "Monday", "to": "Tuesday"}, "tags": {"from": "rain", "to": None},
            "emotions": {"from": None, "to": "calm 70"}}, difference
        text = list("It rained all day.")
        for hunk in reversed(difference["text"]):  # positions are of the old text: from the end on
            at = hunk["old_position"]
            assert "".join(text[at:at + len(hunk["erased"])]) == hunk["erased"]
            text[at:at + len(hunk["erased"])] = hunk["inserted"]
        assert "".join(text) == "It snowed all day, and I read."
        said = phone.run("diff", entry, first)
        assert "It [-rained-]{+snowed+} all [-day.-]{+day, and I read.+}" in said and "title     Monday → Tuesday" in said, said
        assert phone.run("diff", entry, second) == phone.run("diff", entry, "now", second) == ""

        before = phone.json("show", entry)
        done = phone.json("restore", entry, first)
        assert done["changed"] and done["before"] == second and done["restored"] == first
        shown = phone.json("show", entry)
        assert (shown["text"], shown["title"], shown["tags"], shown["emotions"], shown["mood"]) == \
            ("It rained all day.", "Monday", ["rain"], {}, 40)
        assert not phone.json("restore", entry, first)["changed"], "a second time there is nothing to do"
        phone.sync()
        laptop.sync()
        assert laptop.json("show", entry)["digest"] == phone.json("show", entry)["digest"]
        # … and that can be taken back, on the other device.
        taken_back = laptop.run("restore", entry, second[:8])
        laptop.sync()
        phone.sync()
        shown = phone.json("show", entry)
        same = ("text", "title", "date", "mood", "tags", "emotions", "deleted")
        assert [shown[key] for key in same] == [before[key] for key in same]
        third = versions(phone, entry)[2]["version"]
        assert f"quire restore {entry[:8]} {third[:8]}" in taken_back, taken_back


@test
def a_restore_merges_with_what_is_written_at_the_same_time():
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        entry = phone.write("one two three")
        phone.sync()
        laptop.sync()
        phone.edit(entry, "one 2 three")
        phone.sync()
        laptop.sync()
        first = versions(phone, entry)[0]["version"]
        phone.run("restore", entry, first)
        laptop.edit(entry, "one 2 three four")
        for device in (phone, laptop, phone):
            device.sync()
        assert phone.show(entry) == laptop.show(entry) == "one two three four"


@test
def deleted_entries_come_back_and_unsealed_edits_are_no_loss():
    with World() as world:
        device = world.device("laptop", world.server(tls=False)).init()
        entry = device.write("Kept in mind.")
        device.sync()
        device.run("delete", entry)
        device.sync()
        told = versions(device, entry)
        assert [row["deleted"] for row in told] == [False, True]
        device.run("restore", entry, told[0]["version"])
        assert device.show(entry) == "Kept in mind." and not device.json("show", entry)["deleted"]
        # What is saved and not sealed yet becomes a version before it is overwritten.
        device.edit(entry, "Second thoughts.")
        said = device.json("restore", entry, told[0]["version"])
        assert device.show(entry) == "Kept in mind."
        assert device.run("show", entry, "--text", "--at", said["before"]) == "Second thoughts."
        assert device.run("show", entry, "--text", "--at", "now") == "Kept in mind."
        device.run("restore", entry, told[1]["version"][:10])
        assert device.json("show", entry)["deleted"]


@test
def a_version_is_named_by_its_moment_too_and_wrong_names_are_said():
    with World() as world:
        device = world.device("laptop", world.server(tls=False)).init()
        entry = device.write("Today.")
        device.sync()
        assert device.run("show", entry, "--text", "--at", "2999-01-01") == "Today."
        assert device.run("show", entry, "--text", "--at", time.strftime("%Y-%m-%d %H:%M", time.gmtime())) == "Today."
        said = refused(FAILED, device, "show", entry, "--at", "2001-01-01 12:30")
        assert "as old as that" in said
        assert "begins with abcdef" in refused(FAILED, device, "diff", entry, "abcdef")
        for wrong in ("abc", "noneday", "2001-13-01", "g" * 8, "a" * 65):
            assert "does not name a version" in refused(USAGE, device, "restore", entry, wrong)
        refused(USAGE, device, "diff", entry)
        refused(USAGE, device, "history", entry, "--limit", "0")
        assert "No entry" in refused(FAILED, device, "history", "abcdef01")
        assert device.show(entry) == "Today."


main()
