#!/usr/bin/env python3
"""quire-sim swarm goes on where it ended, keeps what failed, and misses states that no run reached.

usage: test_swarm.py QUIRE_SIM_STUB
"""
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import default_signals  # noqa: E402

default_signals.restore()
SIM = pathlib.Path(sys.argv[1]).resolve()


def swarm(folder, *words):
    return subprocess.run([SIM, "swarm", "--folder", folder, *words], text=True, capture_output=True, timeout=300)


def state(folder):
    (path,) = folder.glob("state-*")
    return dict(line.split() for line in path.read_text().splitlines())


def it_goes_on_where_it_ended(folder):
    first = swarm(folder, "--runs", "20", "--seed", "1000")
    assert first.returncode == 0, first.stdout + first.stderr
    one = state(folder)
    second = swarm(folder, "--runs", "30", "--jobs", "2")
    assert "from seed 1020 on" in second.stdout and "20 runs of it were done before" in second.stdout, second.stdout
    two = state(folder)
    assert (two["next"], two["runs"], two["failures"]) == ("1050", "50", "0"), two
    assert int(two["steps"]) > int(one["steps"]) > 0
    once = subprocess.run([SIM, "--seed", "1000", "--runs", "50"], text=True, capture_output=True).stdout
    assert f"trace {int(two['trace_hash']):016x}" in once, "the same runs as one call gives"


def what_was_never_reached_is_a_failure(folder):
    never = ["--set", "duplicate_ppm=0"]
    assert swarm(folder, *never, "--runs", "19", "--rare", "20").returncode == 0, "not before that many runs"
    run = swarm(folder, *never, "--runs", "1", "--rare", "20")
    assert run.returncode == 1 and 'no run of 20 reached "frame_twice"' in run.stdout, run.stdout
    assert state(folder)["failures"] == "0"


def a_failure_is_kept_with_what_shows_it(folder):
    options = ["--set", "delay_ms=2000000", "--set", "phones=2"]  # no device ever gets an answer
    run = swarm(folder, "--runs", "2", "--seed", "7", *options)
    assert run.returncode == 1 and "FAILED converge, seed 7" in run.stdout, run.stdout + run.stderr
    (path,) = folder.glob("7-*.txt")
    text = path.read_text()
    assert re.search(r"^commit \w+", text) and "FAILED converge, seed 7" in text and "the end of its trace" in text, text
    command = re.search(r"^smallest: \S+ (.*)$", text, re.M)
    assert command, text
    again = subprocess.run([SIM, *command[1].split()], text=True, capture_output=True)
    assert again.returncode == 1 and "FAILED converge, seed 7" in again.stdout, again.stdout
    later = swarm(folder, "--runs", "1", *options)
    assert later.returncode == 1, "what failed before is not forgotten"
    other = swarm(folder, "--runs", "5")
    assert other.returncode == 0 and "0 runs of it were done before" in other.stdout, "with other options: another program"


def an_interrupted_swarm_keeps_whole_slices(folder):
    process = subprocess.Popen([SIM, "swarm", "--folder", folder, "--minutes", "5"], stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(folder.glob("state-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out = process.communicate(timeout=120)[0]
    assert process.returncode == 3, out
    assert int(state(folder)["runs"]) == int(state(folder)["next"]) - 1 > 0


tests = [it_goes_on_where_it_ended, what_was_never_reached_is_a_failure, a_failure_is_kept_with_what_shows_it,
    an_interrupted_swarm_keeps_whole_slices]
failed = 0
print(f"1..{len(tests)}")
for index, test in enumerate(tests, 1):
    with tempfile.TemporaryDirectory() as name:
        try:
            test(pathlib.Path(name))
            print(f"ok {index} - {test.__name__}")
        except (AssertionError, subprocess.TimeoutExpired, ValueError) as error:
            failed += 1
            print(f"not ok {index} - {test.__name__}")
            print("\n".join("# " + line for line in str(error).splitlines()))
sys.exit(failed > 0)
