#!/usr/bin/env python3
"""The programs that measure: what they say they measured is what they were given, and what is not a history ends them.

usage: test_bench.py SOURCE_ROOT BENCH_DOCUMENT BENCH_OPENING BENCH_MEMORY
"""
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import tap

ROOT, DOCUMENT, OPENING, MEMORY = pathlib.Path(sys.argv[1]), *sys.argv[2:5]


def history():
    """A trace of one replica, and what it ends with."""
    dice, text, txns = random.Random(11), "", []
    for _ in range(400):
        at, erased = dice.randint(0, len(text)), 0
        if text and dice.random() < 0.3:
            at = dice.randint(0, len(text) - 1)
            erased = dice.randint(1, min(4, len(text) - at))
        typed = "" if erased and dice.random() < 0.5 else "".join(dice.choice("etaoin shé→") for _ in range(dice.randint(1, 5)))
        text = text[:at] + typed + text[at + erased:]
        txns.append({"patches": [[at, erased, typed]]})
    return {"startContent": "", "endContent": text, "txns": txns}


def lines(trace):
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(trace, file)
        file.flush()
        return subprocess.run([sys.executable, ROOT / "tools/bench/lines.py", file.name], check=True, capture_output=True).stdout


def rows(command, given=None):
    done = subprocess.run(command, input=given, capture_output=True)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr[-300:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def a_document_is_measured_as_it_was_typed():
    trace = history()
    about, *measured = rows([DOCUMENT, "--runs", "2"], lines(trace))
    assert about["patches"] == about["updates"] == len(trace["txns"])
    assert about["text_bytes"] == len(trace["endContent"].encode()) < about["state_bytes"] < about["update_bytes"]
    assert [row["measure"] for row in measured] == ["local", "taken", "typing", "encode", "merge", "load", "ready", "open", "updates"]
    assert all(0 < row["min_ms"] <= row["median_ms"] <= row["max_ms"] for row in measured if "min_ms" in row)


def another_text_than_was_recorded_is_no_measurement():
    trace = history()
    trace["endContent"] += "x"
    done = subprocess.run([DOCUMENT, "--runs", "1"], input=lines(trace), capture_output=True)
    assert done.returncode != 0 and b"another text" in done.stdout


def entries_are_opened_with_their_text():
    trace = history()
    opened, edited = rows([OPENING, "--entries", "20", "--bytes", "300", "--runs", "1"], lines(trace))
    assert (opened["measure"], edited["measure"], opened["entries"]) == ("open", "edit", 20)
    assert 300 <= opened["text_bytes"] < 320 and opened["kept_bytes"] > 300 and opened["memory_bytes"] > 300


def memory_is_that_of_the_state_it_was_given():
    vectors = json.loads((ROOT / "protocol/vectors/document.json").read_text(encoding="utf-8"))["valid"]
    largest = max(vectors, key=lambda vector: len(vector["state"]))
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes.fromhex(largest["state"]))
        file.flush()
        for mode in ("merge", "open"):
            row, = rows([MEMORY, mode, file.name])
            assert row["text_bytes"] == len(largest["shows"]["text"].encode()), row
            assert row["state_bytes"] == len(largest["state"]) // 2 and row["peak_bytes"] >= 0, row
        file.write(b"no state")
        file.flush()
        assert subprocess.run([MEMORY, "merge", file.name], capture_output=True).returncode == 1


tap.run(a_document_is_measured_as_it_was_typed, another_text_than_was_recorded_is_no_measurement,
    entries_are_opened_with_their_text, memory_is_that_of_the_state_it_was_given)
