#!/usr/bin/env python3
"""What fails is made small: a story to its few lines, a seed to its few edits and faults.

usage: test_shrink.py QUIRE_SIM QUIRE_SIM_MUTANTS_STUB
"""
import pathlib
import re
import subprocess
import sys
import tempfile

SIM, MUTANTS = sys.argv[1:3]
FOLDER = pathlib.Path(tempfile.mkdtemp())
count = 0


def check(name, *faults):
    global count
    count += 1
    print(f"{'not ok' if any(faults) else 'ok'} {count} {name}", flush=True)
    for fault in filter(None, faults):
        print("#", str(fault)[:1500].replace("\n", "\n# "))


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=250)
    return done.returncode, done.stdout + done.stderr


LONG = """title A long one
anna has phone, laptop, tablet, watch
bo has desktop, pad
phone writes "One." in diary
wait 3min
desktop writes "Something else." in diary
phone makes 80 edits in journal over 10min
laptop goes offline
wait 10min
laptop comes online
server is killed
wait 30s
server starts
tablet writes "Two." in diary
expect everyone to converge within 5min
watch is lost
phone erases "One." in diary
laptop makes 30 edits in journal over 10min
expect everyone to converge within 5min
expect phone to show "One.Two." in diary
wait 2h
"""
SHORT = """anna has phone, tablet
phone writes "One." in diary
tablet writes "Two." in diary
expect everyone to converge within 5min
phone erases "One." in diary
expect phone to show "One.Two." in diary
"""
(FOLDER / "long.quire").write_text(LONG)
status, said = run(SIM, "run", "--shrink", str(FOLDER / "long.quire"))
check("of a story that fails, six of twenty lines are left", status != 1 and status, SHORT not in said and said)
(FOLDER / "short.quire").write_text(SHORT)
status, said = run(SIM, "run", str(FOLDER / "short.quire"))
check("and they fail in the same way", status != 1 and status, 'phone shows "Two." in diary' not in said and said)

# A failpoint: who merges last wins.
FAILPOINT = (MUTANTS, "--failpoint", "MERGE_OVERWRITES", "seeds")
said = run(*FAILPOINT, "--seed", "1", "--runs", "300", "--until-failure")[1]
found = re.search(r"^FAILED (\w+), seed (\d+)", said, re.M)
if not found:
    check("a deliberate bug is found", said)
else:
    status, said = run(*FAILPOINT, "--seed", found[2], "--shrink")
    commands = re.findall(r"^smallest: (.*)$", said, re.M)
    edits = re.search(r"^  (\d+) edits, ", said, re.M)
    check("of a seed that fails, a few edits are left, one line each", status != 1 and status,
          not commands and said, not edits and said, edits and int(edits[1]) > 12 and said,
          edits and len(re.findall(r"edit \d+, in entry", said)) != int(edits[1]) and said)
    status, said = run(*FAILPOINT, *commands[-1].split()[1:]) if commands else (0, "")
    check("and one command shows them again, in the same claim", status != 1 and status,
          f"FAILED {found[1]}, seed {found[2]}" not in said and said)
    again = re.search(r"^again: \S+ (.* --skip .*) --trace   \(build", said, re.M)
    said = run(*FAILPOINT, *again[1].split())[1] if again else said
    check("and so does the command that it says itself", not again and said,
          f"FAILED {found[1]}, seed {found[2]}" not in said and said)

faults = []
for text in "x", "3-1", "5,4", "1-", "-3", "", "1,,2", "1 2":
    status, said = run(SIM, "--seed", "1", "--skip", text)
    if status != 2 or "ascending" not in said:
        faults.append(f"--skip {text!r}: {status} {said[:100]}")
check("a --skip that cannot be read is refused", *faults)
with_all, without = run(SIM, "--seed", "5")[1], run(SIM, "--seed", "5", "--skip", "1-100000")[1]
check("a run without any edit has none", "edits" not in with_all and with_all, not re.search(r"\b0 edits", without) and without)
print(f"1..{count}")
