#!/usr/bin/env python3
"""The quire command without any server: all of a journal works, and what goes wrong is said."""
import json
import os
import pathlib
import pty
import re
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time

from harness import Failed, World, main, programs, test, until

FAILED, USAGE, OFFLINE = 1, 2, 3
COMMANDS = ["init", "join", "rejoin", "recover", "pair", "write", "append", "edit", "type", "show", "list", "on-this-day", "tags", "calendar", "moods", "stats", "search", "history", "diff",
    "restore", "undo", "delete", "undelete", "trash", "drafts", "export", "import", "sync",
    "devices", "revoke", "status", "journals", "profiles", "daemon", "backup", "restore-backup", "passphrase", "unlock", "lock", "server", "version", "help"]
WORDS = "Żółć, naïve 日本語 עברית العربية 👩‍👩‍👧‍👦 e\u0301 \u0000 end"


def refused(code, device, *arguments, **options):
    """The command fails with this exit code, in one sentence at least; what it said."""
    try:
        out = device.run(*arguments, **options)
    except Failed as failure:
        assert failure.code == code, f"exit {failure.code} instead of {code}: {failure}"
        said = failure.out + failure.err
        assert re.search(r"[.!?]\n|[.!?]\"", said), f"no sentence: {said}"
        return said
    raise AssertionError(f"quire {arguments} succeeded: {out}")


class Journal:
    """A world with one device that has an account."""

    def __enter__(self):
        self.world = World()
        self.device = self.world.device("laptop", None)
        self.kit = self.device.json("init", "--name", "laptop")["kit"]
        return self.device

    def __exit__(self, *error):
        self.world.__exit__(*error)


def write(device, text, *options):
    return device.run("write", *options, "-", stdin=text).strip()


def text_of(device, entry):
    return device.run("show", entry, "--text")


@test
def init_shows_the_kit_once_and_only_makes_one_account():
    with World() as world:
        device = world.device("laptop", None)
        said = device.run("init", "--name", "laptop")
        groups = re.findall(r"\b[0-9A-Z]{4}\b", said)
        assert len(groups) == 14, said
        records = device.profile / "records.mdb"
        before = records.read_bytes()
        said = refused(FAILED, device, "init", "--name", "other")
        assert "already" in said and "--profile" in said, said
        assert records.read_bytes() == before
        assert not any(group in device.run("status") + device.run("devices") for group in groups)
        assert oct(device.profile.stat().st_mode & 0o777) == "0o700"
        for path in device.profile.iterdir():
            assert path.stat().st_mode & 0o077 == 0, path


@test
def a_day_in_a_journal():
    with Journal() as device:
        entry = device.run("write", "It", "rained", "all day.", "--title", "Rain", "--date", "2024-03-01T12:30",
            "--mood", "40", "--tag", "weather", "--tag", "home", "--emotion", "calm=60").strip()
        assert re.fullmatch(r"[0-9a-f]{32}", entry)
        shown = device.json("show", entry[:4])
        assert shown["text"] == "It rained all day." and shown["length"] == 18
        assert shown["title"] == "Rain" and shown["mood"] == 40 and shown["date"] == 1709296200000
        assert shown["tags"] == ["home", "weather"] and shown["emotions"] == {"calm": 60}
        device.run("edit", entry, "--untag", "home", "--tag", "tram", "--no-mood", "--emotion", "calm=20",
            "--title", "Wet", "--insert", "3", "really ", "--erase", "0", "3")
        shown = device.json("show", entry)
        assert shown["text"] == "really rained all day." and shown["title"] == "Wet"
        assert shown["tags"] == ["tram", "weather"] and shown["mood"] is None
        device.run("edit", entry, stdin="It really rained.\n")
        assert text_of(device, entry) == "It really rained.\n"
        device.run("edit", entry, "-", "--mood", "90", stdin="Sun.")
        assert text_of(device, entry) == "Sun."
        device.run("edit", entry, "--clear")
        assert text_of(device, entry) == ""
        later = write(device, "a second one\nwith a line", "--date", "2024-03-02")
        assert [row["entry"] for row in device.json("list")["entries"]] == [later, entry]
        assert "a second one" in device.run("list")
        device.run("delete", entry)
        assert [row["entry"] for row in device.json("list")["entries"]] == [later]
        assert [row["deleted"] for row in device.json("list", "--all")["entries"]] == [False, True]
        device.run("edit", entry, "--insert", "0", "back")
        assert len(device.json("list")["entries"]) == 2
        status = device.json("status")
        assert status["unsent"] == 2 and status["server"] is None and len(status["words"].split()) == 6
        devices = device.json("devices")["devices"]
        assert [(row["name"], row["self"], row["active"]) for row in devices] == [("laptop", True, True)]
        assert "2 entries" in device.run("status")


@test
def search_finds_what_list_shows_offline_and_says_what_is_wrong_with_a_query():
    with Journal() as device:
        rain = write(device, "It RAINED all day.\nNaïve 日本語", "--tag", "Wetter", "--emotion", "calm=70")
        tram = write(device, "The tram was late.", "--title", "Monday\nin the rain")
        rows = lambda *words: [row["entry"] for row in device.json("search", *words)["entries"]]
        assert rows("rain") == [tram, rain] and rows("RAIN", "tram") == [tram] and rows("rain tram") == [tram]
        assert rows("naive") == rows("日本", "wetter", "Calm") == [rain]
        assert rows("snow") == [] and device.run("search", "snow") == ""
        found = device.run("search", "monday").splitlines()
        assert len(found) == 1 and found[0].endswith("Monday in the rain  (not sent yet)"), found
        assert device.json("search", "rain", "--limit", "1")["entries"] == device.json("list", "--limit", "1")["entries"]
        device.run("edit", rain, "--clear", "--untag", "Wetter")
        assert rows("naive") == rows("wetter") == []
        device.run("delete", tram)
        assert rows("tram") == [] and [row["entry"] for row in device.json("search", "tram", "--all")["entries"]] == [tram]
        for query in ([], ["..."], ["x" * 1025], [f"{n:x}" for n in range(40)]):
            refused(USAGE if len(query) < 2 else FAILED, device, "search", *query)
        # A thief of the folder alone finds nothing.
        files = b"".join(path.read_bytes() for path in device.profile.iterdir() if path.is_file())
        for word in (b"tram", b"late", b"naive", b"Monday", b"monday"):
            assert word not in files, word


@test
def search_folds_as_people_expect_in_any_script():
    with Journal() as device:
        texts = {"한국": "\u1112\u1161\u11ab\u1100\u116e\u11a8 음식", "ハ\u309aン": "おいしいパン", "viet nam": "Vie\u0323\u0302t Nam",
            "strasse": "die Straße", "STRAßE": "eine strasse hier", "bucuresti": "în București", "ni hao": "nǐ hǎo",
            "full width": "ｆｕｌｌ　ｗｉｄｔｈ", "שלום": "שָׁלוֹם", "محمد": "مُحَمَّد", "ا": "أ", "❤": "much ❤️ here", "⭐": "✅⭐ done", "c++": "learned C++"}
        found = {query: write(device, text) for query, text in texts.items()}
        for query, entry in found.items():
            assert entry in [row["entry"] for row in device.json("search", query)["entries"]], query
        assert device.json("search", "が")["entries"] == []
        told = device.json("search", "hao", "…", "ni")
        assert told["left_out"] == ["…"] and len(told["entries"]) == 1
        said = subprocess.run(device.command("search", "hao", "…"), capture_output=True, env={**os.environ, **device.environment},
            check=True).stderr.decode()
        assert '"…" was left out' in said, said


@test
def all_of_unicode_comes_back_and_nothing_else_goes_in():
    with Journal() as device:
        entry = write(device, WORDS)
        assert text_of(device, entry) == WORDS
        assert device.json("show", entry)["text"] == WORDS
        device.run("edit", entry, stdin=WORDS.replace("日本語", "日語").replace("👩‍👩‍👧‍👦", "👩‍👧"))
        assert text_of(device, entry) == WORDS.replace("日本語", "日語").replace("👩‍👩‍👧‍👦", "👩‍👧")
        title = "Ünïcödé 🙂"
        device.run("edit", entry, "--title", title, "--tag", "日記", "--emotion", "Freude=5")
        shown = device.json("show", entry)
        assert (shown["title"], shown["tags"], shown["emotions"]) == (title, ["日記"], {"Freude": 5})
        for bad in (b"\xff", b"caf\xc3", b"\xed\xa0\x80", b"\xc0\xaf"):
            done = subprocess.run(device.command("edit", entry), input=b"fine " + bad, capture_output=True,
                env={**os.environ, **device.environment}, check=False)
            assert done.returncode == USAGE and b"not UTF-8: byte" in done.stderr, done
            assert "日語" in text_of(device, entry), "a refused text changes nothing"


@test
def bad_input_is_a_usage_error_and_changes_nothing():
    with Journal() as device:
        entry, other = write(device, "one"), write(device, "two")
        rows = lambda: [{**row, "changed_ms": 0} for row in device.json("list", "--all")["entries"]]
        before = [text_of(device, entry), rows()]
        for arguments in [
            ["nonsense"], [], ["--nonsense"], ["write", "--mood", "101", "x"], ["write", "--mood", "many", "x"],
            ["write", "--date", "noneday", "x"], ["write", "--date", "2023-02-29", "x"],
            ["write", "--emotion", "joy", "x"], ["write", "--emotion", "joy=101", "x"], ["write", "--title"],
            ["write", "--tag", "", "x"], ["write", "--tag", "t" * 129, "x"], ["write", "--title", "t" * 1025, "x"],
            ["write", "--nope", "x"], ["write"], ["edit"], ["edit", entry], ["edit", entry, "text", "on the line"],
            ["edit", entry, "--insert", "99", "x"], ["edit", entry, "--insert", "x", "0"], ["edit", entry, "--insert", "0"],
            ["edit", entry, "--insert", "0", ""], ["edit", entry, "--erase", "0", "4"], ["edit", entry, "--erase", "0", "0"],
            ["edit", entry, "--erase", "3", "1"], ["edit", "xyz!", "--clear"], ["edit", entry[:3], "--clear"],
            ["edit", entry + "0", "--clear"], ["show"], ["show", ""], ["show", "not hex"], ["show", entry, other],
            ["list", "extra"], ["list", "--limit", "0"], ["delete"], ["type"], ["type", entry, "--save-every", "soon"],
            ["sync", "--timeout", "0"], ["sync", "--timeout", "1e9"],
            ["sync", "--follow", "--timeout", "5"], ["sync", "--follow", "--deadline", "5"],
            ["init", "--server", "ws://192.0.2.1:80"], ["init", "--fingerprint", "ab" * 32, "--profile", "/nowhere/new"], ["server", "http://example.org"],
            ["server", "wss://example.org", "--fingerprint", "abc"], ["server", "--fingerprint", "ab" * 32],
            ["join"], ["join", "CODE"], ["join", "--server", "wss://127.0.0.1:1"], ["rejoin"], ["rejoin", "CODE"], ["recover"], ["join", "CODE", "--server", "nonsense"], ["init", "extra"],
            ["list", "--lock-wait", "-1"], ["pair", "--server", "wss://example.org"], ["help", "nonsense"],
            ["revoke"], ["version", "extra"]]:
            refused(USAGE, device, *arguments)
        for arguments in [["show", "0" * 32], ["edit", "0" * 8, "--clear"], ["delete", "ffff" * 8], ["revoke", "unknown"]]:
            assert "No " in refused(FAILED, device, *arguments)
        assert [text_of(device, entry), rows()] == before


@test
def errors_with_json_are_objects():
    with Journal() as device:
        for arguments, code, status in [(["show", "0" * 8], FAILED, "not_found"), (["write", "--mood", "x"], USAGE, "invalid"),
                (["sync"], OFFLINE, "state"), (["init"], FAILED, "conflict"), (["nonsense"], USAGE, "invalid"),
                (["list", "--nonsense"], USAGE, "invalid"), (["--nonsense"], USAGE, "invalid")]:
            try:
                device.run(*arguments, "--json")
                raise AssertionError("it succeeded")
            except Failed as failure:
                error = json.loads(failure.out)["error"]
                assert failure.err == "" and failure.code == code == error["exit"], failure
                assert error["status"] == status and error["text"].endswith("."), error


def keys_of(value):
    """The names in an object and in the objects of its lists; what a person named (emotions, fields) is no name of ours."""
    if isinstance(value, list):
        return set().union(*map(keys_of, value))
    return set(value).union(*(keys_of(inner) for inner in value.values() if isinstance(inner, list))) if isinstance(value, dict) else set()


@test
def the_objects_have_the_fields_that_the_documentation_names():
    page = (pathlib.Path(__file__).parents[2] / "docs" / "journal.md").read_text()
    rows = {}
    for row in re.findall(r"^\| (`.*) \|$", page, re.MULTILINE):
        commands, _, fields = row.partition(" | ")
        for command, part in zip(commands.split("; "), fields.split("; ") if "; " in commands else [fields]):
            for name in re.findall(r"`([\w -]+)`", command):
                rows[name] = set(re.findall(r"`(\w+)`", part))
    with Journal() as device:
        entry = write(device, "日本 one", "--title", "T", "--tag", "t")
        device.run("edit", entry, "--insert", "2", "two")
        first = device.json("restore", entry, "now")["before"]
        device.run("edit", entry, "--insert", "2", "seven", "--title", "U")
        for command, arguments in {"write": ["x"], "edit": [entry, "--mood", "3"], "show": [entry], "list": [], "search": ["two"],
                "history": [entry], "diff": [entry, first], "restore": [entry, first], "devices": [], "status": [], "server": [],
                "version": [], "type": [entry], "delete": [entry]}.items():
            told = device.json(command, *arguments, stdin="") if command == "type" else device.json(command, *arguments)
            named = rows[command] - ({"code", "count", "acknowledged"} if command == "status" else set())  # of alarms, and there is none
            assert keys_of(told) == named, (command, keys_of(told) ^ named)
            if command == "diff":
                assert [(row["old_position"], row["inserted"]) for row in told["text"]] == [(2, "seven")], told
        try:
            device.run("nonsense", "--json")
        except Failed as failure:
            assert set(json.loads(failure.out)["error"]) == {"status", "text", "exit", "hint"}


@test
def every_command_explains_itself():
    with World() as world:
        device = world.device("other", None)
        everything = device.run("--help")
        for command in COMMANDS:
            assert re.search(rf"^  {command}\b", everything, re.MULTILINE), command
            explained = device.run(command, "--help")
            assert explained == device.run("help", command)
            assert explained.startswith(f"usage: quire {command}") and "Exit codes" in explained
            assert "\n\n\n" not in explained
            assert all(len(line) <= 80 for line in explained.splitlines()), explained
        assert all(len(line) <= 80 for line in everything.splitlines()), everything
        for code in "012345":
            assert re.search(rf"^  {code}  ", everything, re.MULTILINE)
        rows = everything.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
        short = [row for row in rows if len(row.split("  ")[1]) <= 24]
        assert len(short) >= 20 and {row[26:27] for row in short} == {" "}, "summaries stand in one column"
        assert all(row[27] != " " for row in short), rows
        assert device.run("version") == device.run("--version")
        assert not device.profile.exists(), "asking for help makes no files"


@test
def without_a_profile_it_says_how_to_get_one_and_leaves_nothing():
    with World() as world:
        device = world.device("other", None)
        for arguments in [["list"], ["show", "0000"], ["write", "x"], ["status"], ["devices"], ["sync"], ["server"]]:
            assert "quire init" in refused(FAILED, device, *arguments)
        device.profile.mkdir()
        (device.profile / "mine.txt").write_text("not Quire's")
        assert "quire init" in refused(FAILED, device, "list")
        assert [path.name for path in device.profile.iterdir()] == ["mine.txt"]


@test
def a_second_process_waits_for_its_turn():
    with Journal() as device:
        entry = write(device, "held")
        first = device.start("type", entry, "--ack", "--save-every", "0")
        first.stdin.write('[4, 0, " fast"]\n')
        first.stdin.flush()
        assert first.stdout.readline() == "1\n"
        said = refused(FAILED, device, "sync", "--lock-wait", "0")
        assert f"pid {first.pid}" in said and "Nothing was changed" in said, said
        second = device.start("type", entry, "--lock-wait", "60")
        until(lambda: "waiting" in waiting_locks(second.pid, device), what="the second to wait")
        assert second.poll() is None
        first.stdin.close()
        assert first.wait(20) == 0
        second.stdin.write('[9, 0, "er"]')
        second.stdin.close()
        assert second.wait(20) == 0 and text_of(device, entry) == "held faster"


def waiting_locks(pid, device):
    """Names of the profile's files that a process has open."""
    try:
        links = [os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")]
    except OSError:
        return []
    return [os.path.basename(link) for link in links if link.startswith(str(device.profile.resolve()))]


@test
def records_that_are_missing_empty_or_cut_are_named_with_the_way_back():
    with Journal() as device:
        for number in range(30):
            write(device, f"{number} " * 3000)
        records = device.profile / "records.mdb"
        whole = records.read_bytes()
        for content, named in ((None, "are missing"), (b"", "empty file"), (whole[:len(whole) // 2], "cut short")):
            records.unlink()
            if content is not None:
                records.write_bytes(content)
            for arguments in (["list"], ["write", "x"], ["status"]):
                said = refused(FAILED, device, *arguments)
                assert named in said and "quire join" in said and "backup" in said, (named, said)
            assert records.exists() == (content is not None) and (content is None or records.read_bytes() == content)
            said = refused(FAILED, device, "init")
            assert "already" in said
            records.write_bytes(whole)
        assert len(device.entries()) == 30


@test
def a_device_named_like_the_id_of_another_is_ambiguous_and_not_taken_for_it():
    with World() as world:
        device = world.device("laptop", None)
        device.run("init", "--name", "laptop")
        own = device.json("devices")["devices"][0]["id"]
        assert "cannot revoke itself" in refused(USAGE, device, "revoke", own[:8])
    with World() as world:
        device = world.device("laptop", None)
        device.run("init", "--name", "dead")
        assert "cannot revoke itself" in refused(USAGE, device, "revoke", "name:dead")
        assert "No device" in refused(FAILED, device, "revoke", "name:deaf")


@test
def a_killed_holder_holds_nobody_up():
    with Journal() as device:
        entry = write(device, "x")
        first = device.start("type", entry)
        until(lambda: "lock" in waiting_locks(first.pid, device), what="the lock")
        until(lambda: "records.mdb" in waiting_locks(first.pid, device), what="the records")
        first.kill()
        first.wait()
        assert device.run("show", entry, "--text", "--lock-wait", "0") == "x"


@test
def the_key_decides():
    with Journal() as device:
        entry = write(device, "secret words")
        keys = list((device.home / "config/quire/keys").iterdir())
        assert len(keys) == 1 and keys[0].stat().st_mode & 0o777 == 0o600
        other = device.home / "other.key"
        other.write_text("ab" * 32 + "\n")
        other.chmod(0o600)
        assert "another profile's key" in refused(FAILED, device, "show", entry, "--key-file", other)
        assert "another profile's key" in refused(FAILED, device, "list", environment={"QUIRE_KEY_FILE": str(other)})
        other.write_text("not a key")
        assert "not a key file" in refused(USAGE, device, "list", "--key-file", other)
        assert "missing" in refused(FAILED, device, "list", "--key-file", device.home / "none")
        keys[0].chmod(0o640)
        assert "chmod 600" in refused(USAGE, device, "list")
        keys[0].chmod(0o600)
        moved = device.home / "moved.key"
        keys[0].rename(moved)
        assert "--key-file" in refused(FAILED, device, "list")
        assert device.run("show", entry, "--text", "--key-file", moved) == "secret words"
        for path in device.profile.iterdir():
            assert b"secret" not in path.read_bytes(), "plain text on disk"


@test
def a_profile_may_be_moved_and_copied():
    with Journal() as device:
        entry = write(device, "one")
        moved = device.home / "moved"
        shutil.copytree(device.profile, moved)
        device.profile.rename(device.home / "elsewhere")
        assert device.run("show", entry, "--text", "--profile", moved) == "one"
        device.run("edit", entry, "--insert", "3", " two", "--profile", moved)
        assert device.run("show", entry, "--text", "--profile", device.home / "elsewhere") == "one"


def run_as(device, arguments, prepare):
    """A command whose process is changed before it starts; (code, out, err)."""
    done = subprocess.run(device.command(*arguments), env={**os.environ, **device.environment}, capture_output=True,
        stdin=subprocess.DEVNULL, preexec_fn=prepare, restore_signals=False, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@test
def a_folder_that_cannot_be_written_is_said_and_left_alone():
    with Journal() as device:
        entry = write(device, "one")

        def become_nobody():
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
        if os.geteuid() == 0:  # root may write anywhere, so another user tries, who may read all of it
            for folder in (device.world.folder, device.home):
                folder.chmod(0o755)
            device.profile.chmod(0o755)
            for path in device.profile.iterdir():
                path.chmod(0o644)
        else:
            for path in device.profile.iterdir():
                path.chmod(0o400)
            device.profile.chmod(0o500)
        before = {path.name: path.read_bytes() for path in device.profile.iterdir()}
        for arguments in (["write", "x"], ["delete", entry]):
            code, out, err = run_as(device, arguments, become_nobody)
            assert code == FAILED and out == "" and "cannot be written" in err, (code, out, err)
        assert {path.name: path.read_bytes() for path in device.profile.iterdir()} == before
        device.profile.chmod(0o700)
        if os.geteuid() != 0:
            for path in device.profile.iterdir():
                path.chmod(0o600)
        assert text_of(device, entry) == "one"


@test
def a_full_disk_refuses_and_loses_nothing():
    with Journal() as device:
        kept = {}
        limit = 300_000  # bytes that any one file may have: writes past it fail as on a full disk

        def shrink():
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # as a shell starts it
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        refused_once = False
        for number in range(60):
            text = f"{number} " + "filling the disk, slowly but surely. " * 300
            code, out, err = run_as(device, ["write", text], shrink)
            if code == 0:
                kept[out.strip()] = text
            else:
                assert code == FAILED and "full" in err and "safe" in err, err
                refused_once = True
        assert refused_once and kept
        for entry, text in kept.items():
            assert text_of(device, entry) == text
        assert {row["entry"] for row in device.json("list")["entries"]} == set(kept)
        write(device, "there is room again")
        assert len(device.json("list")["entries"]) == len(kept) + 1


@test
def type_applies_a_script_and_says_how_much_is_safe():
    with Journal() as device:
        made = device.json("type", "new", stdin='[0,0,"Hello 🙂"]\n\n  \n[6,1,"w\\u00f6rld"]\n[0,1,"J"]')
        assert made["applied"] == 3 and text_of(device, made["entry"]) == "Jello wörld"
        entry = made["entry"]
        assert device.run("type", entry, stdin="") == "0\n"
        assert device.run("type", entry, stdin="[0, 0, \"\"]\n") == "1\n"
        fresh = "ab" * 16
        assert "No entry" in refused(FAILED, device, "type", fresh, stdin="[0,0,\"x\"]")
        assert device.run("type", fresh, "--create", stdin="[0,0,\"x\"]") == "1\n"
        for line in ["nonsense", "[0,0]", "[0,0,\"x\",1]", "[-1,0,\"x\"]", "[0,-1,\"x\"]", "[0,2,\"x\"]", "[2,0,\"x\"]",
                "[0.5,0,\"x\"]", "[0,0,5]", "{}", "[0,0,\"\\ud800\"]", "[99999999999999999999,0,\"x\"]", "[[0,0,\"x\"]]"]:
            device.run("type", fresh, stdin=f"[0,{len(text_of(device, fresh))},\"x\"]")
            said = refused(FAILED, device, "type", fresh, stdin=f"[1,0,\"y\"]\n[1,1,\"\"]\n{line}\n[0,0,\"never\"]\n")
            assert "Line 3" in said and "2 edits" in said, said
            assert text_of(device, fresh) == "x"


@test
def what_was_acknowledged_survives_kill_nine():
    with Journal() as device:
        entry = write(device, "abc")
        length = 3
        for round_number in range(12):
            typist = device.start("type", entry, "--ack", "--save-every", str(round_number % 4))
            typist.stdin.write("".join(f"[{length + i},0,\"{'abcdefghij'[i % 10]}\"]\n" for i in range(400)))
            typist.stdin.flush()
            acknowledged = 0
            while acknowledged < 30 * round_number:
                acknowledged = int(typist.stdout.readline())
            typist.kill()
            acknowledged = int(([str(acknowledged)] + typist.stdout.read().split())[-1])
            typist.wait()
            typist.stdin.close()
            text = text_of(device, entry)
            assert acknowledged <= len(text) - length <= 400, (acknowledged, length, len(text))
            assert text[length:] == ("abcdefghij" * 40)[:len(text) - length]
            length = len(text)
        assert length > 300


@test
def an_init_that_was_interrupted_is_begun_again():
    with World() as world:
        device = world.device("laptop", None)
        device.run("init", "--name", "laptop")
        config = device.profile / "config"
        config.write_text(config.read_text() + "stage = starting\n")
        assert "never finished" in refused(FAILED, device, "list")
        device.run("init", "--name", "laptop")
        assert device.json("list") == {"entries": []}


@test
def a_damaged_config_is_named_by_its_line():
    with Journal() as device:
        config = device.profile / "config"
        good = config.read_text()
        config.write_text(good + "surver = wss://example.org\n")
        assert f"Line {good.count(chr(10)) + 1} of" in refused(USAGE, device, "list")
        config.write_text("format = 3\n")
        assert "newer version" in refused(FAILED, device, "list")
        config.write_text("")
        assert "lacks" in refused(USAGE, device, "list")
        config.write_text(good)
        device.run("list")


@test
def damaged_records_are_an_error_and_never_a_crash():
    with Journal() as device:
        entry = write(device, "precious " * 100)
        records = device.profile / "records.mdb"
        good = records.read_bytes()
        for number in range(0, len(good), max(1, len(good) // 40)):
            records.write_bytes(good[:number] + bytes(byte ^ 0xff for byte in good[number:number + 64]) + good[number + 64:])
            try:
                assert text_of(device, entry) == "precious " * 100
            except Failed as failure:
                assert failure.code == FAILED and failure.out == "", failure
        records.write_bytes(good)
        assert text_of(device, entry) == "precious " * 100


@test
def the_server_is_set_and_shown_and_offline_is_exit_three():
    with Journal() as device:
        assert "none yet" in device.run("status")
        assert "quire server" in refused(OFFLINE, device, "sync")
        device.run("server", "WSS://Example.invalid:7433/", "--fingerprint", ":".join(["AB"] * 32))
        assert device.json("server") == {"server": "wss://example.invalid:7433", "fingerprint": "ab" * 32}
        assert "no pinned certificate any longer" in device.run("server", "wss://127.0.0.1:1")
        assert device.run("server").endswith("no pinned certificate\n")
        assert device.json("server")["fingerprint"] is None
        entry = write(device, "kept")
        for arguments in (["sync"], ["pair"], ["sync", "--json"]):
            assert "safe on this machine" in refused(OFFLINE, device, *arguments, "--timeout", "5")
        assert "wss://" in refused(USAGE, device, "server", "ws://192.0.2.1:80"), "said when it is set"
        assert device.json("server")["server"] == "wss://127.0.0.1:1"
        device.run("server", "ws://192.0.2.1:80", "--insecure")
        assert "wss://" in refused(USAGE, device, "sync"), "plain text leaves the machine only when told to"
        assert text_of(device, entry) == "kept"
        other = device.world.device("new", None)
        refused(OFFLINE, other, "join", "0000-0000-0000-0000-0000", "--server", "wss://127.0.0.1:1")
        assert not other.profile.exists(), "a failed join leaves no profile"
        refused(USAGE, other, "join", "0000", "--server", "wss://127.0.0.1:1")
        refused(USAGE, other, "recover", "--server", "wss://127.0.0.1:1", stdin="not a kit\n")
        assert not other.profile.exists()


class Stranger:
    """Listens where a server should, and gives one answer to each client; None: hangs up at once."""

    def __init__(self, answer):
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        try:
            while True:
                with self.listener.accept()[0] as client:
                    client.recv(4096)
                    if self.answer is not None:
                        client.sendall(self.answer.encode() + b"\r\nContent-Length: 0\r\n\r\n")
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *rest):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)


@test
def what_listens_there_but_is_no_server_of_ours_is_told_by_its_answer():
    with Journal() as device:
        for scheme, answer, told in [("ws", "HTTP/1.1 421 Misdirected Request", "--host"),
                ("ws", "HTTP/1.1 404 Not Found", "(HTTP status 404)"), ("ws", "HTTP/1.1 200 OK", "(HTTP status 200)"),
                ("ws", None, "wss://"), ("wss", "HTTP/1.1 400 Bad Request", "ws://")]:
            with Stranger(answer) as stranger:
                device.run("server", f"{scheme}://127.0.0.1:{stranger.port}")
                said = refused(OFFLINE, device, "sync", "--timeout", "5")
                assert told in said and "safe on this machine" in said, (answer, said)


def in_terminal(device, arguments, environment=None, answer=b""):
    """Runs a command with a terminal for input and output; (code, what it showed)."""
    master, slave = pty.openpty()
    process = subprocess.Popen(device.command(*arguments), stdin=slave, stdout=slave, stderr=slave,
        env={**os.environ, **device.environment, "TERM": "xterm", **(environment or {})}, start_new_session=True)
    device.world.started.append(process)
    os.close(slave)
    shown = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        if answer and b": " in shown:
            os.write(master, answer)
            answer = b""
    os.close(master)
    return process.wait(20), shown.decode(errors="replace")


def editor(device, script):
    """A program that edits $1; the environment that names it."""
    path = device.home / "editor with space.sh"
    path.write_text(f"#!/bin/sh\nset -e\n{script}\n")
    path.chmod(0o755)
    return {"EDITOR": f"'{path}'", "VISUAL": ""}


@test
def an_editor_edits_and_what_others_wrote_meanwhile_stays():
    with Journal() as device:
        code, shown = in_terminal(device, ["write"], editor(device, "printf 'from the editor\\n' > \"$1\""))
        entry = shown.strip()
        assert code == 0 and text_of(device, entry) == "from the editor\n", shown
        meanwhile = editor(device, f"""
            grep -q 'from the editor' "$1"
            '{programs["quire"]}' edit {entry} --insert 0 'Meanwhile, ' --lock-wait 0
            sed -i 's/editor/very good editor/' "$1" """)
        code, shown = in_terminal(device, ["edit", entry], meanwhile)
        assert code == 0, shown
        assert text_of(device, entry) == "Meanwhile, from the very good editor\n"
        assert not list((device.home / "run").rglob("*.txt")), "the plain text is gone"
        code, shown = in_terminal(device, ["edit", entry], editor(device, "echo lost >> \"$1\"; exit 3"))
        assert code == FAILED and "Nothing was saved" in shown
        assert [row["text"] for row in device.json("drafts")["drafts"]] == [text_of(device, entry) + "lost\n"]
        assert not list((device.home / "run").rglob("*.txt")), "the plain text is gone"
        assert text_of(device, entry) == "Meanwhile, from the very good editor\n"
        code, shown = in_terminal(device, ["write"], editor(device, "sleep 1.6"))
        assert code == 0 and "Nothing was changed" in shown and "What you wrote" not in shown, shown
        assert not list((device.home / "run").rglob("*.txt")), "an empty page is not kept"
        empty = device.world.device("other", None)
        code, shown = in_terminal(empty, ["write"], editor(empty, f"touch '{empty.home}/was-asked'"))
        assert code == FAILED and "quire init" in shown and not (empty.home / "was-asked").exists(), shown


@test
def text_does_not_steer_the_terminal():
    with Journal() as device:
        entry = write(device, "before \x1b]0;title\x07 \x9b31m\u202e after\ttab\n", "--title", "t\x1b[2J")
        for arguments in (["show", entry], ["list"]):
            code, shown = in_terminal(device, arguments, {"NO_COLOR": "1"})
            assert code == 0 and not set(shown) & {"\x1b", "\x07", "\x9b", "\u202e"}, repr(shown)
        code, shown = in_terminal(device, ["list"])
        assert code == 0 and "\x1b[1m" in shown and "\x1b[2J" not in shown
        assert "\x1b" not in device.run("list").replace("\x1b[2J", ""), "no colour in a pipe"
        assert "\x1b]0;title" in text_of(device, entry), "a pipe gets every byte"
    with World() as world:  # a device chooses its own name, and the others show it, in pipes too
        device = world.device("other", None)
        refused(USAGE, device, "init", "--name", "two\nrows")
        device.run("init", "--name", "ev\x9b2Jil\u202e")
        for shown in (in_terminal(device, ["devices"], {"NO_COLOR": "1"})[1], device.run("devices")):
            assert "ev\ufffd2Jil\ufffd  this device" in shown, repr(shown)
        assert device.json("devices")["devices"][0]["name"] == "ev\x9b2Jil\u202e"


@test
def the_recovery_kit_is_asked_for_without_an_echo():
    with World() as world:
        device = world.device("new", None)
        code, shown = in_terminal(device, ["recover", "--server", "wss://127.0.0.1:1"], answer=b"SECRET-KIT\n\n")
        assert code == USAGE and "not shown" in shown and "not a recovery kit" in shown, shown
        assert "SECRET" not in shown, shown


@test
def a_closed_pipe_ends_the_command_as_any_other():
    with Journal() as device:
        entry = write(device, "long " * 100_000)
        reader, writer = os.pipe()
        os.close(reader)
        process = device.start("show", entry, "--text", stdout=writer, stdin=subprocess.DEVNULL)
        os.close(writer)
        assert process.wait(20) == -signal.SIGPIPE


@test
def a_megabyte_is_the_most_that_an_entry_holds():
    with Journal() as device:
        text = ("All work and no play. " * 50_000)[:1024 * 1024]
        entry = write(device, text)
        assert text_of(device, entry) == text
        assert "longer than" in refused(FAILED, device, "edit", entry, stdin=text + "x")
        started = time.monotonic()
        device.run("edit", entry, stdin=text[::-1])
        assert time.monotonic() - started < 30
        assert text_of(device, entry) == text[::-1]


main()
