#!/usr/bin/env python3
"""The terms of docs/glossary.md, and none of the former names, in code, comments, documents and messages.

usage: check-words.py SOURCE_ROOT [FILE…]

Prints FILE:LINE: WORD: what to say instead. Former names may stand in docs/glossary.md, in this file,
and where ALLOWED says.
"""
import pathlib
import re
import sys

FOLDERS = ["src", "include", "simulation", "docs", "protocol", "tests", "tools"]
FILES = ["README.md"]
ENDINGS = {".c", ".h", ".md", ".py", ".sh", ".mjs", ".mts", ".html", ".quire", ".json", ".build", ".in", ""}
SKIPPED = re.compile(r"docs/glossary\.md|tools/check-words\.py|docs/measurements/|protocol/vectors/|"
    r"tests/fuzz/corpus/|tests/tools/test_check_words\.py")

SYNC = re.compile(r"src/(codec|sync)/|tests/unit/sync/|tests/fuzz/fuzz_(liar|device|hub|forger)")

# A pattern, and what to say instead. Words that English needs are matched only in the former sense.
FORMER = [
    (r"\bcauses\b(?! (?:a|an|the|no|it|one|them)\b)", "deps"),
    (r"\bcompanions?\b", "other devices; presence"),
    (r"\bsomebody\b|\bsomeone\b|\bwhoever\b|\bwhomever\b|\bnobody\b|\bwhom\b", "the actor: the device, the user, the server …"),
    (r"\bsays? what it has\b|\bsaying what it has\b", "read receipt; publishes its version vector"),
    (r"\b(?:server|hub) (?:has )?(?:forgot|forgets|forgotten)\b|\bbe_?forgotten\b", "the server lost data"),
    (r"\b(?:go|goes|went|going) over to\b", "adopt"),
    (r"\blooking\b(?! (?:at|for|up|back)\b)", "auditing", SYNC),
    (r"\bfollows? the server's roster\b", "adopt the server's roster"),
    (r"\bcarr(?:y|ied)_changes?\w*", "rebase", SYNC),
    (r"\bredo_\w+|\bREDO_\w+", "lost_op", SYNC),  # undo and redo are another thing
    (r"(?<!shown as )(?<!digest, )\bsix words\b", "state digest (shown as six words)"),
    (r"\bwords of (?:entries|an entry|its text)\b", "index terms"),
    (r"\bexcerpts?\b", "snippet"),
    (r"\bat rest\b|\bat_rest\b", "encoded"),
    (r"\blets? go of\b|\bletting go\b", "evict"),
    (r"\bmade-up world|\bmade[-_]up\b", "simulated"),
    (r"\bhappenings?\b", "event"),
    (r"\bdeeds?\b", "operation"),
    (r"\bbefalls?\b|\bbefell\b|\bbefallen\b", "fault"),
    (r"\bhardships?\b", "timing faults"),
    (r"\btroubles?\b", "process faults"),
    (r"\btelling\b(?! (?:it|them|the|who|what|a)\b)", "story interpreter"),
    (r"\bstory_acts\b", "story actions"),
    (r"\bsometimes\(", "coverage mark"),
    (r"\bplanted?\b|\bplants\b|\bplanting\b|\bteeth\b|\btoothed\b", "failpoint, mutation check"),
    (r"\bproblems?\b", "error"),
    (r"\ball is well\b", "ok"),
    (r"\bwho(?:ever)? runs (?:a|the|this|your) server\b", "operator"),
]
FORMER = [(re.compile(row[0], re.I), row[1], row[2] if len(row) > 2 else re.compile("")) for row in FORMER]

# FILE pattern, and the words that stand there in another sense.
ALLOWED = [
    (r"(src|include/quire|tests/unit|tests/fuzz)/.*insight.*|docs/insight\.md|tools/bench/insight\.c",
        "causes|planted|plants|nobody"),  # of a mood; an effect that a measurement puts into a diary; a word
    (r"tests/integration/cli_samples\.py", "excerpt"),  # the name of a file of another program
]
ALLOWED = [(re.compile(path), re.compile(words, re.I)) for path, words in ALLOWED]


def files(root):
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.suffix in ENDINGS:
                yield path
    yield from (root / name for name in FILES if (root / name).exists())


def faults(root, paths):
    for path in paths:
        name = path.relative_to(root).as_posix()
        if SKIPPED.search(name):
            continue
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        allowed = [words for pattern, words in ALLOWED if pattern.fullmatch(name)]
        for number, line in enumerate(lines, 1):
            for pattern, instead, where in FORMER:
                for match in pattern.finditer(line) if where.match(name) else ():
                    if not any(words.search(match[0]) for words in allowed):
                        yield f"{name}:{number}: {match[0]}: say {instead}"


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    root = pathlib.Path(sys.argv[1])
    found = list(faults(root, map(pathlib.Path, sys.argv[2:]) if len(sys.argv) > 2 else files(root)))
    print("\n".join(found) if found else "words: all of the glossary")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
