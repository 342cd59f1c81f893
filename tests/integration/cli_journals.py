#!/usr/bin/env python3
"""Several journals in one account: written, moved, listed, filtered, exported, synced."""
import json

from harness import Failed, World, main, test

FAILED, USAGE = 1, 2


def refused(device, *arguments, code=FAILED, **options):
    try:
        out = device.run(*arguments, **options)
    except Failed as failure:
        assert failure.code == code, failure
        return failure.out + failure.err
    raise AssertionError(f"{arguments} succeeded: {out}")


def titles(device, *arguments):
    return sorted(row["title"] for row in device.json(*arguments)["entries"])


def fill(device):
    device.run("write", "a day", "--title", "home one", "--tag", "calm")
    device.run("write", "a meeting", "--title", "work one", "--journal", "Work", "--tag", "dull")
    device.run("write", "a meeting again", "--title", "work two", "--journal", "work")
    device.run("write", "a tree", "--title", "garden one", "--journal", "Garten & Büro")


@test
def entries_have_a_journal_and_every_list_can_keep_to_one():
    with World() as world:
        device = world.device("laptop", None)
        device.run("init", "--name", "laptop")
        fill(device)
        assert device.run("journals") == "    2  Work\n    1  Garten & Büro\n    1  diary\n" or \
            device.json("journals")["journals"] == [{"journal": "work", "entries": 2},
                {"journal": "Garten & Büro", "entries": 1}, {"journal": "diary", "entries": 1}], device.run("journals")
        assert titles(device, "list", "--journal", "WORK") == ["work one", "work two"]
        assert titles(device, "list", "--journal", "diary") == ["home one"]
        assert titles(device, "list", "--journal", "garten & buro") == ["garden one"]
        assert len(titles(device, "list")) == 4 and not titles(device, "list", "--journal", "none")
        assert titles(device, "search", "meeting", "--journal", "work", "--tag", "dull") == ["work one"]
        assert not titles(device, "search", "tree", "--journal", "work")
        assert device.json("stats", "--journal", "work")["entries"] == 2 and device.json("stats")["entries"] == 4
        assert [row["tag"] for row in device.json("tags", "--journal", "Work")["tags"]] == ["dull"]
        entry = next(row["entry"] for row in device.json("list")["entries"] if row["title"] == "home one")
        assert device.json("show", entry)["journal"] == "diary" and "journal" not in device.run("show", entry)
        device.run("edit", entry, "--journal", "Work")
        assert device.json("show", entry)["journal"] == "Work" and "journal Work" in device.run("show", entry)
        device.run("edit", entry, "--journal", "Diary")
        assert device.json("show", entry)["journal"] == "diary"
        device.run("edit", entry, "--journal", "work")
        device.run("undo", entry)
        assert "too long" in refused(device, "edit", entry, "--journal", "j" * 129, code=USAGE)
        assert "UTF-8" in refused(device, "edit", entry, "--journal", "", code=USAGE)


@test
def journals_travel_and_the_later_move_counts():
    with World() as world:
        server = world.server(tls=False)
        phone, laptop = world.phone_and_laptop(server)
        entry = phone.json("write", "x", "--journal", "work")["entry"]
        phone.sync()
        laptop.sync()
        assert laptop.json("show", entry)["journal"] == "work"
        phone.run("edit", entry, "--journal", "home")
        laptop.run("edit", entry, "--journal", "garden")
        for _ in range(2):
            phone.sync()
            laptop.sync()
        assert phone.json("show", entry)["journal"] == laptop.json("show", entry)["journal"] == "garden"
        assert phone.json("show", entry)["digest"] == laptop.json("show", entry)["digest"]


@test
def an_export_keeps_the_journals():
    with World() as world:
        device = world.device("laptop", None)
        device.run("init", "--name", "laptop")
        fill(device)
        for name in ("all.json", "all"):
            device.run("export", device.home / name)
            other = world.device(f"other-{name}", None)
            other.run("init", "--name", "other")
            other.run("import", device.home / name)
            assert other.run("journals") == device.run("journals")
            other.run("export", other.home / name)
            if name.endswith(".json"):
                assert (other.home / name).read_bytes() == (device.home / name).read_bytes()
        device.run("export", device.home / "work.json", "--journal", "work")
        rows = json.loads((device.home / "work.json").read_text())["entries"]
        assert sorted(row["title"] for row in rows) == ["work one", "work two"], rows


if __name__ == "__main__":
    main()
