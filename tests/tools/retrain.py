#!/usr/bin/env python3
"""The Spanish bundle, trained anew, is the bundle in the repository: the same data gives the same bytes.

usage: retrain.py TRAIN_EMOTION BUNDLE

The data are not in the repository: $QUIRE_EMOTION_DATA is their folder. Without it the test is skipped.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

folder = os.environ.get("QUIRE_EMOTION_DATA")
if not folder or not pathlib.Path(folder, "brighter-a.esp.train.csv.gz").exists():
    print("skipped: QUIRE_EMOTION_DATA names no folder with the training texts")
    sys.exit(77)
with tempfile.TemporaryDirectory() as scratch:
    out = pathlib.Path(scratch, "es.qib")
    subprocess.run([sys.argv[1], "train", "es", folder, out], check=True, stdout=subprocess.DEVNULL)
    same = out.read_bytes() == pathlib.Path(sys.argv[2]).read_bytes()
print("the same bytes" if same else "OTHER BYTES than in src/insight/models")
sys.exit(0 if same else 1)
