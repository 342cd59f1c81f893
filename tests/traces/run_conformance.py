#!/usr/bin/env python3
"""Plays recorded editing histories, which are not ours to keep here, into documents.

usage: run_conformance.py REPLAY_PROGRAM
QUIRE_TRACES names the folder of the histories; without it the tests are skipped, by name.
Writes TAP: a test for each history.
"""
import gzip
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools/bench"))
from lines import end_line, lines, patch_lines

SEQUENTIAL = ["automerge-paper", "friendsforever_flat", "json-crdt-blog-post", "seph-blog1",
    "sveltecomponent"]
CONCURRENT = ["friendsforever"]
OTHER_ORDER = ["git-makefile-A2"]  # with inserts at one place that its recorder orders otherwise
CONFORMANCE = "conformance"  # many small ones, in a form of its own


def conformance(name, histories):
    for index, history in enumerate(histories):
        yield f"D {name} {index}\n"
        agents = sorted({transaction["agent"] for transaction in history["txns"]})
        ends = {transaction["span"][1] - 1: i for i, transaction in enumerate(history["txns"])}
        for transaction in history["txns"]:
            parents = " ".join(str(ends[parent]) for parent in transaction["parents"])
            yield f"T {agents.index(transaction['agent'])} {transaction['seqStart']} {parents}\n"
            yield from patch_lines(transaction["ops"])
        yield end_line(history)


def main():
    names = SEQUENTIAL + CONCURRENT + OTHER_ORDER + [CONFORMANCE]
    folder = os.environ.get("QUIRE_TRACES")
    if not folder:
        for number, name in enumerate(names, 1):
            print(f"ok {number} - {name} # SKIP QUIRE_TRACES names no folder")
        print(f"1..{len(names)}")
        return 0
    replay = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, text=True, encoding="ascii")
    for name in names:
        with gzip.open(pathlib.Path(folder) / f"{name}.json.gz", "rt", encoding="utf-8") as file:
            history = json.load(file)
        if name == CONFORMANCE:
            replay.stdin.writelines(conformance(name, history))
        else:
            replay.stdin.writelines(lines(name, history, "O" if name in OTHER_ORDER else "E"))
    replay.stdin.close()
    return replay.wait()


if __name__ == "__main__":
    sys.exit(main())
