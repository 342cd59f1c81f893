#!/usr/bin/env python3
"""kill -9 of a device at random moments while a person types: what was saved is there, and nothing is torn."""
import json
import os
import pathlib
import subprocess
import sys
import time

import harness
from harness import World, dice, main, test

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import traces  # noqa: E402

KILLS = int(os.environ.get("QUIRE_KILLS", 30))


def patches_of(seed, count):
    """What one person types, in order, as a list of patches."""
    made = subprocess.run([sys.executable, ROOT / "tools/typist", "--seed", str(seed), "--transactions", str(count)],
        check=True, capture_output=True)
    story = traces.Story(json.loads(made.stdout))
    reader = traces.Reader(story)
    return [patch for step in story.steps for patch in reader.type(step)], story.end_content


def applied(text, patch):
    position, deleted, inserted = patch
    return text[:position] + inserted + text[position + deleted:]


class Typing:
    """One run of `quire type` that is killed some time."""

    def __init__(self, device, entry, patches):
        self.process = device.start("type", entry, "--create", "--ack", "--save-every", "5", stdin=subprocess.PIPE)
        self.patches, self.sent = patches, 0

    def go(self, count):
        rows = self.patches[self.sent:self.sent + count]
        try:
            for row in rows:
                self.process.stdin.write(json.dumps(row) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise AssertionError("quire type ended by itself") from None
        self.sent += len(rows)

    def kill(self):
        """Kills it; how many edits it had said were durable."""
        self.process.kill()
        numbers = [line for line in self.process.stdout.read().splitlines() if line.strip().isdigit()]
        self.process.wait()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.stdout.close()
        return int(numbers[-1]) if numbers else 0


@test
def a_killed_device_has_all_that_it_kept_and_ends_in_the_same_text():
    random = dice()
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        patches, end = patches_of(random.randrange(1000), 120 * KILLS)
        entry = os.urandom(16).hex()
        text, done, kills, kept = "", 0, 0, 0
        while done < len(patches):
            typing = Typing(phone, entry, patches[done:])
            last = kills >= KILLS
            while typing.sent < len(typing.patches) and (last or random.random() > 0.3):
                typing.go(random.randint(1, 60))
                time.sleep(random.random() * 0.02)
            if typing.sent == len(typing.patches) and last:
                typing.process.stdin.close()
                assert typing.process.wait(30) == 0
                text, done = end, len(patches)
                break
            acknowledged = typing.kill()
            kills += 1
            kept += acknowledged
            # What is there is what was typed, up to some edit at or after the last durable one.
            try:
                shown = phone.show(entry)
            except harness.Failed:
                shown = ""
                assert acknowledged == 0 and text == "", "the entry is gone"
            for count in range(typing.sent + 1):
                if count >= acknowledged and text == shown:
                    done += count
                    break
                if count < typing.sent:
                    text = applied(text, typing.patches[count])
            else:
                raise AssertionError(f"after kill {kills}: {acknowledged} of {typing.sent} edits were durable, and the "
                    f"text is none that was ever typed")
            if random.random() < 0.2:
                phone.sync()
        print(f"# {kills} kills, {kept} edits were durable before one")
        assert kills >= KILLS / 2 and kept > 0
        phone.sync()
        laptop.sync()
        assert phone.show(entry) == laptop.show(entry) == end
        for device in (phone, laptop):
            assert not device.alarms(), device.alarms()


@test
def a_device_killed_while_it_syncs_loses_and_repeats_nothing():
    random = dice()
    with World() as world:
        server = world.server()
        phone, laptop = world.phone_and_laptop(server)
        written = {}
        for number in range(max(8, KILLS // 2)):
            text = f"entry {number} " + "word " * random.randint(1, 400)
            written[random.choice([phone, laptop]).write(text)] = text
            for device in (phone, laptop):
                sync = device.start("sync", stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
                time.sleep(random.random() * 0.06)
                sync.kill()
                sync.wait()
        for _ in range(2):
            phone.sync()
            laptop.sync()
        assert phone.texts() == written and laptop.texts() == written
        for device in (phone, laptop):
            assert device.status()["unacknowledged"] == 0 and not device.alarms(), device.status()


main()
