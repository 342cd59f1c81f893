#!/usr/bin/env python3
"""src/base/fold_table.h is what tools/make-fold.py writes from the same version of the database.

usage: fold_anew.py MAKE_FOLD TABLE
"""
import pathlib
import re
import subprocess
import sys

table = pathlib.Path(sys.argv[2]).read_text()
version = re.search(r'QR_FOLD_UNICODE "([\d.]+)"', table)[1]
scripts = pathlib.Path("/usr/share/unicode/Scripts.txt")
if not scripts.exists() or f"Scripts-{version}.txt" not in scripts.read_text(encoding="utf-8")[:200]:
    print(f"skipped: the package unicode-data of Unicode {version} is not installed")
    sys.exit(77)
made = subprocess.run([sys.executable, sys.argv[1]], check=True, capture_output=True, text=True).stdout
print("the same" if made == table else "OTHER than what the generator writes")
sys.exit(0 if made == table else 1)
