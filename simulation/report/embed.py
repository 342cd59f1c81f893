#!/usr/bin/env python3
"""Makes a C header of the report's page, cut where the data go. usage: embed.py PAGE OUTPUT"""
import pathlib
import sys

page = pathlib.Path(sys.argv[1]).read_bytes()
parts = page.split(b"@DATA@")
assert len(parts) == 2, "the page has one place for the data"
with open(sys.argv[2], "w", encoding="ascii") as out:
    for name, part in zip(("page_before", "page_after"), parts):
        out.write(f"static const unsigned char {name}[{len(part)}] = {{\n")
        for i in range(0, len(part), 24):
            out.write(",".join(map(str, part[i:i + 24])) + ",\n")
        out.write("};\n")
