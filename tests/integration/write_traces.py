#!/usr/bin/env python3
"""Real typing by real processes: two devices go on- and offline and must end in the text of the trace.

Each person of a trace has a device. It types what that person typed, as soon as it knows at least what
the person had seen; when it does not, both sync. At seeded moments devices sync of their own accord, or
their process ends and another goes on. What a device shows must be what the story says at that point.
"""
import json
import os
import pathlib
import subprocess
import sys

from harness import World, dice, main, test, traces_folder

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import traces  # noqa: E402

UNLIMITED = ("--pushes-per-second", "100000", "--pushes-burst", "1000000", "--subs-burst", "1000000")


class Person:
    """A device, the `quire type` that holds it, and what its text must be."""

    def __init__(self, device, entry, story):
        self.device, self.entry = device, entry
        self.reader = traces.Reader(story)
        self.process = None

    def line(self, value):
        if self.process is None:
            self.process = self.device.start("type", self.entry, "--create")
        self.process.stdin.write(json.dumps(value) + "\n")

    def type(self, step):
        for patch in self.reader.type(step):
            self.line(patch)

    def sync(self, on_server):
        self.line({"sync": True})
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer and json.loads(answer).get("synced"), f"a sync failed: {answer}"
        for agent, seen in enumerate(self.reader.seen):
            on_server[agent] = max(on_server[agent], seen)
        self.reader.learn_up_to(on_server)

    def leave(self):
        """The process ends, and must have kept everything."""
        if self.process is None:
            return
        self.process.stdin.close()
        said = self.process.stdout.read()
        self.process.stdout.close()
        assert self.process.wait(60) == 0, said
        self.process = None
        shown = self.device.show(self.entry)
        assert shown == self.reader.text(), "the device shows what the story says"


def play(trace, random):
    story = traces.Story(trace)
    with World() as world:
        server = world.server(*UNLIMITED)
        devices = world.phone_and_laptop(server)
        entry = os.urandom(16).hex()
        people = [Person(device, entry, story) for device in devices][:story.agent_count]
        on_server, syncs, left = [0] * story.agent_count, 0, 0
        for step in story.steps:
            person = people[step.agent]
            if not person.reader.knows_enough_for(step):
                for one in (*(other for other in people if other is not person), person):
                    one.sync(on_server)
                    syncs += 1
            person.type(step)
            chance = random.random()
            if chance < 0.002:
                person.sync(on_server)
                syncs += 1
            elif chance < 0.004:
                person.leave()
                left += 1
        for _ in range(2):
            for person in people:
                person.sync(on_server)
        for person in people:
            person.leave()
        for device in devices:
            if story.agent_count == 1:
                device.sync()
            assert device.show(entry) == story.end_content, "the text of the trace"
            assert not device.alarms(), device.alarms()
        print(f"# {len(story.steps)} transactions, {syncs} syncs, {left} processes ended in between")


@test
def the_typist_ends_in_the_same_text_on_both_devices():
    random = dice()
    for seed in (random.randrange(10**6), random.randrange(10**6)):
        made = subprocess.run([sys.executable, ROOT / "tools/typist", "--seed", str(seed), "--transactions", "2500"],
            check=True, capture_output=True)
        play(json.loads(made.stdout), random)


@test
def friendsforever_ends_in_its_text_on_both_devices():
    play(traces.load(traces_folder() / "friendsforever.json.gz"), dice())


main()
