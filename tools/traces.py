"""Editing traces as stories: who typed which letter where, in the one order that all must end in.

A trace is JSON (perhaps gzipped): {startContent, endContent, txns: [{parents, agent, patches: [[position,
deleted, text], …]}]}, positions in code points, patches against the merge of the parents; without
`kind: "concurrent"`, one agent and each transaction after the one before. No two inserts may have been
made at one place without knowing of each other: then every correct merge ends in the same text, and a
Story computes it, without being a CRDT. A Reader is one device's knowledge of a story: it says what to
type there, also when it knows more than the author did.
"""
import bisect
import gzip
import json

_GAP_BITS = 1024


class Step:
    """One transaction: what its author had seen, which letters it adds and takes away."""
    __slots__ = ("agent", "index", "seen", "edits")

    def __init__(self, agent, index, seen):
        self.agent, self.index, self.seen = agent, index, seen
        self.edits = []  # ("erase", [id, …]) or ("insert", [id, …])


class Story:
    def __init__(self, trace):
        self.end_content = trace["endContent"]
        self.letters = []  # id → letter
        self._labels = []  # id → a number; ascending in the order of the text, tombstones included
        self._sorted = []  # ids in that order
        self._erased = set()
        self._author = []  # id → (agent, index of its step)
        concurrent = trace.get("kind") == "concurrent"
        self.agent_count = trace["numAgents"] if concurrent else 1
        self.steps, self.by_agent = [], [[] for _ in range(self.agent_count)]
        self._after = []  # by step: how many steps of each agent are known after it
        self._now = (0, -1)
        self.views = [_View(self) for _ in range(self.agent_count)]
        self.start = self._place(None, trace.get("startContent", ""))
        for view in self.views:
            view.shown = list(self.start)
        for number, txn in enumerate(trace["txns"]):
            if concurrent:
                self.add(txn["agent"], txn["parents"], txn["patches"])
            else:
                self.add(0, [number - 1] if number else [], txn["patches"])
        self.rank = [0] * len(self.letters)
        for rank, letter in enumerate(self._sorted):
            self.rank[letter] = rank
        assert self.text() == trace["endContent"], "the story ends as the trace says"

    def add(self, agent, parents, patches):
        """One more transaction; parents are numbers of steps. Returns its number."""
        own = self.by_agent[agent]
        seen = [len(steps) if at == agent else 0 for at, steps in enumerate(self.by_agent)]
        for parent in parents:
            seen = [max(a, b) for a, b in zip(seen, self._after[parent])]
        assert seen[agent] == len(own), "an agent goes on from its own last transaction"
        step = Step(agent, len(own), tuple(seen))
        view = self.views[agent]
        view.catch_up(seen)
        self._now = (agent, step.index)
        for position, deleted, text in patches:
            view.patch(step, position, deleted, text)
        own.append(step)
        self.steps.append(step)
        seen = list(seen)
        seen[agent] += 1
        view.seen = list(seen)
        self._after.append(seen)
        return len(self.steps) - 1

    def text(self):
        """What everybody sees who knows all of it."""
        return "".join(self.letters[letter] for letter in self._sorted if letter not in self._erased)

    def _place(self, left, text):
        """New ids for the letters of text, right after the id `left` (None: at the start)."""
        if not text:
            return []
        count = len(text)
        at = 0 if left is None else self._index(left) + 1
        low = self._labels[left] if left is not None else 0
        high = self._labels[self._sorted[at]] if at < len(self._sorted) else low + (1 << _GAP_BITS)
        stride = (high - low) // (16 * (count + 1))
        if stride == 0:
            for rank, letter in enumerate(self._sorted, 1):
                self._labels[letter] = rank << _GAP_BITS
            return self._place(left, text)
        first = len(self.letters)
        ids = list(range(first, first + count))
        self.letters.extend(text)
        self._author.extend([self._now] * count)
        self._labels.extend(low + stride * (k + 1) for k in range(count))
        self._sorted[at:at] = ids
        return ids

    def free(self, view, position):
        """Whether a letter may be put at this position of the view: no author that it does not
        know of has written or erased next to it, so that it can end up at one position only."""
        left = self._index(view.shown[position - 1]) if position else -1
        right = self._index(view.shown[position]) if position < len(view.shown) else len(self._sorted)
        while left >= 0 and self._sorted[left] in self._erased:
            left -= 1
        while right < len(self._sorted) and self._sorted[right] in self._erased:
            right += 1
        around = self._sorted[max(left, 0):right + 1]
        return all(index < view.seen[agent] for agent, index in (self._author[letter] for letter in around))

    def _index(self, letter):
        return bisect.bisect_left(self._sorted, self._labels[letter], key=self._labels.__getitem__)


class _View:
    """What an agent of the trace sees while it types."""

    def __init__(self, story):
        self.story, self.shown, self.seen = story, [], [0] * story.agent_count

    def catch_up(self, seen):
        for agent, upto in enumerate(seen):
            for step in self.story.by_agent[agent][self.seen[agent]:upto]:
                self.learn(step)
        self.seen = list(seen)

    def _find(self, letter):
        labels = self.story._labels
        return bisect.bisect_left(self.shown, labels[letter], key=labels.__getitem__)

    def learn(self, step):
        for kind, ids in step.edits:
            if kind == "insert":
                at = self._find(ids[0])
                self.shown[at:at] = ids
            else:
                for letter in ids:
                    at = self._find(letter)
                    if at < len(self.shown) and self.shown[at] == letter:
                        del self.shown[at]

    def patch(self, step, position, deleted, text):
        assert 0 <= position and position + deleted <= len(self.shown), "a patch inside of the text"
        if deleted:
            step.edits.append(("erase", self.shown[position:position + deleted]))
            self.story._erased.update(self.shown[position:position + deleted])
            del self.shown[position:position + deleted]
        if text:
            left = self.shown[position - 1] if position else None
            ids = self.story._place(left, text)
            step.edits.append(("insert", ids))
            self.shown[position:position] = ids


class Reader:
    """One device's knowledge of a story, and what its text must be."""

    def __init__(self, story):
        self.story = story
        self.shown = sorted(story.rank[letter] for letter in story.start)  # ranks
        self.seen = [0] * story.agent_count
        self.letter_at = {rank: story.letters[letter] for letter, rank in enumerate(story.rank)}

    def text(self):
        return "".join(self.letter_at[rank] for rank in self.shown)

    def knows_enough_for(self, step):
        return all(have >= need for have, need in zip(self.seen, step.seen))

    def learn_up_to(self, seen):
        """Takes in the steps of others, as a sync brings them: the transactions before `seen`."""
        for agent, upto in enumerate(seen):
            for step in self.story.by_agent[agent][self.seen[agent]:upto]:
                self.type(step)

    def type(self, step):
        """Applies a step; returns the patches [position, deleted, text] that do it on this device."""
        assert self.knows_enough_for(step) and self.seen[step.agent] == step.index
        patches, rank = [], self.story.rank
        for kind, ids in step.edits:
            if kind == "insert":
                at = bisect.bisect_left(self.shown, rank[ids[0]])
                self.shown[at:at] = [rank[letter] for letter in ids]
                patches.append([at, 0, "".join(self.story.letters[letter] for letter in ids)])
            else:
                for letter in ids:
                    at = bisect.bisect_left(self.shown, rank[letter])
                    if at == len(self.shown) or self.shown[at] != rank[letter]:
                        continue  # another author took it away already
                    del self.shown[at]
                    if patches and patches[-1][0] == at and not patches[-1][2]:
                        patches[-1][1] += 1
                    else:
                        patches.append([at, 1, ""])
        self.seen[step.agent] += 1
        return patches


def load(path):
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as file:
        return json.load(file)
