#!/usr/bin/env python3
"""Other programs' own files, which are not ours to keep here: what an import makes of each.

QUIRE_IMPORTS names their folder; without it the tests are skipped, by name. Files that a test does not
find are not in that copy of the folder.
"""
import json
import os
import pathlib

from harness import Skip, World, main, test


def sample(name):
    folder = os.environ.get("QUIRE_IMPORTS")
    if not folder:
        raise Skip("QUIRE_IMPORTS is not set: no folder of other programs' files")
    return pathlib.Path(folder) / name


class Fresh:
    def __enter__(self):
        self.world = World()
        device = self.world.device("laptop", None)
        device.run("init", "--name", "laptop")
        return device

    def __exit__(self, *error):
        self.world.__exit__(*error)


def taken(device, path, *options):
    """Imports a sample twice: the second time nothing is new. What came in, by title or first words."""
    report = device.json("import", path, *options)
    again = device.json("import", path, *options)
    assert report["written"] == report["new"] and again["new"] == again["differ"] == 0, (report, again)
    shown = [device.json("show", row["entry"]) for row in device.entries()]
    return report, shown


def password(device, word):
    path = device.home / "password"
    path.write_text(word + "\n")
    return "--password-file", path


@test
def day_one_of_the_apps():
    path = sample("dayone/Dev Journal.json")
    with Fresh() as device:
        report, shown = taken(device, path)
        assert report["format"] == "dayone" and report["written"] == 5, report
        assert sum(note["kind"] == "attachment" for note in report["notes"]) == 6, report
        days = sorted(entry["date"] // 86400000 for entry in shown)
        assert days == [19830, 19831, 19832, 19832, 19834], days  # the all-day entries, too, on their own day
        assert any("This-text-is-hyphenated" in entry["text"] for entry in shown)
        assert any(entry["text"].startswith("# Header 1\n") and "`Code span`" in entry["text"] for entry in shown)


@test
def day_one_of_the_web_and_of_others():
    for name, count in {"dayone/webapp-export.json": 2, "dayone/jsonDayOne-minimal.json": 2}.items():
        path = sample(name)
        with Fresh() as device:
            report, shown = taken(device, path)
            assert report["format"] == "dayone" and report["written"] == count, report
            assert all(entry["date"] is not None for entry in shown)


@test
def jrnl_text():
    counts = {"simple": 2, "multiline": 1, "multiline-tags": 1, "tags": 2, "tags-216": 1, "brackets": 1, "little_endian_dates": 2,
        "mostlyreadabledates": 2, "simple_jrnl-1-9-5": 2}
    for name, count in counts.items():
        path = sample(f"jrnl/{name}.journal")
        with Fresh() as device:
            report, shown = taken(device, path)
            assert report["format"] == "jrnl" and report["written"] == count, (name, report)
            text = "\n".join((entry["title"] or "") + "\n" + entry["text"] for entry in shown)
            tags = sorted({tag for entry in shown for tag in entry["tags"]})
            if name == "tags-216":
                assert tags == ["C#", "C++", "OS/2"], tags
            elif name == "tags":
                assert tags == ["dan", "idea", "journal"], tags
            elif name == "brackets":
                assert "[1] line starting with 1" in text
            elif name == "mostlyreadabledates":
                assert "[2019-07 14:23]" in text
            elif name == "simple_jrnl-1-9-5":
                assert "[2019-08-03 12:55] Some chat log" in text
            elif name == "little_endian_dates":
                assert sorted(entry["date"] for entry in shown) == [1370792340000, 1370878800000]


@test
def jrnl_encrypted():
    for name in ["encrypted", "encrypted_jrnl-1-9-5"]:
        path = sample(f"jrnl/{name}.journal")
        with Fresh() as device:
            report, shown = taken(device, path, *password(device, "bad doggie no biscuit"))
            assert report["written"] == 2, report
            try:
                device.run("import", path, *password(device, "another"))
            except AssertionError as failure:
                assert "does not open" in str(failure)
            else:
                raise AssertionError("a wrong password opened it")


@test
def jrnl_json():
    for name, count in {"jrnl-sample": 3, "jsonJrnl-old-schema": 2}.items():
        path = sample(f"jrnl/{name}.json")
        with Fresh() as device:
            report, shown = taken(device, path)
            assert report["format"] == "jrnl" and report["written"] == count, report
            if name == "jrnl-sample":
                tags = {entry["title"]: entry["tags"] for entry in shown}
                assert tags == {"First Day": ["personal"], "Project Meeting": ["starred", "work"], "Weekend Plans": ["personal"]}, tags


@test
def standard_notes_plain_and_encrypted():
    plain, sealed = sample("standardnotes/testuser-decrypted-derived.txt"), sample("standardnotes/testuser-encrypted-004.txt")
    with Fresh() as device:
        report, shown = taken(device, plain)
        assert report["written"] == 4, report
        assert {entry["title"]: entry["tags"] for entry in shown} == \
            {"dog": ["animals"], "owl": ["birds"], "saturn": ["planets"], "earth": ["planets"]}, shown
        report = device.json("import", sealed, *password(device, "testuser"))
        assert report["there"] == 4, report
        try:
            device.run("import", sealed, *password(device, "wrong"))
        except AssertionError as failure:
            assert "does not open" in str(failure)
        else:
            raise AssertionError("a wrong password opened it")


@test
def joplin_jex_and_folder():
    jex, raw = sample("joplin/derived-snapshot-3.jex"), sample("joplin/raw-sync-snapshot-3")
    with Fresh() as device:
        report, shown = taken(device, jex)
        assert report["format"] == "joplin" and report["written"] == 5, report
        assert sum(note["kind"] == "attachment" for note in report["notes"]) == 2, report
        tags = {entry["title"]: entry["tags"] for entry in shown}
        assert any("tag1" in each for each in tags.values()) and any("/" in tag for each in tags.values() for tag in each), tags
        assert device.json("import", raw)["there"] == 5


@test
def simplenote_json():
    single = sample("simplenote/simplenote-single.json")
    with Fresh() as device:
        report, shown = taken(device, single)
        assert report["written"] == 1 and shown[0]["tags"] == ["Fun/Games", "GoodTimes"] and "\r" not in shown[0]["text"], shown
        report, _ = taken(device, sample("simplenote/process-active-trashed.json"))
        assert report["written"] == 1 and report["notes"][0]["text"] == "It is in the trash.", report


@test
def daylio_csv():
    for name, count in {"test_data-mixed-clock": 32, "sample-custom-moods": 3, "pre-1970-excerpt": 65}.items():
        path = sample(f"daylio/{name}.csv")
        with Fresh() as device:
            report, shown = taken(device, path)
            assert report["format"] == "daylio" and report["written"] == count, report
            assert all(entry["date"] is not None and entry["tags"] for entry in shown)
            if name == "sample-custom-moods":
                assert any("sad" in entry["tags"] and "movies / tv" in entry["tags"] for entry in shown), shown


@test
def org_journal_files():
    daily = sample("org-journal/daily/carryover1")
    with Fresh() as device:
        report, shown = taken(device, daily)
        assert report["format"] == "org-journal" and report["written"] == 3, report
        assert {entry["title"] for entry in shown} == {"Some node", "TODO test 1", "TODO test 2"}, shown
        report, shown = taken(device, sample("org-journal/yearly/carryover1/20190101"))
        dates = sorted(entry["date"] for entry in shown if entry["date"] < 1600000000000)
        assert dates == [1547367720000, 1559390160000, 1577836740000], dates


@test
def obsidian_folders():
    vault = sample("obsidian-markdown")
    with Fresh() as device:
        report, shown = taken(device, vault)
        assert report["format"] == "markdown" and report["written"] == 29, report
        rows = {}
        for entry in shown:
            rows.setdefault(entry["title"], []).append(entry)
        assert len(rows["Note"]) == 3 and rows["Rowing on the Thames"][0]["date"] == -740620800000, rows.keys()
        assert rows["1944-13-45 Invalid Date Format"][0]["date"] is None
        assert all("12" not in entry["tags"] for entry in shown)


@test
def all_of_it_goes_out_and_in_again():
    folder = sample("")
    with Fresh() as device:
        for name in ["dayone/Dev Journal.json", "jrnl/simple.journal", "jrnl/tags.journal", "joplin/derived-snapshot-3.jex",
            "daylio/test_data-mixed-clock.csv", "obsidian-markdown", "org-journal/daily/carryover1",
            "standardnotes/testuser-decrypted-derived.txt"]:
            device.run("import", folder / name)
        other = device.world.device("desktop", None)
        other.run("init", "--name", "desktop")
        out = device.world.folder
        device.run("export", out / "one.json")
        other.run("import", out / "one.json")
        other.run("export", out / "two.json")
        assert (out / "one.json").read_bytes() == (out / "two.json").read_bytes()
        json.loads((out / "one.json").read_text())


main()
