#!/usr/bin/env python3
"""Counts what meson ran: each TAP line is one test, a test without TAP is one by itself.

usage: count-tests.py TESTLOG.json SANITIZER_LOG_PREFIX
Prints "PASSED FAILED SKIPPED", then one line for each failure and each skip.
"""
import glob
import json
import re
import sys

TAP = re.compile(r"(not )?ok\b\s*\d*\s*(?:-\s*)?(.*?)\s*(#\s*(?:SKIP|TODO)\b.*)?$", re.IGNORECASE)


def main():
    passed = failed = skipped = 0
    notes = []
    for line in open(sys.argv[1], encoding="utf-8", errors="replace"):
        test = json.loads(line)
        rows = [match for match in map(TAP.match, test.get("stdout", "").splitlines()) if match]
        bad = 0
        for match in rows:
            name = f"{test['name']}: {match[2]}"
            if match[3]:
                skipped += 1
                notes.append(f"skipped: {name} {match[3]}")
            elif match[1]:
                bad += 1
                notes.append(f"failed: {name}")
            else:
                passed += 1
        failed += bad
        if test["result"] == "SKIP" and not rows:
            skipped += 1
            notes.append(f"skipped: {test['name']}")
        elif test["result"] not in ("OK", "EXPECTEDFAIL", "SKIP") and not bad:
            failed += 1
            notes.append(f"failed: {test['name']} ({test['result']})")
        elif not rows and test["result"] != "SKIP":
            passed += 1
    for log in sorted(glob.glob(glob.escape(sys.argv[2]) + "*")):
        text = open(log, encoding="utf-8", errors="replace").read()
        if not text.strip():
            continue  # of a process that a test killed while it ended
        failed += 1  # what a sanitizer wrote: a leak fails nothing by itself in a forked test
        notes.append(f"failed: a sanitizer reported ({log})\n" + "\n".join(text.splitlines()[:25]))
    print(passed, failed, skipped)
    print("\n".join(notes))


if __name__ == "__main__":
    sys.exit(main())
