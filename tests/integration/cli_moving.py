#!/usr/bin/env python3
"""Moving in and out: export and import, their bad input, and what stands when they break off."""
import io
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import tarfile
import time
import zipfile

from harness import Failed, World, dice, main, test, until

FAILED, USAGE, REFUSED = 1, 2, 4
WORDS = "rain tram walk coffee letter garden evening winter friend train story light".split()


class Journal:
    """A world with devices of separate accounts."""

    def __enter__(self):
        self.world = World()
        return self

    def __exit__(self, *error):
        self.world.__exit__(*error)

    def device(self, name):
        device = self.world.device(name, None)
        device.run("init", "--name", name)
        return device

    def file(self, name, content):
        path = self.world.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path


def refused(code, device, *arguments, **options):
    """The command fails with this exit code, in a sentence; what it said."""
    try:
        out = device.run(*arguments, **options)
    except Failed as failure:
        assert failure.code == code, f"exit {failure.code} instead of {code}: {failure}"
        said = failure.out + failure.err
        assert re.search(r"[.!?]\n|[.!?]\"", said), f"no sentence: {said}"
        return said
    raise AssertionError(f"quire {arguments} succeeded: {out}")


def drawn_text(random):
    pieces = [*WORDS, "\n", "\n\n", "---\n", "\"", "\\", ": ", "# ", "ä", "日本", "🌧️", "\u2028", "\x00", "\x1b", "\r\n", "\ufeff", "`"]
    return "".join(random.choice(pieces) for _ in range(random.randrange(60)))


def drawn_export(random, count):
    entries = []
    for _ in range(count):
        entry = {"id": "%032x" % random.getrandbits(128)}
        if random.randrange(4):
            entry["date"] = "%04d-%02d-%02dT%02d:%02d" % (random.choice([1, 1969, 2024, 9999]), random.randrange(1, 13),
                random.randrange(1, 29), random.randrange(24), random.randrange(60))
        if random.randrange(2):
            entry["title"] = drawn_text(random)[:60]
        if random.randrange(2):
            entry["mood"] = random.randrange(101)
        if random.randrange(2):
            entry["tags"] = sorted({random.choice(WORDS) for _ in range(3)})
        if random.randrange(3) == 0:
            entry["emotions"] = [{"name": "joy", "intensity": random.randrange(101)}]
        entry["text"] = drawn_text(random)
        if len(entry) > 2 or entry["text"]:
            entries.append(entry)
    return json.dumps({"format": "quire-export", "version": 1, "entries": entries})


def dayone(count, first=0, text="Some text."):
    return json.dumps({"metadata": {"version": "1.0"}, "entries": [
        {"uuid": "%032X" % (first + i), "creationDate": "2024-03-%02dT12:00:00Z" % (1 + i % 28), "timeZone": "Asia/Tokyo",
         "text": f"{text} {first + i}"} for i in range(count)]})


def files_of(folder):
    return {path.name: path.read_bytes() for path in pathlib.Path(folder).iterdir()}


def fits(schema, value, root=None, at="$"):
    """The value is what the JSON schema says, by those words of it that ours uses; else the place."""
    root = root or schema
    if "$ref" in schema:
        return fits(root["$defs"][schema["$ref"].split("/")[-1]], value, root, at)
    known = {"$schema", "$id", "$defs", "title", "description", "type", "const", "required", "additionalProperties", "properties",
        "items", "pattern", "minItems", "maxItems", "uniqueItems", "minimum", "maximum", "minLength", "not"}
    assert set(schema) <= known, set(schema) - known
    kinds = {"object": dict, "array": list, "string": str, "integer": int}
    assert "type" not in schema or (isinstance(value, kinds[schema["type"]]) and not isinstance(value, bool)), at
    assert "const" not in schema or (value == schema["const"] and type(value) is type(schema["const"])), at
    assert set(schema.get("required", [])) <= set(value if isinstance(value, dict) else []), at
    assert "not" not in schema or not set(schema["not"]["required"]) <= set(value), at
    if "pattern" in schema:
        assert re.search(schema["pattern"], value), at
    if isinstance(value, str):
        assert len(value) >= schema.get("minLength", 0), at
    if isinstance(value, int):
        assert schema.get("minimum", value) <= value <= schema.get("maximum", value), at
    if isinstance(value, list):
        assert schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)), at
        assert not schema.get("uniqueItems") or len(value) == len(set(value)), at
        for i, item in enumerate(value):
            fits(schema["items"], item, root, f"{at}[{i}]")
    if isinstance(value, dict):
        for key, item in value.items():
            assert key in schema.get("properties", {}) or schema.get("additionalProperties", True), f"{at}.{key}"
            if key in schema.get("properties", {}):
                fits(schema["properties"][key], item, root, f"{at}.{key}")


def leftovers(world):
    return list(world.folder.rglob("*.quire-part-*"))


def archive(*members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members:
            made.writestr(name, content)
    return out.getvalue()


# ---- what goes out comes in --------------------------------------------------------------------


@test
def export_then_import_is_the_identity():
    random = dice()
    with Journal() as journal:
        for number in range(3):
            old = journal.device(f"old{number}")
            drawn = journal.file(f"drawn{number}.json", drawn_export(random, 60))
            report = old.json("import", drawn)
            assert report["written"] == report["new"] == report["read"] > 40 and report["note_count"] == 0, report
            out = journal.world.folder
            old.run("export", out / f"{number}.json")
            old.run("export", out / f"{number}")
            for source in [f"{number}.json", f"{number}"]:
                again = "new" + source.replace(".", "")
                new = journal.device(again)
                new.run("import", out / source)
                new.run("export", out / f"{again}-out.json")
                new.run("export", out / f"{again}-out")
                assert (out / f"{number}.json").read_bytes() == (out / f"{again}-out.json").read_bytes()
                assert files_of(out / f"{number}") == files_of(out / f"{again}-out")
        assert not leftovers(journal.world)


@test
def an_export_is_what_its_schema_says():
    random = dice(7)
    schema = json.loads((pathlib.Path(__file__).parents[2] / "docs/export.schema.json").read_text())
    with Journal() as journal:
        device, out = journal.device("laptop"), journal.world.folder / "out.json"
        device.run("import", journal.file("drawn.json", drawn_export(random, 80)))
        device.run("delete", device.entries()[0]["entry"])
        device.run("export", out, "--deleted")
        made = json.loads(out.read_text())
        fits(schema, made)
        assert {key for entry in made["entries"] for key in entry} == \
            {"id", "date", "title", "mood", "tags", "emotions", "deleted", "text"}
        for broken in [{"x": 1}, {"id": "A" * 32}, {"mood": 101}, {"mood": True}, {"text": None}, {"date": "2024-03-01"}, {"date_ms": 1}]:
            wrong = {**made, "entries": [{**made["entries"][0], "date": "2024-03-01T00:00", **broken}]}
            try:
                fits(schema, wrong)
            except AssertionError:
                continue
            raise RuntimeError(f"the schema takes {broken}")


@test
def an_export_has_what_the_options_choose():
    with Journal() as journal:
        device, out = journal.device("laptop"), journal.world.folder
        device.run("write", "old", "--date", "2023-05-01", "--tag", "a")
        device.run("write", "new", "--date", "2024-05-01 12:00", "--tag", "b")
        gone = device.run("write", "gone", "--date", "2024-05-02").strip()
        device.run("delete", gone)

        def texts(*options):
            return [e["text"] for e in json.loads(device.run("export", "-", "--format", "json", *options))["entries"]]
        assert texts() == ["old", "new"]
        assert texts("--from", "2024") == ["new"] and texts("--to", "2023-05") == ["old"]
        assert texts("--on", "2024-05-01") == ["new"] and texts("--tag", "a") == ["old"]
        assert texts("--deleted") == ["old", "new", "gone"]
        assert "ambiguous" in refused(USAGE, device, "export", out / "x", "--from", "3/4/2024")
        report = device.json("export", out / "page.html")
        assert report["entries"] == 2 and report["format"] == "html"
        page = (out / "page.html").read_text()
        assert "<p>new</p>" in page and "default-src 'none'" in page and "gone" not in page
        assert (out / "page.html").stat().st_mode & 0o777 == 0o600


@test
def list_and_search_take_dates_as_people_say_them():
    with Journal() as journal:
        device = journal.device("laptop")
        now = {"TZ": "Europe/Berlin"}
        for words in ["now", "yesterday 8pm", "3 days ago", "2023-05-01", "31.12.2022 23:59"]:
            device.run("write", f"walk {words}", "--date", words, environment=now)
        device.run("write", "walk undated")
        undated = next(row["entry"] for row in device.entries() if row["snippet"] == "walk undated")
        device.run("edit", undated, "--no-date")

        def found(*options):
            rows = [json.loads(device.run(*command, *options, "--json", environment=now))["entries"]
                for command in (["list"], ["search", "walk"])]
            assert [r["entry"] for r in rows[0]] == [r["entry"] for r in rows[1]]
            return {row["snippet"][5:] for row in rows[0]}
        assert found("--on", "today") == {"now"} and found("--on", "yesterday") == {"yesterday 8pm"}
        assert found("--from", "3 days ago") == {"now", "yesterday 8pm", "3 days ago"}
        assert found("--from", "2023", "--to", "may 2023") == {"2023-05-01"}
        assert found("--to", "2022") == {"31.12.2022 23:59"} and found("--on", "2021-01") == set()
        assert len(found()) == 6
        assert "ambiguous" in refused(USAGE, device, "list", "--on", "3/4/2024")
        assert "not a date" in refused(USAGE, device, "search", "walk", "--from", "whenever")
        assert "before" in refused(USAGE, device, "list", "--from", "2024", "--to", "2023")
        refused(USAGE, device, "list", "--on", "2024", "--from", "2023")


@test
def a_page_to_print_runs_and_fetches_nothing():
    with Journal() as journal:
        device, page = journal.device("laptop"), journal.world.folder / "page.html"
        device.run("write", "-", "--title", "<script>alert(1)</script>",
            stdin="<img src=x onerror=alert(2)> [a](javascript:alert(3)) **bold** ![p](https://example.org/p.png)")
        device.run("export", page)
        text = page.read_text()
        assert "<script" not in text and "onerror" not in text and "javascript:" not in text, text
        assert "<strong>bold</strong>" in text and "&lt;script&gt;" in text


@test
def an_export_replaces_nothing_and_appears_whole():
    with Journal() as journal:
        device, out = journal.device("laptop"), journal.world.folder
        device.run("import", journal.file("in.json", dayone(300, text="x" * 20000)))
        there = journal.file("there.json", "mine")
        assert "not touched" in refused(FAILED, device, "export", there)
        assert there.read_text() == "mine"
        (out / "folder").mkdir()
        refused(FAILED, device, "export", out / "folder")
        refused(FAILED, device, "export", out / "no" / "such" / "folder.json")

        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        done = subprocess.run(device.command("export", str(out / "full.json")), env={**os.environ, **device.environment},
            preexec_fn=small_files, capture_output=True, text=True)
        assert done.returncode == FAILED and "journal is as it was" in done.stderr, done
        assert not (out / "full.json").exists() and not leftovers(journal.world)


@test
def an_interrupted_export_leaves_nothing():
    with Journal() as journal:
        device, out = journal.device("laptop"), journal.world.folder
        device.run("import", journal.file("in.json", dayone(3000, text="x" * 2000)))
        process = device.start("export", str(out / "notes"))
        until(lambda: leftovers(journal.world) or process.poll() is not None, what="the part of an export")
        process.send_signal(signal.SIGINT)
        process.wait(60)
        assert not leftovers(journal.world)
        assert (out / "notes").exists() == (process.returncode == 0)


# ---- importing again, and what is here already -------------------------------------------------


@test
def importing_again_makes_no_doubles():
    with Journal() as journal:
        device = journal.device("laptop")
        source = journal.file("in.json", dayone(250))
        assert device.json("import", source)["written"] == 250
        again = device.json("import", source)
        assert again["there"] == 250 and again["written"] == 0, again
        more = device.json("import", journal.file("more.json", dayone(260)))
        assert more["there"] == 250 and more["written"] == 10, more
        assert len(device.entries()) == 260


@test
def the_same_words_from_another_device_are_no_doubles():
    with Journal() as journal:
        one, two = journal.device("one"), journal.device("two")
        source = journal.file("in.json", dayone(20))
        one.run("import", source)
        one.run("export", journal.world.folder / "out.json")
        two.run("import", journal.world.folder / "out.json")  # other ids than two would derive
        report = two.json("import", source)
        assert report["there"] == 20 and report["written"] == 0, report


@test
def what_differs_stays_unless_it_is_to_be_updated():
    with Journal() as journal:
        device = journal.device("laptop")
        device.run("import", journal.file("in.json", dayone(40)))
        entry = device.entries()[0]["entry"]
        device.edit(entry, "My own words.")
        source = journal.world.folder / "in.json"
        report = device.json("import", source)
        assert report["differ"] == 1 and report["there"] == 39 and report["written"] == 0, report
        assert device.show(entry) == "My own words."
        report = device.json("import", source, "--update")
        assert report["changed"] == 1 and report["written"] == 1, report
        assert device.show(entry).startswith("Some text.")


@test
def an_import_brakes_before_it_changes_a_tenth():
    with Journal() as journal:
        device = journal.device("laptop")
        device.run("import", journal.file("in.json", dayone(40)))
        other = journal.file("other.json", dayone(5, text="Other text."))
        before = device.texts()
        said = refused(REFUSED, device, "import", other, "--update")
        assert "5 of 40" in said and "--force" in said, said
        assert device.texts() == before
        report = device.json("import", other, "--update", "--dry-run")
        assert report["changed"] == 5 and report["written"] == 0 and device.texts() == before
        report = device.json("import", other, "--update", "--force")
        assert report["changed"] == report["written"] == 5
        out = journal.world.folder / "out.json"
        device.run("export", out)
        gone = json.loads(out.read_text())
        for entry in gone["entries"][:6]:
            entry["deleted"] = True
        refused(REFUSED, device, "import", journal.file("gone.json", json.dumps(gone)), "--update")
        report = device.json("import", journal.world.folder / "gone.json", "--update", "--force")
        assert report["deleted"] == 6 and len(device.entries()) == 34, report


@test
def a_dry_run_writes_nothing():
    with Journal() as journal:
        device = journal.device("laptop")
        report = device.json("import", journal.file("in.json", dayone(30)), "--dry-run")
        assert report["new"] == 30 and report["written"] == 0 and report["dry_run"] is True
        assert device.entries() == []


@test
def two_imports_at_once_make_no_doubles():
    with Journal() as journal:
        device = journal.device("laptop")
        source = journal.file("in.json", dayone(1500))
        both = [device.start("import", str(source), "--json", "--lock-wait", "60") for _ in range(2)]
        reports = [json.loads(process.communicate()[0]) for process in both]
        assert sorted(report["written"] for report in reports) == [0, 1500], reports
        assert len(device.entries()) == 1500


@test
def imported_entries_reach_other_devices_once():
    with World() as world:
        phone, laptop = world.phone_and_laptop(world.server())
        source = world.folder / "in.json"
        source.write_text(dayone(400))
        phone.run("import", source)
        phone.sync()
        laptop.sync()
        phone.run("export", world.folder / "phone.json")
        laptop.run("export", world.folder / "laptop.json")
        assert (world.folder / "phone.json").read_bytes() == (world.folder / "laptop.json").read_bytes()
        assert laptop.json("import", source)["there"] == 400
        assert not any(phone.alarms().values()) and not any(laptop.alarms().values())


# ---- breaking off ------------------------------------------------------------------------------


@test
def a_killed_import_goes_on_where_it_was():
    with Journal() as journal:
        device = journal.device("laptop")
        source = journal.file("in.json", dayone(4000, text="y" * 1000))
        records = device.profile
        process = device.start("import", str(source))
        until(lambda: sum(f.stat().st_size for f in records.rglob("*") if f.is_file()) > 2 << 20 or process.poll() is not None,
            what="records")
        process.kill()
        process.wait()
        here = len(device.entries())
        assert here % 100 == 0, f"{here} entries: a batch was cut"
        assert here == 4000 or "broke off" in device.run("status")
        report = device.json("import", source)
        assert report["there"] == here and report["written"] == 4000 - here, report
        assert len(device.entries()) == 4000 and "broke off" not in device.run("status")


@test
def a_full_disk_in_the_middle_loses_nothing():
    with Journal() as journal:
        device = journal.device("laptop")
        mine = device.write("Mine.")
        source = journal.file("in.json", dayone(600, text="z" * 20000))

        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))
        done = subprocess.run(device.command("import", str(source)), env={**os.environ, **device.environment},
            preexec_fn=small_files, capture_output=True, text=True)
        assert done.returncode == FAILED and "are imported and safe" in done.stderr, done
        written = int(re.search(r"(\d+) of 600 entries", done.stderr)[1])
        assert len(device.entries()) == written + 1 and device.show(mine) == "Mine."
        report = device.json("import", source)
        assert report["there"] == written and report["written"] == 600 - written, report


# ---- broken and hostile files ------------------------------------------------------------------


@test
def a_file_that_is_no_journal_is_refused():
    with Journal() as journal:
        device = journal.device("laptop")
        whole = dayone(3)
        for name, content in {"cut.json": whole[:-40], "empty.json": "", "noise.bin": os.urandom(1000), "text.json": "hello",
            "deep.json": '{"metadata":1,"entries":' + "[" * 100000, "number.json": "7", "quire.json": '{"format":"quire-export"}',
            "newer.json": '{"format":"quire-export","version":2,"entries":[]}', "cut.zip": archive(("a.json", whole))[:-30],
            "nothing.zip": archive(("a.png", "x")),
            "half.zip": archive(*((f"{i}.md", os.urandom(500)) for i in range(20)))[:5000]}.items():
            refused(FAILED, device, "import", journal.file(name, content))
        refused(FAILED, device, "import", journal.world.folder / "missing.json")
        refused(USAGE, device, "import", journal.file("in.json", whole), "--format", "other")
        refused(USAGE, device, "import")
        assert device.entries() == []


@test
def a_zip_bomb_is_refused():
    with Journal() as journal:
        device = journal.device("laptop")
        bomb = journal.file("bomb.zip", archive(("a.json", b" " * (200 << 20))))
        assert bomb.stat().st_size < 1 << 20
        assert "zip bomb" in refused(FAILED, device, "import", bomb)


@test
def names_that_leave_the_archive_are_only_names():
    with Journal() as journal:
        device = journal.device("laptop")
        evil = journal.file("evil.zip", archive(("../../evil.md", "evil"), ("/etc/evil.md", "evil"), ("a/../../b.md", "evil"),
            ("good.md", "Good.")))
        report = device.json("import", evil)
        assert report["written"] == 1 and report["note_count"] == 3, report
        assert [row["snippet"] or row["title"] for row in device.entries()] == ["good"]
        assert not list(journal.world.folder.parent.glob("evil.md"))
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as made:
            for name, kind in {"link.md": tarfile.SYMTYPE, "dev.md": tarfile.CHRTYPE}.items():
                item = tarfile.TarInfo(name)
                item.type, item.linkname = kind, "/etc/passwd"
                made.addfile(item)
            item = tarfile.TarInfo("plain.md")
            item.size = 5
            made.addfile(item, io.BytesIO(b"Plain"))
        report = device.json("import", journal.file("links.tar", out.getvalue()))
        assert report["written"] == 1 and report["note_count"] == 2, report


@test
def a_folder_is_read_without_following_links():
    with Journal() as journal:
        device, vault = journal.device("laptop"), journal.world.folder / "vault"
        vault.mkdir()
        secret = journal.file("secret.md", "secret")
        (vault / "link.md").symlink_to(secret)
        (vault / "loop").symlink_to(vault)
        os.mkfifo(vault / "pipe.md")
        (vault / ".obsidian").mkdir()
        (vault / ".obsidian" / "x.md").write_text("settings")
        (vault / "2024-03-01 Walk.md").write_text("Under trees #walk #12 `#no`")
        report = device.json("import", vault)
        assert report["written"] == 1 and report["note_count"] == 3, report
        entry = device.json("show", device.entries()[0]["entry"])
        assert entry["title"] == "Walk" and entry["tags"] == ["walk"] and entry["date"] == 1709251200000, entry


@test
def a_huge_file_is_refused_before_it_is_read():
    with Journal() as journal:
        device, huge = journal.device("laptop"), journal.world.folder / "huge.json"
        with open(huge, "wb") as file:
            file.truncate(1 << 30)
        begin = time.monotonic()
        assert "512 MiB" in refused(FAILED, device, "import", huge)
        assert time.monotonic() - begin < 20
        line = journal.file("line.md", b"x" * (3 << 20))
        report = device.json("import", line)
        assert report["written"] == 0 and "an entry holds" in report["notes"][0]["text"], report


@test
def wrong_encodings_are_read_or_reported():
    with Journal() as journal:
        device = journal.device("laptop")
        vault = journal.world.folder / "vault"
        vault.mkdir()
        (vault / "utf16.md").write_bytes("Grüße 🌧️".encode("utf-16"))
        (vault / "bom.md").write_bytes(b"\xef\xbb\xbfBom")
        (vault / "latin.md").write_bytes("Grüße".encode("latin-1"))
        report = device.json("import", vault)
        assert report["written"] == 2 and "not UTF-8" in report["notes"][0]["text"], report
        assert sorted(device.texts().values()) == ["Bom", "Grüße 🌧️"]


@test
def dates_that_do_not_exist_are_reported():
    with Journal() as journal:
        device = journal.device("laptop")
        dates = ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2024-02-30T00:00:00Z", "10000-01-01T00:00:00Z", "soon", "0001-01-01T00:00:00Z"]
        entries = [{"uuid": str(i), "creationDate": date, "timeZone": "UTC", "text": str(i)} for i, date in enumerate(dates)]
        entries += [{"uuid": "x", "creationDate": "2024-01-01T00:00:00Z", "timeZone": "../../etc/passwd", "text": "x"}, 7, None, {}]
        report = device.json("import", journal.file("in.json", json.dumps({"metadata": {}, "entries": entries})))
        assert report["written"] == 7, report
        assert len([n for n in report["notes"] if "not one that exists" in n["text"]]) == 4, report
        listed = device.run("list")
        assert "9999-12-31 23:59" in listed and "0001-01-01 00:00" in listed, listed


@test
def limits_of_an_entry_are_kept_and_said():
    with Journal() as journal:
        device = journal.device("laptop")
        entry = {"id": "0" * 32, "title": "ä" * 600, "tags": ["t" * 129, *(f"tag{i:03}" for i in range(300))],
            "emotions": [{"name": "joy", "intensity": 101}, {"name": "calm", "intensity": 100}], "mood": 101, "text": "Text."}
        report = device.json("import", journal.file("in.json", json.dumps(
            {"format": "quire-export", "version": 1, "entries": [entry, {"id": "1" * 32, "text": "x" * (1024 * 1024 + 1)},
                {"id": "xyz", "text": ""}, {"id": "0" * 32, "text": "The id of another."}]})))
        assert report["written"] == 1, report
        shown = device.json("show", "0" * 32)
        assert shown["title"] == "ä" * 512 and shown["text"] == "ä" * 600 + "\n\nText.", shown["title"]
        assert shown["mood"] is None and shown["emotions"] == {"calm": 100} and len(shown["tags"]) == 256
        kinds = [note["kind"] for note in report["notes"]]
        assert kinds.count("entry") == 3 and kinds.count("field") >= 4, report


# ---- other programs' files, made here ----------------------------------------------------------


@test
def day_one_keeps_the_civil_day_and_names_each_photo():
    with Journal() as journal:
        device = journal.device("laptop")
        source = {"metadata": {"version": "1.0"}, "entries": [{"uuid": "A" * 32, "creationDate": "2024-04-16T23:00:00Z",
            "timeZone": "Europe/Dublin", "isAllDay": True, "text": "It rained\\. Ten\\-fold\\! 1\\) \\[x\\]\n\n1\\. no list `a\\.b`\n\n"
            "![](dayone-moment://F00)", "tags": ["Walk", " spaced "], "starred": True,
            "photos": [{"identifier": "F00", "md5": "abc", "type": "jpeg"}, {"identifier": "F01"}], "location": {"country": "x"}}]}
        report = device.json("import", journal.file("export.zip", archive(("Journal.json", json.dumps(source)), ("photos/abc.jpeg", "x"))))
        assert report["format"] == "dayone" and report["written"] == 1, report
        notes = " ".join(note["text"] for note in report["notes"])
        assert "abc.jpeg" in notes and "F01" in notes and "location" in notes, notes
        entry = device.json("show", device.entries()[0]["entry"])
        assert entry["date"] == 1713312000000 and entry["tags"] == ["Walk", "spaced", "starred"], entry
        assert entry["text"].startswith("It rained. Ten-fold! 1) \\[x\\]\n\n1\\. no list `a\\.b`\n\n![](dayone-moment://F00)"), entry["text"]


@test
def jrnl_text_folder_and_ambiguous_dates():
    with Journal() as journal:
        device = journal.device("laptop")
        text = "[2024-03-01 09:05] A walk. @park\nBody @OS/2, me@example.org\n[1] no entry\n\n[2024-03-02 08:00 PM] Starred *\n"
        report = device.json("import", journal.file("a.journal", text))
        assert report["format"] == "jrnl" and report["written"] == 2, report
        rows = {row["title"]: device.json("show", row["entry"]) for row in device.entries()}
        assert rows["A walk. @park"]["tags"] == ["OS/2", "park"], rows
        assert rows["A walk. @park"]["text"] == "Body @OS/2, me@example.org\n[1] no entry"
        assert rows["Starred"]["tags"] == ["starred"] and rows["Starred"]["date"] == 1709409600000
        assert "ambiguous" in refused(FAILED, device, "import", journal.file("b.journal", "[03/04/2024 10:00] A\n"), "--format", "jrnl")
        assert device.json("import", journal.file("c.journal", "[03/04/2024 10:00] A\n\n[25/04/2024 10:00] B\n"))["written"] == 2
        twins = journal.file("e.journal", "[2024-06-01 10:00] Same\nOne\n\n[2024-06-01 10:00] Same\nTwo\n")
        assert device.json("import", twins)["written"] == 2 and device.json("import", twins)["there"] == 2
        assert {"One", "Two"} <= set(device.texts().values())
        folder = journal.world.folder / "days" / "2024" / "05"
        folder.mkdir(parents=True)
        (folder / "06.txt").write_text("[2024-05-06 10:00] One\n\n[2024-05-06 11:00] Two\n")
        assert device.json("import", journal.world.folder / "days")["written"] == 2
        assert "password" in refused(FAILED, device, "import", journal.file("d.journal", "gAAAAABk" + "A" * 200))


@test
def journey_and_simplenote_zips():
    with Journal() as journal:
        device = journal.device("laptop")
        entry = {"id": "1709286300000-abcdefghijklmnop", "date_journal": 1709286300000, "timezone": "Asia/Tokyo", "type": "html",
            "text": "<p dir=\"auto\">A <b>walk</b></p><ul><li>one</li><li>two</li></ul><p>Lunch<br>late</p><script>bad()</script>",
            "mood": 3, "tags": ["park"], "favourite": True, "photos": ["1709286300000-abc.jpg"], "lat": 1.7976931348623157e308}
        bad = {"id": "x", "date_journal": 1e300, "text": "plain", "mood": 0}
        report = device.json("import", journal.file("journey-single.zip", archive(("1709286300000-abcdefghijklmnop.json", json.dumps(entry)),
            ("x.json", json.dumps(bad)), ("broken.json", "{\"date_journal\": "), ("1709286300000-abc.jpg", "x"))))
        assert report["format"] == "journey" and report["written"] == 2, report
        shown = {row["entry"]: device.json("show", row["entry"]) for row in device.entries()}
        walk = next(e for e in shown.values() if e["date"])
        assert walk["text"] == "A **walk**\n\n- one\n- two\n\nLunch\nlate", walk["text"]
        assert walk["date"] == 1709318700000 and walk["tags"] == ["mood 3", "park", "starred"], walk
        notes = " ".join(note["text"] for note in report["notes"])
        assert "1709286300000-abc.jpg" in notes and "not whole JSON" in notes, notes
        simple = {"activeNotes": [{"id": "a", "content": "Title\r\nBody", "creationDate": "2024-03-01T09:05:00.500Z", "tags": [" tag"]}],
            "trashedNotes": [{"id": "b", "content": "x", "creationDate": "2024-03-01T09:05:00.000Z"}]}
        report = device.json("import", journal.file("notes.zip", archive(("source/notes.json", json.dumps(simple)),
            ("Title.txt", "Title\nBody\n\nTags:\n  tag\n"))))
        assert report["format"] == "simplenote" and report["written"] == 1 and report["note_count"] == 1, report


@test
def front_matter_of_notes_goes_into_fields_or_stays():
    with Journal() as journal:
        device, vault = journal.device("laptop"), journal.world.folder / "vault"
        vault.mkdir()
        (vault / "a.md").write_text("---\ntitle: A title\ndate: 2026-03-16\ntags: [one, two/three]\n---\n\nText\n")
        (vault / "b.md").write_text("---\ncreated: \"2026-03-16T10:00:00+05:00\"\ntags: one, two\naliases: [x]\n---\nText\n")
        (vault / "c.md").write_text("---\ndate: {{date}}\n---\nText\n")
        (vault / "d.md").write_text("Rule\n\n---\n\nno front matter\n")
        (vault / "e.md").write_text("---\na: &x [1, 2]\nb: *x\n---\nAliases\n")
        report = device.json("import", vault)
        assert report["written"] == 5, report
        rows = {row["title"]: device.json("show", row["entry"]) for row in device.entries()}
        assert rows["A title"]["text"] == "Text\n" and rows["A title"]["tags"] == ["one", "two/three"], rows
        assert rows["A title"]["date"] == 1773619200000
        assert rows["b"]["date"] == 1773655200000 and "aliases" in rows["b"]["text"] and rows["b"]["tags"] == ["one", "two"]
        assert rows["c"]["text"].startswith("---\ndate: {{date}}") and rows["e"]["text"].endswith("Aliases\n")


@test
def ten_thousand_entries_take_seconds():
    with Journal() as journal:
        device = journal.device("laptop")
        source = journal.file("in.json", dayone(10000, text="word " * 200))
        begin = time.monotonic()
        report = device.json("import", source, seconds=240)
        took = time.monotonic() - begin
        print(f"# {took:.1f} s")
        assert report["written"] == 10000 and took < 60, f"{took} s"
        device.run("export", journal.world.folder / "big.json", seconds=240)


main()
