#!/usr/bin/env python3
"""quire-sim's commands refuse by name what they do not know; and a run whose process ends has failed.

usage: test_commands.py QUIRE_SIM_STUB QUIRE_SIM_MUTANTS_STUB
"""
import resource
import subprocess
import sys
import tempfile

import tap

SIM, MUTANTS = sys.argv[1:]
REFUSED = [ # program, words, what it says
    (SIM, "--runs x", "quire-sim: --runs takes a number from 0 to"),
    (SIM, "--sed 1", "--sed is no argument here"),
    (SIM, "drop", "there is no command drop"),
    (SIM, "swarm now", "quire-sim swarm: now is no argument here"),
    (SIM, "swarm --folder", "--folder takes a word more"),
    (SIM, "run --runs 0 x.quire", "--runs takes a number from 1 to"),
    (SIM, "attack kindness", "quire-sim attack: kindness is no strategy"),
    (SIM, "attack --jobs 65", "--jobs takes a number from 1 to 64"),
    (SIM, "attack --seeds", "--seeds takes a number"),
    (SIM, "attack --seeds 18446744073709551616", "--seeds takes a number"),
    (SIM, "attack --trace", "--trace takes one strategy"),
    (MUTANTS, "failpoints NO_SIGNATURE", "NO_SIGNATURE is no bug to switch on"),
    (MUTANTS, "defences ONE_CHAIN", "ONE_CHAIN is no defence to take out"),
    (MUTANTS, "defences --starts 0", "--starts takes a number from 1 to 100"),
    (MUTANTS, "model drop", "drop is no argument here"),
    (MUTANTS, "model --jobs 2", "--jobs is no argument here"),
    (MUTANTS, "--failpoint NOTHING seeds", "there is no failpoint NOTHING"),
]


def run(program, words, most_bytes=resource.RLIM_INFINITY):
    return subprocess.run([program, *words.split()], text=True, capture_output=True, timeout=200,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes)))


def what_no_command_knows_is_refused_and_named():
    for program, words, wanted in REFUSED:
        done = run(program, words)
        assert (done.returncode, done.stdout) == (2, "") and wanted in done.stderr, (words, done)


def a_file_of_seeds_has_options_that_there_are():
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("# why\n7 minutes=1 users=1 phones=2 entries=1 gravity=10 it once fell\n")
        file.flush()
        done = run(SIM, f"--seeds {file.name} --runs 0")
    assert done.returncode == 2 and "an option that there is not" in done.stderr, done


def an_option_that_makes_no_world_fails_in_words():
    for setting in "users=5", "users=0", "phones=9", "entries=129", "acts_per_minute=0", "bytes_per_ms=0", "mallory=99":
        done = run(SIM, f"--seed 3 --minutes-simulated 1 --set {setting}")
        assert done.returncode == 1 and f"FAILED options, seed 3: there is no world with {setting}" in done.stdout, done


def every_command_says_what_it_is_asked_in():
    for program in SIM, MUTANTS:
        commands = [line.split()[0] for line in run(program, "--help").stdout.splitlines()[4:]]
        assert len(commands) >= 4, commands
        for command in commands:
            done = run(program, f"{command} --help")
            assert done.returncode == 0 and done.stdout.startswith("usage: quire-sim"), (command, done)


def one_defence_alone_is_measured():
    done = run(MUTANTS, "defences --starts 1 NO_GAP_CHECK")
    rows = [line.split()[:3] for line in done.stdout.splitlines()]
    assert done.returncode == 0 and rows[1:] == [["reorder", "8", "NO_GAP_CHECK"]], done


def an_attack_whose_process_ends_has_failed():
    """With too little memory for a run, and enough for the program."""
    for megabytes in range(3, 64):
        done = run(SIM, "attack flip --seeds 3", megabytes << 20)
        if done.returncode == 0:
            break
        if "no memory" in done.stderr and "flip" in done.stdout:
            assert done.returncode == 1 and "FAILED died, seed 1: its process ended with status 2" in done.stdout, done
            return
    raise AssertionError(f"no run was short of memory: {done}")


tap.run(what_no_command_knows_is_refused_and_named, a_file_of_seeds_has_options_that_there_are,
    an_option_that_makes_no_world_fails_in_words, every_command_says_what_it_is_asked_in, one_defence_alone_is_measured, an_attack_whose_process_ends_has_failed)
