#!/usr/bin/env python3
"""Finding entries without their ids: filters, the last one, this day, tags, and adding to today's."""
import datetime
import json
import os
import subprocess

from harness import NONE_FOUND, Failed, World, main, test
from terminal import Terminal

USAGE = 2


class Journal:
    """A world with one device that has an account, and five entries: name → id."""

    def __enter__(self):
        self.world = World()
        device = self.world.device("laptop", None)
        device.run("init", "--name", "laptop")
        add = lambda text, *options: device.run("write", *options, "-", stdin=text).strip()
        today = datetime.datetime.now(datetime.timezone.utc)
        self.ids = {
            "rain": add("It rained.", "--date", "2024-03-01", "--tag", "Wetter", "--mood", "30", "--title", "Ein Regentag"),
            "sun": add("Sun.", "--date", "2024-03-02", "--tag", "wetter", "--tag", "Café", "--mood", "80", "--emotion", "joy=70"),
            "year": add("A year ago.", "--date", f"{today.year - 1}-{today.month:02}-{min(today.day, 28):02}"),
            "gone": add("Deleted.", "--date", "2024-03-03", "--tag", "wetter"),
            "bare": add("No fields at all, of 2020.", "--date", "2020-01-01"),
        }
        device.run("delete", self.ids["gone"])
        return device, self.ids, today

    def __exit__(self, *error):
        self.world.__exit__(*error)


@test
def lists_are_filtered_by_what_stands_in_entries():
    with Journal() as (device, ids, _):
        names = {entry: name for name, entry in ids.items()}
        found = lambda *options: [names[row["entry"]] for row in device.json("list", *options)["entries"]]
        assert found() == ["year", "sun", "rain", "bare"]
        assert found("--tag", "WETTER") == ["sun", "rain"] and found("--tag", "wetter", "--tag", "cafe") == ["sun"]
        assert found("--tag", "wet") == [] and found("--emotion", "Joy") == ["sun"]
        assert found("--mood", "30") == ["rain"] and found("--mood", "50..") == ["sun"] and found("--mood", "..50") == ["rain"]
        assert found("--title", "regen") == ["rain"] and found("--deleted") == ["gone"]
        assert found("--oldest-first", "-n", "2") == ["bare", "rain"]
        assert found("--tag", "wetter", "--all", "--to", "2024-03-01") == ["rain"]
        assert found("--changed-since", "2021-01-01") == found() and found("--changed-since", "2999-01-01") == []
        assert [names[row["entry"]] for row in device.json("search", "rained", "--tag", "wetter")["entries"]] == ["rain"]
        for wrong in (["--mood", "x"], ["--mood", "60..40"], ["--mood", ".."], ["--mood", "0..101"], ["--changed-since", "noneday"]):
            try:
                device.run("list", *wrong)
                raise AssertionError(wrong)
            except Failed as failure:
                assert failure.code == USAGE, failure


@test
def the_newest_the_oldest_and_this_day_have_names():
    with Journal() as (device, ids, today):
        shown = lambda name: device.json("show", name)["entry"]
        assert shown("last") == shown("@1") == ids["year"] and shown("@2") == ids["sun"] and shown("@-1") == ids["bare"]
        device.run("edit", "@-1", "--tag", "old")
        assert device.json("show", ids["bare"])["tags"] == ["old"]
        for wrong in ("@9", "@0", "@x", "@-9"):
            try:
                device.run("show", wrong)
                raise AssertionError(wrong)
            except Failed as failure:
                assert failure.code in (1, USAGE) and "entry" in failure.err, failure
        if today.day <= 28:
            assert [row["entry"] for row in device.json("on-this-day")["entries"]] == [ids["year"]]


@test
def a_search_has_phrases_or_and_not():
    with Journal() as (device, ids, _):
        names = {entry: name for name, entry in ids.items()}
        found = lambda *words: [names[row["entry"]] for row in json.loads(device.run("search", "--json", *words))["entries"]]
        # A phrase: words next to each other, in order; the first and the last may be parts of longer ones.
        assert found('"fields at all"') == ["bare"] and found('"ields AT a"') == ["bare"]
        assert found('"fields all"') == [] and found("fields", "all") == ["bare"]
        assert found('"all of"') == ["bare"], "punctuation does not end a phrase"
        assert found('"rained Ein"') == found('"Regentag It"') == [], "no phrase goes from the text into the title"
        assert found('"ein regentag"') == ["rain"] and found('"wetter cafe"') == []
        # OR divides the whole; each side holds all of its words; nothing is shown twice.
        assert found("rained", "OR", "sun") == ["sun", "rain"] and found("rained sun") == []
        assert found("wetter OR rained OR sun") == ["sun", "rain"]
        assert found("rained", "wetter", "OR", "year", "ago") == ["year", "rain"]
        # NOT, and - where it is not an option.
        assert found("wetter", "NOT", "rained") == found("wetter -rained") == found("--", "wetter", "-rained") == ["sun"]
        assert found('wetter NOT "it rained"') == ["sun"] and found('wetter -"rained it"') == ["sun", "rain"]
        assert found("a -sun OR sun") == ["year", "sun", "rain", "bare"], "NOT is of its own side alone"
        assert found("not", "a") == [] and found('"OR"') == [], "in quotes or in small letters they are words"
        assert device.json("search", "sun …")["left_out"] == ["…"]
        for wrong in ["-sun", "NOT sun", "sun OR", "OR sun", "sun OR OR rained", "sun OR -rained", '"sun', "sun NOT",
                "a" + " OR a" * 16]:
            try:
                device.run("search", wrong)
                raise AssertionError(wrong)
            except Failed as failure:
                assert failure.code == USAGE and failure.err.startswith("quire: "), (wrong, failure)
        assert found("sun" + " OR sun" * 15) == ["sun"]


@test
def a_search_that_finds_none_says_so_by_its_exit_code():
    with Journal() as (device, _, _):
        for words, code in {"rained": 0, "nowhere": NONE_FOUND, "rained NOT rained": NONE_FOUND, "Deleted": NONE_FOUND}.items():
            for more in ([], ["--json"]):
                done = subprocess.run(device.command("search", words, *more), env={**os.environ, **device.environment},
                    capture_output=True, text=True, timeout=60)
                assert done.returncode == code and not done.stderr, (words, done)
                assert not more or (json.loads(done.stdout)["entries"] == []) == (code == NONE_FOUND), done


@test
def a_list_with_filters_that_finds_none_says_so_by_its_exit_code():
    with Journal() as (device, ids, _), World() as world:
        none = (["--tag", "wet"], ["--on", "1999"], ["--mood", "99.."], ["--emotion", "rage"], ["--title", "snow"],
            ["--journal", "work"], ["--to", "1999"], ["--from", "2990"], ["--changed-since", "2999-01-01"])
        some = ([], ["--tag", "wetter"], ["--deleted"], ["--mood", "30", "-n", "1"])
        listed = lambda where, *options: subprocess.run(where.command(*options), capture_output=True, text=True,
            env={**os.environ, **where.environment}, timeout=60)
        for command in ("list", "ls"):
            for options, code in [*((row, NONE_FOUND) for row in none), *((row, 0) for row in some)]:
                done, shown = listed(device, command, *options), listed(device, command, *options, "--json")
                assert done.returncode == shown.returncode == code and not done.stderr, (options, done, shown)
                assert (json.loads(shown.stdout)["entries"] == []) == (not done.stdout) == (code == NONE_FOUND), (options, shown)
        device.run("undelete", ids["gone"])
        assert listed(device, "list", "--deleted").returncode == NONE_FOUND
        empty = world.device("phone", None)
        empty.run("init", "--name", "phone")
        assert listed(empty, "list").returncode == listed(empty, "list", "--all", "-n", "3").returncode == 0, "nothing was asked for"


@test
def tags_are_counted_as_people_mean_them_and_stats_do_not_press():
    with Journal() as (device, _, _today):
        assert [(row["tag"].lower(), row["entries"]) for row in device.json("tags")["tags"]] == [("wetter", 2), ("café", 1)]
        assert "wetter" in device.run("tags").lower()
        stats = device.json("stats")
        assert (stats["entries"], stats["days"], stats["longest_run"], stats["present_run"]) == (4, 4, 2, 0), stats
        assert stats["characters"] == len("It rained.Sun.A year ago.No fields at all, of 2020.")
        assert "4" in device.run("stats")


@test
def moods_and_the_calendar_show_days():
    with Journal() as (device, ids, today):
        days = device.json("calendar", "2024-03")["days"]
        ms = lambda day: int(datetime.datetime(2024, 3, day, tzinfo=datetime.timezone.utc).timestamp() * 1000)
        assert days == [{"date": ms(1), "entries": 1, "mood": 30}, {"date": ms(2), "entries": 1, "mood": 80}], days
        device.run("write", "No mood.", "--date", "2024-03-02 20:00")
        device.run("write", "High.", "--date", "2024-03-02 23:59", "--mood", "100")
        device.run("write", "Plain.", "--date", "2024-03-31")
        assert device.json("calendar", "march", "2024")["days"] == [days[0], {"date": ms(2), "entries": 3, "mood": 90},
            {"date": ms(31), "entries": 1, "mood": None}]
        assert device.run("calendar", "2024-03-17").splitlines()[:7] == ["March 2024", " Mo  Tu  We  Th  Fr  Sa  Su",
            " " * 16 + "  1▃  2█  3 ", "  4   5   6   7   8   9  10 ", " 11  12  13  14  15  16  17 ",
            " 18  19  20  21  22  23  24 ", " 25  26  27  28  29  30  31·"]
        # A year has a row for each month, in 80 columns; a leap year has its day.
        year = device.run("calendar", "2024").splitlines()
        assert year[0] == "2024" and len(year) == 1 + 1 + 12 + 2 and all(len(line) <= 80 for line in year), year
        assert year[4] == "Mar  ▃ █" + "  " * 28 + " ·" and len(year[3]) == 4 + 2 * 29, year
        assert device.run("calendar", "2023").splitlines()[3] == "Feb " + "  " * 28
        assert device.run("calendar").startswith(f"{today:%B} {today.year}\n") and "\x1b" not in device.run("calendar")
        assert device.json("calendar", "2024-02")["days"] == [] and device.json("calendar", "1969-12")["days"] == []
        for wrong in (["noneday"], ["3/4/2026"]):
            try:
                device.run("calendar", *wrong, environment={"LC_ALL": "C"})
                raise AssertionError(wrong)
            except Failed as failure:
                assert failure.code == USAGE, failure

        moods = device.json("moods")
        assert moods == {"entries": 3, "mean": 70.0, "bands": [0, 1, 0, 0, 2]}, moods
        assert device.json("moods", "--on", "2024-03-01") == {"entries": 1, "mean": 30.0, "bands": [0, 1, 0, 0, 0]}
        assert device.json("moods", "--journal", "work") == {"entries": 0, "mean": None, "bands": [0] * 5}
        lines = device.run("moods").splitlines()
        assert lines[0] == " 80 to 100       2  " + "█" * 40 and lines[3] == " 20 to  39       1  " + "█" * 20, lines
        assert lines[5] == "mean 70, of 3 entries with a mood"
        with Terminal(device, "calendar", "2024-03") as terminal:
            shown = terminal.expect("written")
            assert "1\x1b[33m▃" in shown and "2\x1b[32m█" in shown, shown


@test
def append_adds_to_todays_entry():
    with Journal() as (device, ids, _):
        first = device.run("append", "Up", "early.").strip()
        assert first not in ids.values() and device.show(first) == "Up early."
        assert device.run("append", "Home at last.").strip() == first
        assert device.run("append", stdin="By pipe.\n").strip() == first
        assert device.run("append", "-", stdin="And again.").strip() == first
        assert device.show(first) == "Up early.\nHome at last.\nBy pipe.\nAnd again."
        assert len(device.json("history", first)["versions"]) == 4
        try:
            device.run("append", "-", stdin="")
            raise AssertionError("it added nothing")
        except Failed as failure:
            assert failure.code == USAGE, failure


main()
