#!/usr/bin/env python3
"""Writes recorded editing traces (josephg/editing-traces) as the lines that tools/bench/history.h tells of.

usage: lines.py TRACE.json[.gz] …  > HISTORIES
"""
import gzip
import json
import pathlib
import sys


def patch_lines(patches):
    for position, erased, text in patches:
        yield f"P {position} {erased} {text.encode().hex() or '-'}\n"


def end_line(trace, mark="E"):
    return f"{mark} {trace['endContent'].encode().hex() or '-'}\n"


def lines(name, trace, mark="E"):
    yield f"D {name}\n"
    concurrent = trace.get("kind") == "concurrent"
    if trace.get("startContent"):
        yield from patch_lines([[0, 0, trace["startContent"]]])
    for number, transaction in enumerate(trace["txns"]):
        if concurrent:
            yield f"T {transaction['agent']} {number} {' '.join(map(str, transaction['parents']))}\n"
        yield from patch_lines(transaction["patches"])
    yield end_line(trace, mark)


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    for path in map(pathlib.Path, sys.argv[1:]):
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8") as file:
            sys.stdout.writelines(lines(path.name.split(".")[0], json.load(file)))


if __name__ == "__main__":
    main()
