#!/usr/bin/env python3
"""Every header by itself: it compiles with nothing included before it, public ones as C++ too.

usage: alone.py SOURCE_ROOT [COMPILER_FLAG…]
"""
import pathlib
import shutil
import subprocess
import sys

ROOT, FLAGS = pathlib.Path(sys.argv[1]), sys.argv[2:]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror", "-fsyntax-only"]


def jobs():
    clang = next(filter(None, map(shutil.which, ["clang-14", "clang"])), "clang-14")
    clang = pathlib.Path(clang).name
    for header in sorted((ROOT / "include").rglob("*.h")):
        name = header.relative_to(ROOT / "include")
        for compiler in ["gcc", clang]:
            yield f"{name} with {compiler} as C17", [compiler, "-x", "c", "-std=c17"], f"<{name}>"
        yield f"{name} with {clang} as C++", [clang, "-x", "c++", "-std=c++17"], f"<{name}>"
    for folder in ["src", "simulation"]:
        for header in sorted((ROOT / folder).rglob("*.h")):
            name = header.relative_to(ROOT / folder)
            for compiler in ["gcc", clang]:
                yield (f"{name} with {compiler}",
                    [compiler, "-x", "c", "-std=gnu17", f"-I{ROOT}/src", f"-I{ROOT}/{folder}"], f'"{name}"')


def main():
    rows, failed = list(jobs()), 0
    print(f"TAP version 13\n1..{len(rows)}")
    for number, (title, command, target) in enumerate(rows, 1):
        run = subprocess.run([*command, *WARNINGS, f"-I{ROOT}/include", *FLAGS, "-"],
            input=f"#include {target}\nextern int something;\n", text=True, capture_output=True)
        failed += run.returncode != 0
        print(f"{'not ok' if run.returncode else 'ok'} {number} - {title}")
        for line in run.stderr.splitlines()[:10]:
            print("#", line)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
