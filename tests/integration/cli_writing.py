#!/usr/bin/env python3
"""Nothing that a person wrote is lost: editors that fail, fork or are killed, signals, pipes, terminals."""
import os
import pathlib
import re
import signal
import subprocess
import time

from harness import Failed, World, main, programs, test, until
from terminal import Terminal

FAILED, USAGE = 1, 2


class Journal:
    """A world with one device that has an account, and editors for it."""

    def __enter__(self):
        self.world = World()
        device = self.world.device("laptop", None)
        device.run("init", "--name", "laptop")
        return device

    def __exit__(self, *error):
        self.world.__exit__(*error)


def editor(device, script, name="editor"):
    path = device.home / f"{name}.sh"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"EDITOR": str(path), "VISUAL": ""}


def write(device, text, *options):
    return device.run("write", *options, "-", stdin=text).strip()


def text_of(device, entry):
    return device.run("show", entry, "--text")


def drafts(device):
    return device.json("drafts")["drafts"]


def plain_files(device):
    return [path for path in (device.home / "run").rglob("*") if path.is_file() and path.suffix != ".replica"]


def refused(device, *arguments, code=USAGE, **options):
    try:
        out = device.run(*arguments, **options)
    except Failed as failure:
        assert failure.code == code, failure
        return failure.out + failure.err
    raise AssertionError(f"{arguments} succeeded: {out}")


def no_words_on_disk(device, *words):
    files = b"".join(path.read_bytes() for path in device.profile.rglob("*") if path.is_file())
    for word in words:
        assert word.encode() not in files, word


# ---- editors


@test
def an_editor_that_truncates_changes_nothing_unless_that_is_asked_for():
    with Journal() as device:
        entry = write(device, "ten years of words")
        truncating = editor(device, ': > "$1"; sleep 0.1')
        with Terminal(device, "edit", entry, environment=truncating) as terminal:
            assert "came back empty" in terminal.end() and terminal.status == FAILED
        assert text_of(device, entry) == "ten years of words"
        assert drafts(device) == [] and plain_files(device) == []
        refused(device, "edit", entry, "-", stdin="")
        with Terminal(device, "edit", entry, "--allow-empty", environment=truncating) as terminal:
            terminal.end()
            assert terminal.status == 0
        assert text_of(device, entry) == ""
        device.run("edit", entry, "-", stdin="again")
        device.run("edit", entry, "-", "--allow-empty", stdin="")
        assert text_of(device, entry) == ""


@test
def ctrl_c_in_the_editor_is_the_editors_alone():
    with Journal() as device:
        entry = write(device, "before")
        waiting = editor(device, 'trap "" INT QUIT; echo open; sleep 1.5; echo "after" > "$1"')
        with Terminal(device, "edit", entry, environment=waiting) as terminal:
            terminal.expect("open")
            terminal.type("\x03")
            terminal.type("\x1c")
            terminal.end()
            assert terminal.status == 0, terminal.seen
        assert text_of(device, entry) == "after\n"


@test
def a_signal_to_quire_reaches_the_editor_and_the_draft_is_found_again():
    with Journal() as device:
        entry = write(device, "before")
        # Saves on SIGTERM and SIGHUP, as vim and nano do in their ways.
        saving = editor(device, 'trap \'echo "words in the editor" > "$1"; exit 1\' TERM HUP\n'
            'echo open; while :; do sleep 0.05; done')
        for number in (signal.SIGTERM, signal.SIGHUP):
            with Terminal(device, "edit", entry, environment=saving) as terminal:
                terminal.expect("open")
                os.kill(terminal.pid, number)
                shown = terminal.end()
                assert terminal.status == FAILED and "quire drafts" in shown, (terminal.status, shown)
            assert text_of(device, entry) == "before"
            assert plain_files(device) == [], "no plain text is left"
            no_words_on_disk(device, "words in the editor")
            assert [row["text"] for row in drafts(device)] == ["words in the editor\n"]
            for command in (["status"], ["list"]):
                with Terminal(device, *command) as terminal:
                    assert "1 draft is not saved yet: quire drafts" in terminal.end(), command
            device.run("drafts", "save")
            assert text_of(device, entry) == "words in the editor\n" and drafts(device) == []
            device.run("edit", entry, "-", stdin="before")


@test
def a_killed_quire_leaves_a_draft_that_the_next_edit_offers():
    with Journal() as device:
        entry = write(device, "line one\n")
        slow = editor(device, 'echo "line two" >> "$1"; echo open; sleep 2; echo "line three" >> "$1"', "slow")
        with Terminal(device, "edit", entry, environment=slow) as terminal:
            terminal.expect("open")
            time.sleep(1.3)  # quire looks at the file once a second
            os.kill(terminal.pid, signal.SIGKILL)
            terminal.end()
            run = plain_files(device)
            assert run, "the editor has its file still"
        for path in run:  # a reboot: what was in memory is gone
            until(lambda: True)
            path.unlink()
        assert [row["text"] for row in drafts(device)] == ["line one\nline two\n"]
        more = editor(device, 'grep -q "line two" "$1" && echo "line four" >> "$1"', "more")
        device.run("edit", entry, "--insert", "0", "Meanwhile. ")
        with Terminal(device, "edit", entry, environment=more) as terminal:
            terminal.expect("Go on with it? [Y/n]")
            terminal.type("\n")
            terminal.end()
            assert terminal.status == 0
        assert text_of(device, entry) == "Meanwhile. line one\nline two\nline four\n"
        assert drafts(device) == [] and plain_files(device) == []


@test
def a_draft_of_a_new_entry_keeps_its_options():
    with Journal() as device:
        failing = editor(device, 'echo "a new page" > "$1"; exit 3')
        with Terminal(device, "write", "--title", "Two words", "--tag", "kept", environment=failing) as terminal:
            shown = terminal.end()
            assert terminal.status == FAILED and "What you wrote is kept, encrypted: quire drafts" in shown, shown
        assert device.json("list")["entries"] == [] and plain_files(device) == []
        with Terminal(device, "write", environment=editor(device, f"touch '{device.home}/was-asked'", "new")) as terminal:
            terminal.expect("a new page")
            terminal.expect("[Y/n]")
            terminal.type("n\n")
            terminal.end()
        assert (device.home / "was-asked").exists(), "an answer of no begins a new text"
        entry = device.json("drafts", "save", drafts(device)[0]["draft"][:8])["entry"]
        shown = device.json("show", entry)
        assert (shown["text"], shown["title"], shown["tags"]) == ("a new page\n", "Two words", ["kept"])


@test
def an_editor_that_forks_is_noticed_and_what_its_window_saves_later_is_found():
    with Journal() as device:
        entry = write(device, "before\n")
        forking = editor(device, "trap '' HUP\nsetsid sh -c 'sleep 1; echo from the window >> \"$0\"' \"$1\" >/dev/null 2>&1 </dev/null &")
        with Terminal(device, "edit", entry, environment=forking) as terminal:
            shown = terminal.end()
            assert terminal.status == FAILED and "--wait" in shown and "quire drafts save" in shown, shown
        until(lambda: any("from the window" in row["text"] for row in drafts(device)), 10, "the window's words")
        device.run("drafts", "save")
        assert text_of(device, entry) == "before\nfrom the window\n"
        assert drafts(device) == [] and plain_files(device) == []


@test
def an_editor_that_cannot_start_leaves_no_plain_copy():
    with Journal() as device:
        entry = write(device, "private")
        with Terminal(device, "edit", entry, environment={"EDITOR": "/nowhere/editor", "VISUAL": ""}) as terminal:
            assert "cannot be started" in terminal.end() and terminal.status == FAILED
        assert plain_files(device) == [] and drafts(device) == []
        same = editor(device, "sleep 1.6")
        with Terminal(device, "edit", entry, environment=same) as terminal:
            assert "Nothing was changed" in terminal.end() and terminal.status == 0
        assert plain_files(device) == [] and drafts(device) == []


@test
def drafts_are_named_resumed_and_discarded():
    with Journal() as device:
        failing = editor(device, 'echo "$0 draft" > "$1"; exit 1')
        for _ in range(2):
            with Terminal(device, "write", environment=failing) as terminal:
                if drafts(device):
                    terminal.expect("[Y/n]")
                    terminal.type("n\n")
                terminal.end()
        names = [row["draft"] for row in drafts(device)]
        assert len(names) == 2
        assert "say which" in refused(device, "drafts", "save", code=FAILED)
        assert "No draft" in refused(device, "drafts", "discard", "zzzz", code=FAILED)
        refused(device, "drafts", "eat")
        device.run("drafts", "discard", names[0][:6])
        assert [row["draft"] for row in drafts(device)] == names[1:]
        damaged = device.profile / "drafts" / names[1]
        damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
        assert drafts(device) == [] and damaged.exists(), "what does not open is left alone"


# ---- pipes


@test
def text_on_a_pipe_is_taken_or_refused_and_read_only_where_asked():
    with Journal() as device:
        entry = write(device, "old")
        said = refused(device, "edit", entry, "--tag", "x", stdin="new")
        assert '"-"' in said and "/dev/null" in said and text_of(device, entry) == "old"
        assert device.json("show", entry)["tags"] == []
        device.run("edit", entry, "-", "--tag", "x", stdin="new")
        assert text_of(device, entry) == "new"
        refused(device, "write", "--title", "T", stdin="some text")
        device.run("write", "--title", "only a title")
        loop = subprocess.run(["sh", "-c", 'while read -r line; do "$0" write "$line"; done', programs["quire"]],
            input=b"one\ntwo\nthree\n", capture_output=True, env={**os.environ, **device.environment}, check=True)
        assert len(loop.stdout.split()) == 3, loop
        tagging = subprocess.run(["sh", "-c",
            'while read -r id; do "$0" edit "$id" --tag y </dev/null || exit; done', programs["quire"]],
            input=loop.stdout, capture_output=True, env={**os.environ, **device.environment}, check=True)
        assert len(tagging.stdout.split()) == 3, tagging


# ---- terminals


@test
def ctrl_c_at_the_prompt_for_the_kit_gives_the_echo_back():
    with World() as world:
        device = world.device("new", None)
        for key, number in (("\x03", signal.SIGINT), ("", signal.SIGTERM)):
            # A shell beside it keeps the terminal open, as a person's does.
            with Terminal(device, command=["sh", "-c", 'trap : INT; "$0" recover --server wss://127.0.0.1:1; '
                    'echo code $?; sleep 5', programs["quire"]]) as terminal:
                terminal.expect("(it is not shown): ")
                assert not terminal.echoes()
                if key:
                    terminal.type(key)
                else:
                    for row in pathlib.Path("/proc").glob("[0-9]*/stat"):
                        try:
                            words = row.read_text().rpartition(")")[2].split()
                        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                            continue
                        if int(words[1]) == terminal.pid:
                            os.kill(int(row.parent.name), number)
                terminal.expect(f"code {128 + number}")
                assert terminal.echoes(), "the terminal is as it was"


@test
def a_reader_that_has_enough_is_no_error():
    with Journal() as device:
        for _ in range(3):
            write(device, "x" * 60000)
        process = subprocess.run(["sh", "-c", f'("{programs["quire"]}" list; echo "code $?" >&2) | head -n 1'],
            capture_output=True, env={**os.environ, **device.environment}, check=True, text=True)
        assert process.stderr in ("code 0\n", f"code {128 + signal.SIGPIPE}\n"), process
        long = subprocess.run(["sh", "-c", f'("{programs["quire"]}" show {device.entries()[0]["entry"]}; echo "code $?" >&2)'
            " | true"], capture_output=True, env={**os.environ, **device.environment}, check=True, text=True)
        assert long.stderr == f"code {128 + signal.SIGPIPE}\n", long


@test
def lines_that_end_in_cr_lf_are_lines_and_colour_is_only_where_it_is_wanted():
    with Journal() as device:
        entry = write(device, "one\r\ntwo\r\nthree \r here\n")
        with Terminal(device, "show", entry) as terminal:
            shown = terminal.end()
            assert "one\ntwo\nthree \ufffd here" in shown, repr(shown)
        assert text_of(device, entry) == "one\r\ntwo\r\nthree \r here\n"
        for environment, coloured in (({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": ""}, False),
                ({"TERM": "xterm", "NO_COLOR": ""}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False)):
            for arguments in (["list"], ["show", "0000"]):
                with Terminal(device, *arguments, environment=environment) as terminal:
                    assert ("\x1b[" in terminal.end()) == coloured, (environment, arguments, terminal.seen)


# ---- words on the command line


@test
def what_is_mistyped_gets_a_suggestion_and_short_forms_work():
    with Journal() as device:
        for number in range(3):
            write(device, str(number))
        assert 'Did you mean "list"?' in refused(device, "lsit")
        assert 'Did you mean "search"?' in refused(device, "help", "serach")
        assert "Did you mean --limit?" in refused(device, "list", "--limti", "2")
        assert "Did you mean" not in refused(device, "frobnicate") + refused(device, "list", "--frobnicate")
        assert len(device.run("ls", "-n", "2").splitlines()) == 2
        assert device.run("ls", "--json", "-n", "2") == device.run("list", "--json", "--limit", "2")
        assert device.run("-V") == device.run("version") and device.run("list", "-h") == device.run("help", "list")
        assert re.search(r"-n, --limit N", device.run("help", "list"))


main()
