#!/usr/bin/env python3
"""Finding entries without their ids: filters, the last one, this day, tags, and adding to today's."""
import datetime
import json
import os
import subprocess

from harness import NONE_FOUND, Failed, World, main, test

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
def tags_are_counted_as_people_mean_them_and_stats_do_not_press():
    with Journal() as (device, _, _today):
        assert [(row["tag"].lower(), row["entries"]) for row in device.json("tags")["tags"]] == [("wetter", 2), ("café", 1)]
        assert "wetter" in device.run("tags").lower()
        stats = device.json("stats")
        assert (stats["entries"], stats["days"], stats["longest_run"], stats["present_run"]) == (4, 4, 2, 0), stats
        assert stats["characters"] == len("It rained.Sun.A year ago.No fields at all, of 2020.")
        assert "4" in device.run("stats")


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
