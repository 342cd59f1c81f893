#!/usr/bin/env python3
"""No program that ships has the simulation's stub of cryptography, and the stubbed simulation has no other.

usage: test_stub_crypto.py SOURCE_ROOT STUB_PROGRAM SHIPPED_PROGRAM…
"""
import pathlib
import re
import subprocess
import sys

ROOT, STUB, SHIPPED = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
MARK = b"this is no cryptography"


def words(*command):
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout


def faults(program):
    """Why it may not ship: an own definition of what libsodium does, or the stub's mark."""
    symbols = [line.split() for line in words("nm", program).splitlines()]
    own = [row[-1] for row in symbols if row[-2] in "TtWwDdRrBb"
        and re.fullmatch(r"(crypto_(aead|box|generichash|scalarmult|sign|shorthash|secretbox)|sodium_|randombytes_)\w+"
            r"|quire_stub_crypto", row[-1])]
    if own:
        yield f"has its own {', '.join(own[:3])}"
    if MARK in pathlib.Path(program).read_bytes():
        yield "has the stub's mark"
    if not re.search(r"NEEDED.*libsodium", words("objdump", "-p", program)):
        yield "does not load libsodium"


checks = []
for shipped in SHIPPED:
    name = pathlib.Path(shipped).name.replace("-", "_")
    checks.append((f"{name}_has_real_cryptography", list(faults(shipped))))
found = list(faults(STUB))
checks.append(("the_check_fires_on_the_stub_in_all_three_ways", [] if len(found) == 3 else [f"only: {found}"]))
checks.append(("the_stub_program_loads_no_libsodium",
    ["it does"] if "libsodium" in words("objdump", "-p", STUB) else []))
users = [str(path.relative_to(ROOT)) for folder in ["src", "simulation", "tests", "tools"]
    for path in (ROOT / folder).rglob("meson.build") if "stub/sodium.c" in path.read_text()]
allowed = {"simulation/meson.build", "simulation/wasm/meson.build", "tests/unit/simulation/meson.build"}
checks.append(("only_the_simulation_and_its_tests_build_the_stub", sorted(set(users) - allowed)))
checks.append(("the_simulation_does", [] if "simulation/meson.build" in users else ["it does not"]))

print(f"1..{len(checks)}")
for number, (name, what) in enumerate(checks, 1):
    print(f"{'not ok' if what else 'ok'} {number} - {name}")
    for line in what:
        print(f"# {line}")
sys.exit(any(what for _, what in checks))
