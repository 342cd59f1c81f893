#!/usr/bin/env python3
"""Stories hold, notice what is broken, use every sentence there is, and are refused with a place.

usage: test_stories.py QUIRE_SIM SCENARIOS DOCUMENT OTHER_STORY…
"""
import pathlib
import re
import subprocess
import sys
import tempfile

SIM, SCENARIOS, OTHERS = sys.argv[1], sorted(pathlib.Path(sys.argv[2]).rglob("*.quire")), sys.argv[4:]
DOCUMENT = pathlib.Path(sys.argv[3]).read_text()
FOLDER = pathlib.Path(tempfile.mkdtemp())
count = 0


def check(name, *faults):
    global count
    count += 1
    print(f"{'not ok' if any(faults) else 'ok'} {count} {name}", flush=True)
    for fault in filter(None, faults):
        print("#", fault)


def run(*words, text=None):
    """The story `text`, or the words as they are. (status, both outputs)"""
    if text is not None:
        path = FOLDER / "story.quire"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        words = (*words, str(path))
    done = subprocess.run([SIM, "run", *words], capture_output=True, timeout=200)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def holds_and_notices():
    status, said = run("--mutate", *map(str, SCENARIOS), *OTHERS)
    check("every story holds, and each expectation fails at its own line when it is broken",
          status and said[-2000:], len(SCENARIOS) < 15 and "fewer than 15 scenarios",
          said.count("expectations fail at their line") != len(SCENARIOS) + len(OTHERS) and "one was left out")


def changed_by_hand():
    """What --mutate does inside, once more from outside."""
    faults, tried = [], 0
    for path in SCENARIOS:
        lines = path.read_text().split("\n")
        for i, line in enumerate(lines):
            if match := re.match(r'(expect .* to (?:show|have) ".*)(" in \w+)$', line):
                tried += 1
                text = "\n".join(lines[:i] + [match[1] + "!" + match[2]] + lines[i + 1:])
                status, said = run(text=text)
                if status != 1 or f"story.quire:{i + 1} " not in said or "again: quire-sim run --seed" not in said:
                    faults.append(f"{path.name}:{i + 1} is not noticed: {status} {said}")
                break
    check("a text that is changed by hand fails at its line, with a command to see it again",
          *faults, tried < 10 and f"only {tried} were tried")


def uses_every_form():
    patterns = [line for line in run("--forms")[1].split("\n") if re.match(r"[A-Za-z]", line)]
    patterns = patterns[1:next(i for i, line in enumerate(patterns) if line.startswith("Events:"))]
    said = [line for path in [*SCENARIOS, *OTHERS]
            for line in pathlib.Path(path).read_text().split("\n")]
    unused = []
    for pattern in patterns:
        words = [".+" if word.isupper() or "NEW-" in word or word == "…" else f"(?:{word})"
                 for word in pattern.split()]
        if not any(re.fullmatch(" ".join(words), line) for line in said):
            unused.append(pattern)
    check("every sentence of the format is said by some story", len(patterns) < 60 and "no forms",
          *unused)


START = "anna has phone, laptop\n"
REFUSED = [ # story, line, column, what it must say
    ("", 1, 1, "a person who has devices"),
    ("phone writes \"x\" in diary", 1, 1, "devices (there is none yet)"),
    (START + "phone wirtes \"x\" in diary", 2, 7, "writes"),
    (START + "phone writes x in diary", 2, 14, "a text in \"quotes\""),
    (START + "phone writes \"\" in diary", 2, 14, "not empty"),
    (START + "phone writes \"x in diary", 2, 14, "no end"),
    (START + "phone writes \"x\\q\" in diary", 2, 17, "after the \\"),
    (START + "phone writes \"x\" into diary", 2, 18, "in; before; after; found into"),
    (START + "phone writes \"ä\" into diary", 2, 18, "found into"),
    (START + "phone writes \"x\" in Diary", 2, 21, "the name of an entry"),
    (START + "phone writes \"x\" in diary now", 2, 27, "the end of the line"),
    (START + "phone writes \"x\"", 2, 17, "found the end of the line"),
    (START + "tablet goes offline", 2, 1, "devices (phone, laptop)"),
    (START + "phone and tablet go offline", 2, 11, "devices (phone, laptop)"),
    (START + "wait 5 minutes", 2, 6, "a time such as"),
    (START + "wait 101y", 2, 6, "at most 100y"),
    (START + "wait 99999999999d", 2, 6, "a time such as"),
    (START + "phone sets mood high in diary", 2, 17, "a number"),
    (START + "phone sets mood 99999999999999999999 in diary", 2, 17, "at most"),
    (START + "expect phone to raise panic", 2, 23, "an alarm (bad-signature, fork"),
    (START + "expect phone to have 3 batches", 2, 24, "unsent"),
    (START + "expect server to hold at last 3 batches", 2, 26, "least or most"),
    (START + "expect server to have received 3 PULL from phone", 2, 34, "a kind of frame"),
    (START + "expect meteor to happen 1 time", 2, 8, "an event"),
    (START + "set gravity 10", 2, 5, "an option"),
    (START + "bo has phone", 2, 8, "a new name"),
    (START + "anna has watch", 2, 6, "expected gets"),
    ("anna has phone, Laptop", 1, 17, "a new name"),
    ("".join(f"{who} has " + ", ".join(f"{who}{i + 10}" for i in range(30)) + "\n" for who in "ab"), 2, 97,
        "at most 48 devices"),
    ("seed tea\n" + START, 1, 6, "one number"),
    (START + "# " + "x" * 1500, 2, 1400, "at most 1399 bytes"),
    (START + "wait 1s\n" * 2001, 2001, 1, "at most 2000 lines"),
    (START + ", ".join(["x"] * 81), 2, 121, "words in a line"),
    (b"anna has phone\0", 0, 0, "without a zero"),
    ("#" * 300000, 0, 0, "at most 262144 bytes"),
]


def refuses_with_a_place():
    faults = []
    for text, line, column, wanted in REFUSED:
        status, said = run(text=text)
        place = f"story.quire:{line}:{column}: " if line else "story.quire: "
        if status != 2 or place not in said or wanted not in said:
            faults.append(f"{text[-60:]!r}: wanted {place}{wanted}; {status} {said.strip()[-300:]}")
    check("a story that cannot be read is refused with line, column and what was expected", *faults)
    status, said = run(str(FOLDER / "nowhere"))
    check("a file that is not there is named", (status != 2 or "cannot be read" not in said) and said)
    status, said = run("--sed", "1")
    check("a flag that is not understood is named", (status != 2 or "--sed" not in said) and said)


WAITS = """phone writes "One. " in diary
expect everyone to converge within 2min
laptop goes offline
laptop writes "Alone." in diary
phone makes 2 edits in diary over 2min
wait 2min
expect everyone to converge within 1min"""


def fails_in_words():
    faults = []
    for lines, place, wanted in [
            ('phone writes "x" before "y" in diary', 2, 'phone shows no "y" there'),
            ("phone sets mood 101 in diary", 2, "refused"),
            ("phone starts", 2, "runs already"),
            ("phone is killed\nphone writes \"x\" in diary", 3, "phone does not run"),
            ("phone is restored", 2, "no backup"),
            ("server is restored", 2, "no backup"),
            ("server starts", 2, "up already"),
            ("set users 5", 2, "users is at least 1 and at most 4"),
            ("set bytes_per_ms 0", 2, "bytes_per_ms is at least 1"),
            ("server record 99999 rots", 2, "the server has records 1 to"),
            ("phone makes 0 edits in diary over 1s", 2, "1 to 20000"),
            ("laptop pairs with phone", 2, "laptop is not blank"),
            ("phone goes offline\nwait 1min\nphone revokes laptop", 4, "cannot revoke"),
            (WAITS, 8, "the hub misses batch 1 of laptop (the hub has up to 0, laptop has all)"),
            (WAITS, 8, "laptop misses batches 2 to 3 of phone (the hub has them); it is offline; it waits to send"),
            (WAITS, 8, "it asked last"),
            ("server never sees nothing", None, "expected"),
            ("server turns hostile: kindness", None, "a strategy (quire-sim run --forms"),
            ("server turns hostile: hub-flood", None, "a strategy (quire-sim run --forms"),
            ("server turns hostile: moved", 2, "moved needs a device that helps"),
            ("server turns hostile: drop with phone", 2, "drop needs no device that helps"),
            ("server turns hostile: drop\nserver is wiped", 3, "a server that turns hostile in the same story"),
            ("server turns honest", 2, "honest already"),
            ("ben has " + ", ".join(f"b{i}" for i in range(31)) + "\nserver turns hostile: drop", None,
             "at most 32 devices, here are 33"),
            ("server turns hostile: ghost against phone\nwait 2min", None, "phone raised roster"),
            ('phone writes "x" in a later field of diary', 2, "it is of this version"),
            ("phone clock jumps 1d ahead\nphone loses connection\nwait 2min", None, "phone raised clock"),
    ]:
        status, said = run(text=START + lines + "\n")
        at = f"story.quire:{place} " if place else "story.quire"
        if status not in (1, 2) or at not in said or wanted not in said:
            faults.append(f"{lines!r}: {status} {said.strip()[-400:]}")
    check("a story that fails says at which line, and why, in words", *faults)


def means_one_run():
    path = str(SCENARIOS[0])
    once, twice, other = run("--trace", path), run("--trace", path), run("--trace", "--seed", "77", path)
    check("a story and a seed are one run", once != twice and "it differs", once == other
          and "another seed changes nothing", once[0] and once[1][-300:])


def is_taught():
    """The document's story holds, its error is the one it shows, and its words are words of the format."""
    story = re.search(r"```quire\n(.*?)```", DOCUMENT, re.S)[1]
    status, said = run(text=story)
    wrong = story.replace('phone writes "The train is late." in', 'phone writes "The train is late." into')
    wanted = re.search(r"^train\.quire(:\d+:\d+: .*)$", DOCUMENT, re.M)[1]
    refused = run(text=wrong)[1]
    known = set(re.findall(r"[a-z_]{4,}", run("--forms")[1] + run("--help")[1]))
    table = "\n".join(line for line in DOCUMENT.split("## Seeds")[0].split("\n") if line.startswith("| "))
    words = set(re.findall(r"[a-z_]{4,}", " ".join(re.sub(r'"[^"]*"', "", code) for code in re.findall(r"`([^`]*)`", table))))
    names = {"anna", "phone", "tablet", "laptop", "diary", "twin", "html", "delay_ms", "options", "quire", "runs"}
    check("the document teaches what is so", status and said, wanted not in refused and refused,
          *[f"unknown word: {word}" for word in sorted(words - known - names)])


holds_and_notices()
is_taught()
changed_by_hand()
uses_every_form()
refuses_with_a_place()
fails_in_words()
means_one_run()
print(f"1..{count}")
