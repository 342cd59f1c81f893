#!/usr/bin/env python3
"""What the WebAssembly module is made of, by the linker's map (before wasm-opt).

usage: wasm-sizes.py MODULE.map MODULE.wasm
"""
import collections
import os
import re
import sys

ROW = re.compile(r"\s*\S+\s+[0-9a-f]+\s+([0-9a-f]+)\s+(\S.*):\((.*)\)\s*$")
PARTS = [  # the first that is in the object's name
    ("sodium-", "libsodium"), ("msgpack-", "msgpack-c"), ("src_crdt_", "src/crdt"), ("src_codec_", "src/codec"),
    ("src_base_", "src/base"), ("src_crypto_", "src/crypto"), ("src_sync_", "src/sync"), ("quire-unpacked", "src/wasm"),
    ("<internal>", "constants that are shared"), ("", "C library"),
]


def main():
    sizes = collections.Counter()
    for line in open(sys.argv[1], encoding="utf-8", errors="replace"):
        row = ROW.match(line)
        if row:
            sizes[next(name for mark, name in PARTS if mark in row[2])] += int(row[1], 16)
    for name, size in sizes.most_common():
        print(f"{size:8d}  {name}")
    entry = sum(sizes[name] for name in ("src/crdt", "src/codec", "src/base", "msgpack-c"))
    print(f"{entry:8d}  of it documents and codec, without libsodium, device and C library")
    print(f"{os.path.getsize(sys.argv[2]):8d}  the module")


if __name__ == "__main__":
    sys.exit(main())
