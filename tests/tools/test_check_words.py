#!/usr/bin/env python3
"""check-words.py accepts this tree and names a former term with what to say instead.

usage: test_check_words.py CHECK_WORDS SOURCE_ROOT
"""
import pathlib
import subprocess
import sys
import tempfile

CHECK, ROOT = sys.argv[1:3]


def check(root):
    return subprocess.run([sys.executable, CHECK, root], text=True, capture_output=True)


def this_tree_says_the_terms_of_the_glossary():
    ran = check(ROOT)
    assert ran.returncode == 0, ran.stdout


def a_former_term_is_named_with_its_line_and_the_term_to_say():
    with tempfile.TemporaryDirectory() as name:
        (pathlib.Path(name) / "src").mkdir()
        (pathlib.Path(name) / "src" / "a.c").write_text("/* fine */\n/* whoever is a companion */\n")
        ran = check(name)
        assert ran.returncode == 1
        assert "src/a.c:2: whoever: say the actor" in ran.stdout and "src/a.c:2: companion: say other devices" in ran.stdout, ran.stdout


def the_glossary_itself_may_name_former_terms():
    with tempfile.TemporaryDirectory() as name:
        (pathlib.Path(name) / "docs").mkdir()
        (pathlib.Path(name) / "docs" / "glossary.md").write_text("| companion | other devices |\n")
        assert check(name).returncode == 0


tests = [this_tree_says_the_terms_of_the_glossary, a_former_term_is_named_with_its_line_and_the_term_to_say,
    the_glossary_itself_may_name_former_terms]
failed = 0
print(f"1..{len(tests)}")
for number, test in enumerate(tests, 1):
    try:
        test()
        print(f"ok {number} - {test.__name__}")
    except AssertionError as reason:
        failed += 1
        print("\n".join("# " + line for line in str(reason).splitlines()))
        print(f"not ok {number} - {test.__name__}")
sys.exit(1 if failed else 0)
