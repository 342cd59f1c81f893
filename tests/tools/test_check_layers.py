#!/usr/bin/env python3
"""Shows that tools/check-layers.py fires: each broken tree here must be refused, with its reason.

usage: test_check_layers.py SOURCE_ROOT COMPILER…
"""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT, COMPILER = pathlib.Path(sys.argv[1]), sys.argv[2:]

SCRIPT = (ROOT / "tools/check-layers.py").read_text()


def with_list(name, *items):
    """The checker with another list of what still breaks a rule; a tree may bring its own."""
    return re.sub(rf"^{name} = .*$", lambda _: f"{name} = {list(items)}", SCRIPT, flags=re.M)


def still_tied(*items):
    return with_list("STILL_TIED", *items)


def still_large(*items):
    return with_list("STILL_LARGE", *items)


def struct_of(count):
    return "struct large {\n" + "".join(f"    int field_{i};\n" for i in range(count)) + "};\n"


TREES = [  # name, files, what the checker says (None: nothing)
    ("a_tree_in_order_passes", {"src/sync/a.c": '#include "codec/b.h"\n#include <time.h>\n', "src/codec/b.h": ""}, None),
    ("the_base_may_not_use_the_codec", {"src/base/a.c": '#include "codec/b.h"\n', "src/codec/b.h": ""},
        "src/base/a.c:1: src/base may not use codec/b.h"),
    ("the_store_may_not_use_the_sync", {"src/store/a.h": '\n#include "sync/hub.h"\n', "src/sync/hub.h": ""},
        "src/store/a.h:2: src/store may not use sync/hub.h"),
    ("the_client_may_use_public_headers_only", {"src/client/a.c": '#include "sync/hub.h"\n', "src/sync/hub.h": ""},
        "src/client/a.c:1: src/client may not use sync/hub.h"),
    ("the_simulation_may_use_the_stores_contract", {"simulation/a.c": '#include "store/store.h"\n', "src/store/store.h": ""}, None),
    ("the_simulation_may_not_use_lmdb", {"simulation/a.c": '#include "store/lmdb.h"\n', "src/store/lmdb.h": ""},
        "simulation/a.c:1: simulation may not use store/lmdb.h"),
    ("nothing_includes_the_simulation", {"src/server/a.c": '#include "simulation/world.h"\n', "simulation/world.h": ""},
        "src/server/a.c:1: nothing includes simulation/world.h"),
    ("a_public_header_includes_no_private_one", {"include/quire/a.h": '#include "base/ids.h"\n', "src/base/ids.h": ""},
        "include/quire/a.h:1: a public header includes the private base/ids.h"),
    ("only_crypto_sees_sodium", {"src/sync/a.c": "#include <sodium.h>\n"}, "src/sync/a.c:1: only crypto may include sodium.h"),
    ("the_simulation_may_have_a_folder_named_like_one_in_src", {"simulation/a.c": '#include "server/b.h"\n',
        "simulation/server/b.h": "", "src/server/b.h": ""}, None),
    ("a_header_and_its_source_are_no_circle", {"src/crdt/a.c": '#include "a.h"\n#include "a_inner.h"\n', "src/crdt/a.h": "",
        "src/crdt/a_inner.h": '#include "crdt/a.h"\n'}, None),
    ("a_circle_of_two_is_refused", {"src/crdt/a.h": '#include "b.h"\n', "src/crdt/b.c": '#include "crdt/a.h"\n', "src/crdt/b.h": ""},
        "a circle of 2: src/crdt/a, src/crdt/b"),
    ("a_circle_in_the_simulation_is_refused", {"simulation/x/a.h": '#include "y/b.h"\n', "simulation/y/b.h": '#include "z.h"\n',
        "simulation/y/z.h": "", "simulation/y/z.c": '#include "x/a.h"\n'},
        "a circle of 3: simulation/x/a, simulation/y/b, simulation/y/z"),
    ("a_circle_that_is_still_tied_passes", {"tools/check-layers.py": still_tied("src/crdt"), "src/crdt/a.h": '#include "b.h"\n',
        "src/crdt/b.h": '#include "a.h"\n'}, None),
    ("a_folder_that_is_no_circle_leaves_the_list", {"tools/check-layers.py": still_tied("src/crdt"), "src/crdt/a.h": ""},
        "src/crdt is no circle any more: take it out of STILL_TIED"),
    ("forty_fields_pass", {"src/crdt/a.h": struct_of(40)}, None),
    ("forty_one_fields_are_refused", {"src/crdt/a.h": struct_of(41)}, "src/crdt/a.h: struct large has 41 fields, 40 at most"),
    ("fields_in_one_line_and_without_a_struct_name_count", {"include/quire/a.h": "struct s { int a[3], *b; void (*f)(int, int);"
        " union { int c; /* ; */ struct { int d, e; } inner; }; " + "int x;" * 37 + " };"},
        "include/quire/a.h: struct s has 42 fields"),
    ("six_hundred_lines_pass", {"src/crdt/a.c": "\n" * 600}, None),
    ("more_lines_are_refused", {"src/crdt/a.c": "\n" * 601}, "src/crdt/a.c has 601 lines, 600 at most"),
    ("what_is_large_no_more_leaves_the_list", {"meson.build": "", "tools/check-layers.py": still_large("src/crdt/a.c"), "src/crdt/a.c": ""},
        "src/crdt/a.c is large no more: take it out of STILL_LARGE"),
    ("a_table_names_no_folder_that_is_gone", {"meson.build": "", "src/base/a.c": ""}, "there is no folder src/codec"),
    ("a_new_folder_needs_a_place", {"src/new/a.c": '#include "base/ids.h"\n', "src/base/ids.h": ""}, "src/new has no place"),
]
ARCHIVES = [
    ("memory_and_bytes_pass", "#include <string.h>\nvoid f(char *a);void f(char *a) { memset(a, 1, 9); }", None),
    ("time_is_refused", "#include <time.h>\nlong f(void);long f(void) { return time(0); }", "the core asks for time"),
    ("randomness_is_refused", "void randombytes_buf(void *, unsigned long);\nvoid f(void *a);void f(void *a) { randombytes_buf(a, 4); }",
        "the core asks for randombytes_buf"),
    ("hidden_randomness_is_refused", "int crypto_box_keypair(void *, void *);\nvoid f(void *a);void f(void *a) { crypto_box_keypair(a, a); }",
        "the core asks for crypto_box_keypair"),
    ("printing_is_refused", "#include <stdio.h>\nvoid f(int a);void f(int a) { printf(\"%d\", a); }", "the core asks for printf"),
    ("mutable_globals_are_refused", "int f(void);int f(void) { static int count; return ++count; }", "mutable global state"),
    ("mutable_thread_locals_are_refused", "int f(void);int f(void) { static _Thread_local int count; return ++count; }",
        "mutable global state"),
    ("constant_tables_pass", "const char *f(int a);const char *f(int a) { static const char *const t[] = {\"a\", \"b\"}; return t[a]; }",
        None),
]


def check(folder, *arguments):
    own = pathlib.Path(folder, "tools/check-layers.py")
    if not own.exists():
        own.parent.mkdir(exist_ok=True)
        own.write_text(re.sub(r"^STILL_\w+ = .*$", lambda m: m[0].split("=")[0] + "= []", SCRIPT, flags=re.M))
    run = subprocess.run([sys.executable, own, folder, *arguments], text=True, capture_output=True)
    return run.returncode, run.stdout + run.stderr


def verdict(number, name, expected, code, output):
    good = (code == 0) if expected is None else (code == 1 and expected in output)
    print(f"{'ok' if good else 'not ok'} {number} - {name}")
    if not good:
        print(f"# expected {expected!r}, got {code}: {output!r}")
    return good


def main():
    print(f"TAP version 13\n1..{len(TREES) + len(ARCHIVES)}")
    good, number = True, 0
    for name, files, expected in TREES:
        number += 1
        with tempfile.TemporaryDirectory() as folder:
            for path, content in files.items():
                target = pathlib.Path(folder, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(content)
            good &= verdict(number, name, expected, *check(folder))
    for name, source, expected in ARCHIVES:
        number += 1
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "a.c").write_text(source)
            subprocess.run([*COMPILER, "-O0", "-fPIC", "-c", "a.c", "-o", "a.o"], cwd=folder, check=True)
            subprocess.run(["ar", "rc", "a.a", "a.o"], cwd=folder, check=True)
            good &= verdict(number, name, expected, *check(folder, f"{folder}/a.a"))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
