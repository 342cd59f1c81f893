#!/usr/bin/env python3
"""Holds protocol/messages.json against the C code and the prose, so that they cannot drift:

- each message: the enum and the table in src/codec/frame.h, the number of fields in frame.c, and
  its heading and layout in protocol/frames.md
- each error code: the enum in frame.h, and the table in protocol/README.md
- each limit: the constant that has its number, that some code outside of that header uses it, and its
  line in protocol/limits.md; src/codec/limits.h has no constant that messages.json does not name
"""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMITS_H = "src/codec/limits.h"
faults = []


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def expect(holds, fault):
    if not holds:
        faults.append(fault)


def number(expression, header):
    """The value of a C expression of integers and constants of the same header."""
    expression = re.sub(r"/\*.*", "", expression)
    expression = re.sub(r"U?INT(?:32|64)_C\((\d+)\)|(\d+)(?:ull|u)\b", lambda m: m[1] or m[2], expression)
    for name in set(re.findall(r"\bQ\w+_\w+", expression)):
        expression = re.sub(rf"\b{name}\b", str(constant(name, header)), expression)
    expression = expression.replace("UINT32_MAX", str(2**32 - 1))
    if not re.fullmatch(r"[\d\s()*+<-]+", expression):
        return None
    return eval(expression)  # digits and operators alone


def constant(name, header):
    """The value of a #define, or (".field") of an initialiser; None: the file has none."""
    text = read(header)
    if name.startswith("."):
        found = re.search(rf"^\s*{re.escape(name)} = ([^,\n]+),", text, re.M)
    else:
        found = re.search(rf"^#define {name}\b +(.+)$", text, re.M)
    if found is None and header != LIMITS_H:
        return constant(name, LIMITS_H)
    return found and number(found[1], header)


def uses(name, header):
    """Files of src/ that use the constant, besides the header that defines it."""
    word = re.compile(rf"(?<![\w]){re.escape(name.lstrip('.'))}\b")
    return [path for path in sorted((ROOT / "src").rglob("*.[ch]"))
            if path != ROOT / header and word.search(re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S))]


def layout(field):
    """A field as the table in frame.h writes it."""
    if field["type"] == "row":
        return "[" + ", ".join(map(layout, field["fields"])) + "]"
    if field["type"] == "array":
        return "[" + layout(field["of"]) + ", …]"
    return field["name"] + ("|nil" if field.get("nil") else "")


def enum(header, start):
    body = re.search(rf"enum {start} {{(.*?)}};", header, re.S).group(1)
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
    return {name: int(value) for name, value in re.findall(r"(\w+) = (\d+)", body)}


def check_messages(spec, frame_h, frame_c, frames_md):
    types = {name.removeprefix("QR_FRAME_"): value for name, value in enum(frame_h, "qr_frame_type").items()}
    types.pop("SKIP")
    table = {name: (int(value), fields)
             for value, name, fields in re.findall(r"^ \* +(\d+) ([A-Z_]+) +\[\d+, (.*?)\](?:  .*)?$",
                                                   frame_h, re.M)}
    counts = {name: int(value) for name, value in re.findall(r"\[QR_FRAME_(\w+)\] = {(\d+),", frame_c)}
    names = [message["name"] for message in spec["messages"]]
    for source, found in (("the enum", types), ("the table", table), ("frame.c", counts)):
        expect(sorted(found) == sorted(names),
               f"{source} and messages.json know different messages: {sorted(set(found) ^ set(names))}")
    limits = {limit["name"] for limit in spec["limits"]}
    for message in spec["messages"]:
        name, fields = message["name"], message["fields"]
        shown = ", ".join(map(layout, fields))
        expect(types.get(name) == message["type"], f"{name}: the enum says {types.get(name)}")
        value, row = table.get(name, (None, ""))
        expect(value == message["type"] and row == shown,
               f"{name}: the table says {value} [{row}], messages.json {message['type']} [{shown}]")
        expect(counts.get(name) == len(fields) + 1, f"{name}: frame.c says {counts.get(name)} values")
        line = f"`[{message['type']}, {shown}]`"
        expect(f"### {message['type']} {name}\n" in frames_md, f"{name}: frames.md has no heading")
        expect(line in frames_md, f"{name}: frames.md does not say {line}")
        for field in walk(fields):
            for key in ("most", "most_bytes"):
                most = field.get(key)
                expect(not isinstance(most, str) or most in limits, f"{name}: no limit {most}")


def walk(fields):
    for field in fields:
        yield field
        if field["type"] == "array":
            yield from walk([field["of"]])
        if field["type"] == "row":
            yield from walk(field["fields"])


def check_errors(spec, frame_h, readme):
    codes = {name.removeprefix("QR_ERROR_").lower(): value
             for name, value in enum(frame_h, "qr_error_code").items()}
    expect(codes == {error["name"]: error["code"] for error in spec["errors"]},
           "the error codes of frame.h and messages.json differ")
    for error in spec["errors"]:
        expect(f"| {error['code']} | `{error['name']}` |" in readme,
               f"README.md does not list error {error['code']} {error['name']}")


def check_limits(spec, limits_md):
    defined = set(re.findall(r"^#define (QR_\w+) +\S", read(LIMITS_H), re.M))
    named = {limit["c"] for limit in spec["limits"] if "header" not in limit}
    expect(defined == named, f"{LIMITS_H} and messages.json name different constants: {sorted(defined ^ named)}")
    for limit in spec["limits"]:
        name, header = limit["c"], limit.get("header", LIMITS_H)
        value = constant(name, header)
        expect(value == limit["value"], f"{limit['name']}: {header} says {value}, messages.json {limit['value']}")
        expect(uses(name, header), f"{limit['name']}: no code uses {name}")
        line = f"| `{limit['name']}` | {limit['value']:,} {limit['unit']} | {limit['meaning']} |"
        expect(line in limits_md, f"limits.md does not say {line}")
    lines = re.findall(r"^\| `(\w+)` \|", limits_md, re.M)
    expect(sorted(lines) == sorted(limit["name"] for limit in spec["limits"]),
           "limits.md and messages.json name different limits")
    for line in limits_md.splitlines():
        expect(not line.startswith("| `") or all(cell.strip() for cell in line.strip("|").split("|")),
               f"limits.md has an empty cell: {line}")


def main():
    spec = json.loads(read("protocol/messages.json"))
    frame_h, readme = read("src/codec/frame.h"), read("protocol/README.md")
    check_messages(spec, frame_h, read("src/codec/frame.c"), read("protocol/frames.md"))
    check_errors(spec, frame_h, readme)
    check_limits(spec, read("protocol/limits.md"))
    version = re.search(r"#define QR_PROTOCOL_VERSION (\d+)", frame_h).group(1)
    expect(int(version) == spec["protocol"], "the protocol's version differs")
    for fault in faults:
        print(fault, file=sys.stderr)
    sys.exit(1 if faults else 0)


main()
