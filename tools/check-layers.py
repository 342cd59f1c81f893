#!/usr/bin/env python3
"""Which folder may use which, that nothing is a circle or too large, and that the core asks for nothing but memory and bytes.

usage: check-layers.py SOURCE_ROOT [CORE_ARCHIVE]
"""
import pathlib
import re
import subprocess
import sys

CORE = ["base", "codec", "crypto", "crdt", "insight", "sync"]
MAY_USE = {  # folder → folders whose private headers it may include, besides its own
    "src/base": [], "src/codec": ["base"], "src/crypto": ["base"], "src/crdt": ["base"],
    "src/insight": ["base"],
    "src/sync": ["base", "codec", "crypto", "crdt"],
    "src/store": ["base"],
    "src/server": ["base", "codec", "crypto", "sync", "store"],
    # the worker's instance is a profile, and its gate connects as a client does
    "src/worker": ["base", "codec", "crypto", "sync", "insight", "client/config.h", "client/connection.h",
        "client/error.h", "client/files.h", "client/keyfile.h", "client/profile.h", "client/records.h", "client/url.h"],
    "src/client": [], "src/wasm": [],
    "simulation": CORE + ["store/store.h"],
    "tools": CORE + ["store"],
}
# What still breaks a rule below, and goes soon. A name that breaks it no longer is a fault, too.
STILL_TIED = []  # folders with a circle
STILL_LARGE = []  # files and structs
FIELDS_MOST = 40  # of a struct
LINES_MOST = 600  # of a file in src/
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


def faults_of_names(root):
    """A table that names what is not there any more."""
    for folder in MAY_USE if (root / "meson.build").exists() else []:
        if not (root / folder).is_dir():
            yield f"{pathlib.Path(__file__).name}: there is no folder {folder}"


# ---- circles: a unit is a header, its source and its private header (NAME_inner.h, NAME_internal.h); it
# uses the units whose headers its files include

def unit_of(name):
    return re.sub(r"(_inner|_internal)?$", "", str(name.with_suffix("")), count=1)

def units_of(root):
    """unit → the units that it uses, within src/ and within simulation/."""
    uses = {}
    for path, name, _, target in includes(root):
        area = root / name.parts[0]
        if name.parts[0] not in ("src", "simulation"):
            continue
        unit = unit_of(name)
        uses.setdefault(unit, set())
        for found in (path.parent / target, area / target):
            if found.exists():
                uses[unit].add(unit_of(found.relative_to(root)))
                break
    return {unit: used - {unit} for unit, used in uses.items()}


def circles(uses):
    """The strongly connected components of more than one unit (Tarjan 1972), without recursion."""
    index, low, stack, on_stack, found = {}, {}, [], set(), []
    for start in sorted(uses):
        work = [(start, iter(sorted(uses[start])))] if start not in index else []
        while work:
            unit, rest = work[-1]
            if unit not in index:
                index[unit] = low[unit] = len(index)
                stack.append(unit)
                on_stack.add(unit)
            for used in rest:
                if used not in index:
                    work.append((used, iter(sorted(uses.get(used, ())))))
                    break
                if used in on_stack:
                    low[unit] = min(low[unit], index[used])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[unit])
                if low[unit] == index[unit]:
                    circle = []
                    while not circle or circle[-1] != unit:
                        circle.append(stack.pop())
                        on_stack.remove(circle[-1])
                    if len(circle) > 1:
                        found.append(sorted(circle))
    return found


def faults_of_circles(root):
    excused = set()
    for circle in circles(units_of(root)):
        folders = {str(pathlib.Path(unit).parent) for unit in circle}
        if folders <= set(STILL_TIED):
            excused |= folders
        else:
            yield f"a circle of {len(circle)}: {', '.join(circle)}"
    for folder in STILL_TIED:
        if (root / folder).is_dir() and folder not in excused:
            yield f"{folder} is no circle any more: take it out of STILL_TIED"


# ---- sizes

def without_comments(text):
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"', lambda m: '""' if m[0][0] == '"' else " ", text, flags=re.S)


def body_at(text, start):
    """What is between the brace at `start` and the one that closes it."""
    depth = 0
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return text[start + 1:at]
    return text[start + 1:]


def count_fields(body):
    """Fields of a struct; those of a struct or union without a name of its own are its fields, too."""
    count, depth, commas, inner, word = 0, 0, 0, 0, ""
    for at, character in enumerate(body):
        if character == "{":
            if depth == 0:
                inner = count_fields(body_at(body, at))
            depth += 1
        elif character == "}":
            depth -= 1
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif depth == 0 and character == ",":
            commas += 1
        elif depth == 0 and character == ";":
            anonymous = inner > 0 and word.strip() in ("struct", "union")
            count += inner if anonymous else 1 + commas if word.strip() else 0
            commas, inner, word = 0, 0, ""
            continue
        if depth == 0 and character not in "{}":
            word += character
    return count


def faults_of_sizes(root):
    large = {}
    for folder in ["include", "src", "simulation"]:
        for path in sorted((root / folder).rglob("*.[ch]")):
            name, text = str(path.relative_to(root)), path.read_text()
            lines = text.count("\n")
            if folder == "src" and lines > LINES_MOST:
                large[name] = f"{name} has {lines} lines, {LINES_MOST} at most"
            text = without_comments(text)
            for match in re.finditer(r"\bstruct\s+(\w+)\s*\{", text):
                fields = count_fields(body_at(text, match.end() - 1))
                if fields > FIELDS_MOST:
                    large["struct " + match[1]] = f"{name}: struct {match[1]} has {fields} fields, {FIELDS_MOST} at most"
    yield from (fault for name, fault in large.items() if name not in STILL_LARGE)
    if (root / "meson.build").exists():
        yield from (f"{name} is large no more: take it out of STILL_LARGE" for name in STILL_LARGE if name not in large)


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
    root = pathlib.Path(sys.argv[1])
    faults = [fault for rule in (faults_of_includes, faults_of_names, faults_of_circles, faults_of_sizes)
        for fault in rule(root)]
    if len(sys.argv) > 2:
        faults += faults_of_archive(sys.argv[2])
    print("\n".join(faults) if faults else "layers: all as they should be")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
