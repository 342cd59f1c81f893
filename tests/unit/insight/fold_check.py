#!/usr/bin/env python3
"""The generated folding table against unicodedata, which Python builds from its own copy of the database.

usage: fold_check.py FOLD_DUMP
"""
import subprocess
import sys
import unicodedata

lines = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout.splitlines()
version, rows = lines[0], [line.split() for line in lines[1:]]
fold = [int(row[0], 16) for row in rows]
kind = [int(row[1]) for row in rows]
WORD, SYMBOL, SEPARATOR, CJK, DROP = range(5)
faults = []


# U+02BC, a letter by category, is written as an apostrophe and folds to one.
def fault(point, what):
    faults.append(f"U+{point:04X} {what}: folds to U+{fold[point]:04X}, kind {kind[point]}")


for point in range(0x110000):
    letter = chr(point)
    category = unicodedata.category(letter)
    if category in ("Cn", "Cs", "Co"):
        continue  # not assigned in Python's version
    if fold[fold[point]] != fold[point]:
        fault(point, "does not fold once and for all")
    if kind[point] == DROP:
        if not (category in ("Mn", "Me", "Cf") or 0x1F3FB <= point <= 0x1F3FF):
            fault(point, f"of category {category} is dropped")
        continue
    if category[0] in "LN" and point != 0x2BC and kind[fold[point]] not in (WORD, CJK):
        fault(point, f"of category {category} is in no word")
    if category == "Zs" and kind[point] != SEPARATOR:
        fault(point, "does not separate")
    lower = letter.lower()
    if len(lower) == 1 and category == "Lu" and fold[ord(lower)] != fold[point]:
        fault(point, "and its small letter differ")
    parts = [ord(part) for part in unicodedata.normalize("NFD", letter)]
    hangul_or_kana = 0xAC00 <= point < 0xD7B0 or 0x3040 <= point < 0x3100
    if len(parts) > 1 and not hangul_or_kana:
        left = [part for part in parts if kind[part] != DROP]
        if len(left) == 1 and fold[left[0]] != fold[point]:
            fault(point, "and its decomposition differ")
print("\n".join(faults[:20]) or f"folding of Unicode {version}: as in Python's Unicode {unicodedata.unidata_version}")
sys.exit(1 if faults else 0)
