#!/usr/bin/env python3
"""Who may use whom, and that the core asks for nothing but memory and bytes.

usage: check-layers.py SOURCE_ROOT [CORE_ARCHIVE]
"""
import pathlib
import re
import subprocess
import sys

CORE = ["base", "codec", "crypto", "crdt", "sync"]
MAY_USE = {  # folder → folders whose private headers it may include, besides its own
    "src/base": [], "src/codec": ["base"], "src/crypto": ["base"], "src/crdt": ["base"],
    "src/sync": ["base", "codec", "crypto", "crdt"],
    "src/store": ["base"], "src/bus": ["base"],
    "src/server": ["base", "codec", "crypto", "sync", "store", "bus"],
    "src/worker": CORE + ["store"],
    "src/client": [], "src/wasm": [],
    "simulation": CORE + ["store/store.h", "bus/bus.h"],
    "tools": CORE + ["store"],
}
ONLY_IN = {"sodium.h": ["crypto"], "msgpack.h": ["codec"]}  # of the core's folders

# What libquire may ask of the world: memory, bytes, a failed assertion, and the two libraries'
# pure functions. Whatever is not here (time, files, sockets, randomness, printing) is refused.
ALLOWED = re.compile(r"(mem(cpy|cmp|move|set|chr)|str(len|cmp|ncmp|chr|nlen)|qsort|bsearch|malloc|calloc|"
    r"realloc|free|__assert_fail|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__mem\w+_chk|"
    r"crypto_(?!\w*(_keygen|(?<!_seed)_keypair|_random|box_seal|pwhash_str|_init_push)$)\w+|"
    r"sodium_(init|memzero|memcmp|is_zero|increment|add|compare|pad|unpad)|"
    r"msgpack_(unpack\w*|zone\w*|pack\w*|sbuffer\w*|object(?!_print)\w*))")


def includes(root):
    for folder in ["include", "src", "simulation", "tools"]:
        for path in sorted((root / folder).rglob("*.[ch]")):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
                if match:
                    yield path, path.relative_to(root), number, match[1]


def faults_of_includes(root):
    for path, name, number, target in includes(root):
        parts, where = name.parts, f"{name}:{number}"
        if target.startswith("quire/"):
            continue  # the public headers are for all
        if target in ONLY_IN and parts[0] == "src" and parts[1] in CORE and parts[1] not in ONLY_IN[target]:
            yield f"{where}: only {', '.join(ONLY_IN[target])} may include {target}"
        if target.startswith(("simulation/", "tests/", "tools/")) or ".." in target:
            yield f"{where}: nothing includes {target}"
        head = target.split("/")[0]
        ours = (root / "src" / target).exists() or (root / "src" / head).is_dir()
        if not ours or (path.parent / target).exists():
            continue  # of the system, or a neighbour in the same folder
        if parts[0] == "simulation" and (root / "simulation" / target).exists():
            continue  # its own folders may be named as those in src/ are
        if parts[0] == "include":
            yield f"{where}: a public header includes the private {target}"
            continue
        folder = "/".join(parts[:2]) if parts[0] == "src" else parts[0]
        if folder not in MAY_USE:
            yield f"{where}: {folder} has no place in {pathlib.Path(__file__).name} yet"
        elif head != parts[1] and head not in MAY_USE[folder] and target not in MAY_USE[folder]:
            yield f"{where}: {folder} may not use {target}"


def faults_of_archive(archive):
    def rows(*options):
        out = subprocess.run(["nm", "-f", "sysv", *options, archive], check=True, text=True,
            capture_output=True).stdout
        return [[cell.strip() for cell in line.split("|")] for line in out.splitlines() if "|" in line]
    defined = {row[0] for row in rows("--defined-only")}
    for name in sorted({row[0] for row in rows("--undefined-only")} - defined - {"Name"}):
        if not ALLOWED.fullmatch(name):
            yield f"the core asks for {name}: it is to have memory and bytes only"
    for row in rows("--defined-only"):
        if re.match(r"\.t?(data|bss)(?!\.rel\.ro)|\*COM\*", row[-1]) and row[3] in ("OBJECT", "TLS"):
            yield f"the core keeps mutable global state: {row[0]} in {row[-1]}"


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[1].startswith("-"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    faults = list(faults_of_includes(pathlib.Path(sys.argv[1])))
    if len(sys.argv) > 2:
        faults += faults_of_archive(sys.argv[2])
    print("\n".join(faults) if faults else "layers: all as they should be")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
