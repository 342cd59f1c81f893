#!/usr/bin/env python3
"""quire insights, from an empty profile to a year, without a server.

usage: cli_insights.py QUIRE
"""
import csv
import datetime
import io
import json
import os
import pathlib
import pty
import random
import re
import stat
import subprocess
import sys
import tempfile

quire = pathlib.Path(sys.argv[1]).resolve()
home = pathlib.Path(tempfile.mkdtemp(prefix="quire-insights-"))
count = failures = 0


def run(*arguments, code=0, text=None):
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TZ": "UTC", "LC_ALL": "C.UTF-8",
        "XDG_RUNTIME_DIR": str(home)}
    done = subprocess.run([quire, *arguments], input=text, capture_output=True, env=environment, timeout=60)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout.decode("utf-8") if code == 0 else done.stderr.decode("utf-8")


def check(name):
    def wrap(function):
        global count, failures
        count += 1
        try:
            function()
            print(f"ok {count} - {name}", flush=True)
        except Exception as error:  # pylint: disable=broad-except
            failures += 1
            print(f"not ok {count} - {name}\n# {type(error).__name__}: {error}", flush=True)
    return wrap


def items(*arguments):
    report = json.loads(run("insights", "--json", *arguments))
    return report, [item["template"] for item in report["items"]]


today = datetime.datetime.now(datetime.timezone.utc).date()
run("init")


@check("an_empty_journal_says_that_nothing_was_written")
def _():
    out = run("insights")
    assert "Nothing was written in this time." in out, out
    assert items()[1] == ["nothing"]


@check("one_entry_says_what_is_missing")
def _():
    run("write", "--mood", "60", "It rained.")
    report, found = items()
    assert report["period_entries"] == 1 and "mood_mean" not in found, found
    assert found.count("need_moods") == 4 and "need_entries" in found and "need_looks" in found, found
    assert "needs 6 more days with a mood" in run("insights")


random.seed(4)
text = ["I walked by the river and made bread.", "The office was full and the train was late.",
    "I am so happy that she called, it was wonderful!", "So sad today, I cried and felt lonely.",
    "Reading a book at the window, with coffee.", "今日は庭に行って、妹と話しました。"]
for back in range(129, 0, -1):
    day = today - datetime.timedelta(days=back)
    running = random.random() < .3
    mood = min(100, max(0, random.randint(30, 60) + (25 if running else 0)))
    words = random.choice(text)
    if back < 46 and random.random() < .7 or random.random() < .06:
        words += " In the garden again."
    run("write", "--date", f"{day} 20:00", "--mood", str(mood), *(["--tag", "running\x1b[31m"] if running else []),
        *(["--emotion", "calm=40"] if back % 5 == 0 else []), words)


@check("four_months_have_a_finding_a_theme_and_readings")
def _():
    report, found = items()
    assert "mood_mean" in found and "mood_before" in found and "picked" in found, found
    tag = next(item for item in report["items"] if item["template"] == "tag_with")
    assert tag["name"] == "running\x1b[31m" and 1500 < tag["numbers"][0] < 3500, tag
    themes = [item for item in report["items"] if item["template"] == "theme_up"]
    theme = next(item for item in themes if item["name"] == "garden")
    assert theme["numbers"][0] <= theme["numbers"][1], theme
    out = run("insights")
    assert "went together with days about" in out and "\x1b" not in out, out
    assert "Japanese: no reading" in out, out
    assert max(len(line) for line in out.splitlines()) <= 90, out


@check("why_lists_the_entries_behind_a_theme_and_a_reading")
def _():
    theme = json.loads(run("insights", "--json", "--why", "garden"))
    assert theme["template"] == "theme_up" and len(theme["entries"]) >= 6, theme
    for row in theme["entries"]:
        assert "garden" in run("show", row["entry"]).lower(), row
    report, _templates = items()
    label = next(item["name"] for item in report["items"] if item["template"] == "read")
    reading = json.loads(run("insights", "--json", "--why", label))
    assert reading["entries"] and all(row["words"] for row in reading["entries"]), reading
    text = run("insights", "--why", label)
    assert reading["entries"][0]["entry"][:8] in text, text
    assert "The report says nothing of" in run("insights", "--why", "nonsense", code=2)


@check("a_kind_can_be_left_out_and_an_unknown_one_is_refused")
def _():
    found = items("--without", "findings", "--without", "readings")[1]
    assert not {"tag_with", "read", "need_looks", "no_model"} & set(found), found
    assert "--without takes readings, findings or themes." in run("insights", "--without", "moods", code=2)


@check("a_period_is_a_date_as_people_say_it")
def _():
    report, _ = items(str(today.year))
    assert report["from"] == f"{today.year}-01-01" and report["to"] == f"{today.year}-12-31"
    run("insights", "no such time", code=2)


@check("csv_has_a_row_a_day")
def _():
    rows = list(csv.DictReader(io.StringIO(run("insights", "--csv"))))
    assert len(rows) == 130 and all(row["entries"] == "1" for row in rows), len(rows)
    assert all(0 <= float(row["mood"]) <= 100 for row in rows)


@check("the_page_is_one_file_that_asks_for_nothing")
def _():
    page = home / "page.html"
    assert "not encrypted" in run("insights", "--html", str(page))
    html = page.read_text("utf-8")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert "<svg" in html and "<script" not in html and "\x1b" not in html
    assert not re.search(r"(?:src|href)=|url\(|@import", html)
    assert "went together with days about" in html
    error = run("insights", "--html", str(home / "no" / "page.html"), code=1)
    assert "could not be written" in error and "untouched" in error, error


@check("two_outputs_at_once_are_refused")
def _():
    run("insights", "--csv", "--html", "x", code=2)


@check("about_names_the_sources")
def _():
    out = run("insights", "--about")
    for name in ["GoEmotions", "BRIGHTER", "XED", "EmoT", "CC BY 4.0", "Apache-2.0", "Japanese: no model"]:
        assert name in out, name


def in_terminal(*arguments):
    """What a person sees: the output of a command on a terminal."""
    main_end, end = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TZ": "UTC", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
    done = subprocess.run([quire, *arguments], stdin=end, stdout=end, stderr=end, env=environment, timeout=60)
    os.close(end)
    seen = b""
    while True:
        try:
            more = os.read(main_end, 65536)
        except OSError:
            break
        if not more:
            break
        seen += more
    os.close(main_end)
    assert done.returncode == 0, seen
    return seen.decode()


happy = "I am so happy that she came, thank you, it was wonderful!"


@check("an_accepted_suggestion_is_an_edit_like_a_pick_and_nothing_else_is_stored")
def _():
    entry = run("write", happy).split()[0]
    found = json.loads(run("suggest", entry, "--json"))["suggestions"]
    assert found[0]["emotion"] == "joy" and "happy" in found[0]["words"] and found[0]["probability"] > 5000, found
    assert json.loads(run("show", entry, "--json"))["emotions"] == {}
    assert "joy" in run("suggest", entry)
    run("suggest", entry, "--accept", "envy", code=2)
    run("suggest", entry, "--accept", "joy")
    assert json.loads(run("show", entry, "--json"))["emotions"] == {"joy": 50}
    assert "not sure" in run("suggest", run("write", "The train was late.").split()[0])
    run("suggest", code=2)
    run("suggest", "ffffffff", code=1)


@check("writing_in_a_terminal_offers_once_until_it_is_silenced")
def _():
    assert "Perhaps joy (" in in_terminal("write", happy)
    assert "Perhaps" not in in_terminal("write", "--emotion", "calm=3", happy)
    assert "Perhaps" not in in_terminal("write", "The train was late.")
    assert "Perhaps" not in run("write", happy), "a program is offered nothing"
    run("suggest", "--never")
    assert "Perhaps" not in in_terminal("write", happy)
    run("suggest", "--offer")
    assert "Perhaps joy (" in in_terminal("write", happy)


@check("texts_of_any_form_are_taken")
def _():
    for words in ["a", "!" * 100000, "ab " * 300000, "Ω≈ç√ שלום مرحبا 한국어 ไทย 😀" * 50]:
        run("write", "-", text=words.encode())
    run("insights")


if os.environ.get("KEEP"):
    print("#", home)
print(f"1..{count}")
sys.exit(1 if failures else 0)
