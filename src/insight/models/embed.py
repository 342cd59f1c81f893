#!/usr/bin/env python3
"""Writes a C file with the bundles as constants.

usage: embed.py OUT BUNDLE …
"""
import pathlib
import sys

out = ["/* The bundles of src/insight/models, by embed.py. */", "#include <quire/insight.h>",
    "#include <string.h>", ""]
names = []
for path in map(pathlib.Path, sys.argv[2:]):
    data = path.read_bytes()
    names.append((path.stem, len(data)))
    out.append(f"static const uint8_t bundle_{path.stem}[{len(data)}] = {{")
    for at in range(0, len(data), 64):
        out.append(",".join(map(str, data[at:at + 64])) + ",")
    out.append("};")
out += ["", "struct quire_bytes quire_insight_builtin(const char *name)", "{"]
for name, size in names:
    out.append(f'    if (strcmp(name, "{name}") == 0) {{')
    out.append(f"        return (struct quire_bytes){{bundle_{name}, {size}}};")
    out.append("    }")
out += ["    return (struct quire_bytes){0};", "}", ""]
pathlib.Path(sys.argv[1]).write_text("\n".join(out))
