#!/usr/bin/env python3
"""The typist and the reading of traces: the model that the process tests trust.

usage: test_typist.py SOURCE_ROOT
"""
import json
import pathlib
import random
import subprocess
import sys

import tap

ROOT = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(ROOT / "tools"))
import traces  # noqa: E402


def typed(seed, count=1500):
    return subprocess.run([sys.executable, ROOT / "tools/typist", "--seed", str(seed), "--transactions", str(count)],
        check=True, capture_output=True).stdout


def the_same_seed_types_the_same():
    assert typed(5) == typed(5) and typed(5) != typed(6)


def it_corrects_moves_and_uses_many_scripts():
    trace = json.loads(typed(7))
    patches = [patch for txn in trace["txns"] for patch in txn["patches"]]
    assert any(deleted and not text for _, deleted, text in patches)
    assert any(len(txn["patches"]) == 2 for txn in trace["txns"])
    assert any(ord(letter) > 0xFFFF for letter in trace["endContent"])
    assert any(len(txn["parents"]) == 2 for txn in trace["txns"])


def readers_who_meet_at_any_time_end_in_the_same_text():
    for seed in range(8):
        story = traces.Story(json.loads(typed(seed)))
        dice = random.Random(seed)
        readers, server = [traces.Reader(story), traces.Reader(story)], [0, 0]
        texts = ["", ""]

        def meet(at):
            # What a sync does, on plain texts: learn, then check that the model and its patches agree.
            server[at] = readers[at].seen[at]
            readers[at].learn_up_to(server)
            texts[at] = readers[at].text()
        for step in story.steps:
            reader = readers[step.agent]
            if not reader.knows_enough_for(step) or dice.random() < 0.01:
                meet(1 - step.agent)
                meet(step.agent)
            for position, deleted, text in reader.type(step):
                before = texts[step.agent]
                texts[step.agent] = before[:position] + text + before[position + deleted:]
            assert texts[step.agent] == reader.text()
        for at in (0, 1, 0):
            meet(at)
        assert texts[0] == texts[1] == story.end_content


def a_trace_that_does_not_add_up_is_refused():
    trace = json.loads(typed(1, 50))
    trace["endContent"] += "x"
    try:
        traces.Story(trace)
    except AssertionError:
        return
    raise AssertionError("it was taken")


tap.run(the_same_seed_types_the_same, it_corrects_moves_and_uses_many_scripts,
    readers_who_meet_at_any_time_end_in_the_same_text, a_trace_that_does_not_add_up_is_refused)
