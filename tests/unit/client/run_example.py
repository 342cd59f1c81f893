#!/usr/bin/env python3
"""Runs a program with a fresh folder as its argument, and takes the folder away again."""
import os
import subprocess
import sys
import tempfile

with tempfile.TemporaryDirectory(prefix="quire-test-") as folder:
    environment = {**os.environ, "XDG_RUNTIME_DIR": folder}
    sys.exit(subprocess.run([sys.argv[1], os.path.join(folder, "journal")], env=environment, check=False).returncode)
