#!/usr/bin/env python3
"""The worker's core as a process, on a profile that `quire init` made.

usage: worker_core.py QUIRE WORKER_PROCESS
"""
import os
import pathlib
import subprocess
import sys
import tempfile

quire, process = (pathlib.Path(name).resolve() for name in sys.argv[1:3])
if os.getuid() != 0:
    print("1..0 # SKIP reading the core's memory needs root, as it should")
    sys.exit(0)
with tempfile.TemporaryDirectory(prefix="quire-worker-") as home:
    environment = {"PATH": os.environ["PATH"], "HOME": home, "LC_ALL": "C.UTF-8", "XDG_RUNTIME_DIR": home,
        "QUIRE_PROFILE": f"{home}/worker", "QUIRE_KEY_FILE": f"{home}/worker.key"}
    subprocess.run([quire, "init"], env=environment, check=True, capture_output=True, timeout=60)
    sys.exit(subprocess.run([process, "--profile", f"{home}/worker", "--key-file", f"{home}/worker.key",
        "--allow-unlocked"], env=environment, timeout=120).returncode)
