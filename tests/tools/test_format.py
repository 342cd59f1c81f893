#!/usr/bin/env python3
"""tools/format: this tree is formatted, and a line that is not is named.

usage: test_format.py FORMAT SOURCE_ROOT
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

FORMAT, ROOT = sys.argv[1:3]


def run(*words):
    return subprocess.run([sys.executable, FORMAT, *words], text=True, capture_output=True)


def this_tree_is_formatted():
    ran = run("--check", ROOT)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def a_line_out_of_format_is_named_and_then_mended():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name) / "src"
        folder.mkdir()
        shutil.copy(pathlib.Path(ROOT) / ".clang-format", name)
        (folder / "a.c").write_text("int a;\nint   b;\n")
        ran = run("--check", name)
        assert ran.returncode == 1 and "src/a.c:2:4: run tools/format" in ran.stdout, ran.stdout + ran.stderr
        assert (folder / "a.c").read_text() == "int a;\nint   b;\n"
        assert run(name).returncode == 0
        assert (folder / "a.c").read_text() == "int a;\nint b;\n"
        assert run("--check", name).returncode == 0


tests = [this_tree_is_formatted, a_line_out_of_format_is_named_and_then_mended]
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
