#!/usr/bin/env python3
"""Writes src/base/fold_table.h from the Unicode Character Database.

usage: make-fold.py [UCD_FOLDER] > src/base/fold_table.h

UCD_FOLDER: UnicodeData.txt, CaseFolding.txt, Scripts.txt, as in Debian's `unicode-data`
(/usr/share/unicode, the default). The same files give the same table.
"""
import pathlib
import re
import sys

WORD, SYMBOL, SEPARATOR, CJK, DROP = range(5)
NAMES = ["QR_FOLD_WORD", "QR_FOLD_SYMBOL", "QR_FOLD_SEPARATOR", "QR_FOLD_CJK", "QR_FOLD_DROP"]
KEPT_SYMBOLS = set(map(ord, "'!?:;()</*.,-[]#@^=\"¡¿"))
APOSTROPHES = {0x2018: 0x27, 0x2019: 0x27, 0x2BC: 0x27}
# Letters with a stroke or without a dot: the database gives them no decomposition.
BASE_LETTERS = {0xF8: "o", 0x111: "d", 0x127: "h", 0x131: "i", 0x138: "k", 0x140: "l", 0x142: "l",
    0x149: "n", 0x167: "t"}
BLOCK = 64


def read(folder):
    rows, scripts, folds = {}, {}, {}
    start = None
    for line in (folder / "UnicodeData.txt").read_text().splitlines():
        cells = line.split(";")
        point = int(cells[0], 16)
        if cells[1].endswith("First>"):
            start = point
            continue
        for one in range(start if start is not None else point, point + 1):
            rows[one] = (cells[2], cells[5])
        start = None
    for line in (folder / "Scripts.txt").read_text().splitlines():
        match = re.match(r"([0-9A-F]+)(?:\.\.([0-9A-F]+))?\s*;\s*(\w+)", line)
        if match:
            for point in range(int(match[1], 16), int(match[2] or match[1], 16) + 1):
                scripts[point] = match[3]
    for line in (folder / "CaseFolding.txt").read_text().splitlines():
        match = re.match(r"([0-9A-F]+); ([CS]); ([0-9A-F]+);", line)
        if match:
            folds[int(match[1], 16)] = int(match[3], 16)
    version = re.search(r"Scripts-([\d.]+)\.txt", (folder / "Scripts.txt").read_text())[1]
    return rows, scripts, folds, version


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/unicode")
    rows, scripts, folds, version = read(folder)

    def dropped(point):
        category = rows.get(point, ("Cn", ""))[0]
        return (category in ("Mn", "Me") and scripts.get(point) == "Inherited") or category == "Cf" \
            or 0x1F3FB <= point <= 0x1F3FF

    def decompose(point):
        mapping = rows.get(point, ("Cn", ""))[1]
        kana = scripts.get(point) in ("Hiragana", "Katakana") and point < 0xFF00
        if not mapping or kana or 0xF900 <= point < 0xFB00 or point >= 0x2F800:
            return [point]
        parts = mapping.split()
        if parts[0].startswith("<"):
            if parts[0] not in ("<wide>", "<narrow>"):
                return [point]
            parts = parts[1:]
        return [inner for part in parts for inner in decompose(int(part, 16))]

    def fold(point):
        if dropped(point):
            return 0
        left = [part for part in decompose(point) if not dropped(part)]
        to = left[0] if len(left) == 1 else point
        to = folds.get(to, to)
        again = [part for part in decompose(to) if not dropped(part)]
        to = again[0] if len(again) == 1 else to
        to = APOSTROPHES.get(to, to)
        return ord(BASE_LETTERS[to]) if to in BASE_LETTERS else to

    def kind(point):
        category, script = rows.get(point, ("Cn", ""))[0], scripts.get(point, "")
        if dropped(point):
            return DROP
        if script in ("Han", "Hiragana", "Katakana", "Hangul", "Bopomofo") and category[0] in "LMN" \
                or point in (0x30FC, 0xFF70):
            return CJK
        if category[0] in "LMN":
            return WORD
        if point in KEPT_SYMBOLS or point in APOSTROPHES:
            return SYMBOL
        if category[0] in "ZC" or point < 0x2070:
            return SEPARATOR
        return SYMBOL

    blocks, stage = [list(range(BLOCK))], []
    for base in range(0, 0x10000, BLOCK):
        deltas = [(fold(base + i) - base - i) & 0xFFFF if not dropped(base + i) else 0
            for i in range(BLOCK)]
        if base == 0:
            blocks = [[0] * BLOCK]
        if deltas not in blocks:
            blocks.append(deltas)
        stage.append(blocks.index(deltas))
    far = []  # above U+FFFF: runs with one distance
    for point in range(0x10000, 0x110000):
        to = point if dropped(point) else fold(point)
        if to != point:
            if far and far[-1][1] == point - 1 and far[-1][2] == to - point:
                far[-1][1] = point
            else:
                far.append([point, point, to - point])
    kinds, last = [], None
    for point in range(0x110000):
        now = kind(point)
        if now != last:
            kinds.append(point << 3 | now)
            last = now
    assert len(blocks) < 256

    def dump(name, type_name, values, per_line, form):
        print(f"static const {type_name} {name}[{len(values)}] = {{")
        for i in range(0, len(values), per_line):
            print("    " + ", ".join(form % value for value in values[i:i + per_line]) + ",")
        print("};\n")

    print("/*\n * Folding and kinds of code points. Written by tools/make-fold.py; do not edit.\n */\n/* clang-format off */")
    print("#ifndef QR_BASE_FOLD_TABLE_H\n#define QR_BASE_FOLD_TABLE_H\n\n#include <stdint.h>\n")
    print(f'#define QR_FOLD_UNICODE "{version}"\n#define QR_FOLD_BLOCK {BLOCK}\n')
    print("/* Index of the block of a code point below U+10000. */")
    dump("fold_stage", "uint8_t", stage, 24, "%d")
    print("/* What to add to a code point, modulo 2^16. */")
    dump("fold_deltas", "uint16_t", [value for block in blocks for value in block], 16, "%d")
    print("/* Runs above U+FFFF: first, last, what to add. */")
    print(f"static const struct {{\n    uint32_t first, last;\n    int32_t delta;\n}} fold_far[{len(far)}] = {{")
    for first, end, delta in far:
        print(f"    {{0x{first:x}, 0x{end:x}, {delta}}},")
    print("};\n")
    print("/* Where a kind begins: code point << 3 | kind, ascending. */")
    dump("fold_kinds", "uint32_t", kinds, 12, "0x%x")
    print("#endif")


main()
