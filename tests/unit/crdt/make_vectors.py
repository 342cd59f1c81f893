#!/usr/bin/env python3
"""Makes protocol/vectors/document.json from protocol/document.md alone, without our code.

usage: make_vectors.py [--check FILE]
Prints the vectors, or checks that FILE holds just these (as TAP).
"""
import json
import pathlib
import struct
import sys

A, B, C = b"session\x0a", b"session\x0b", b"session\x0c"
NEVER = -(1 << 63)  # the time of a document without edits
TITLE, DATE, MOOD, TAGS, EMOTIONS = range(5)


def v(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def z(number):
    return v(number * 2 if number >= 0 else -number * 2 - 1)


def sized(text):
    return v(len(text)) + text


def replica(name, covered, first=None):
    return name, covered, first


def run(length, parent, right=None, gap=0, s=None):
    """right=None: a left child; s: the replica's place, where it is not that of the run before."""
    return length, parent, right, gap, s


NOTHING = "nothing"


def back(distance):
    return "back", distance


def other(s, counter):
    return "other", s, counter


def place(s=None, counter=None, after=False):
    """Before or after a character; without one, the start or the end."""
    return v(int(after)) if s is None else v(2 * (s + 1) + after) + v(counter)


def unread(*places, data=b""):
    return rows(places) + sized(data)


def dot(s, counter, time, field, value):
    return s, counter, z(time) + bytes([field]) + value


def rows(items):
    return v(len(items)) + b"".join(items)


def ascending(items):
    """(s, counter, what else): ids as steps from the one before."""
    out, before, at = [], 0, 0
    for s, counter, *rest in items:
        step = (s - before) % (1 << 64)  # spoiled ones may go down
        out.append(v(step) + v((counter - at if step == 0 else counter) % (1 << 64)) + b"".join(rest))
        before, at = s, counter
    return rows(out)


def ranges(items):
    """(s, counter, length): each from the end of the one before."""
    out, before, at = [], 0, 0
    for s, counter, length in items:
        step = s - before
        out.append(v(step) + v(counter - at if step == 0 else counter) + v(length))
        before, at = s, counter + length
    return rows(out)


def turned_ranges(items):
    """(s, counter, length, turn): each from the last character of the one before."""
    out, before, at = [], 0, 0
    for s, counter, length, turn in items:
        step = s - before
        out.append(v(step) + v((counter - at if step == 0 else counter) % (1 << 64)) + v(length) + v(turn))
        before, at = s, counter + length - 1
    return rows(out)


def run_columns(runs, stretches, turns=None):
    if turns is None:
        turns = []
        for *_, s in runs:
            if s is not None or not turns:
                turns.append([s or 0, 0])
            turns[-1][1] += 1
    referred = {}

    def reference(to):
        if to == NOTHING:
            return v(0)
        if to[0] == "back":
            return v(2 * to[1] - 1)
        _, s, counter = to
        step, referred[s] = counter - referred.get(s, 0), counter
        return v(2 * (s + 1)) + z(step)
    return v(len(runs)) + b"".join(v(s) + v(count) for s, count in turns) \
        + b"".join(v(length * 2 + (right is None)) for length, _, right, _, _ in runs) \
        + b"".join(v(gap) for _, _, _, gap, _ in runs) \
        + b"".join([reference(parent) for _, parent, _, _, _ in runs]) \
        + b"".join([reference(right) for _, _, right, _, _ in runs if right is not None]) \
        + b"".join(map(v, stretches))


STATE, DELETED, VALUES, LETTERS, RUNS, ERASED, REMOVED, TURNED = (1 << bit for bit in range(8))


def payload(replicas=(), runs=(), stretches=(), letters=b"", dots=(), erased=(), removed=(),
            deleted=(), turned=(), revived=b"", time=0, state=False, version=1, more=0, less=0, turns=None):
    """more, less: bits of parts that are said to be there, or not, and are not, or are."""
    parts = state * STATE | bool(deleted) * DELETED | bool(dots) * VALUES | bool(letters) * LETTERS \
        | bool(runs) * RUNS | bool(erased) * ERASED | bool(removed) * REMOVED | bool(turned) * TURNED
    out = bytes([version, (parts | more) & ~less]) + z(time) + v(len(replicas))
    out += b"".join(name for name, _, _ in replicas) + b"".join(v(n) for _, n, _ in replicas)
    out += b"".join(v(first) for _, n, first in replicas if n and first is not None)
    out += ascending([(s, counter) for s, counter in deleted]) if deleted else b""
    out += ascending(dots) if dots else b""
    out += sized(letters) if letters else b""
    out += run_columns(runs, stretches, turns) if runs else b""
    out += ranges(erased) if erased else b""
    out += ascending(removed) if removed else b""
    return out + (turned_ranges(turned) + sized(revived) if turned else b"")


def canonical(shows):
    def u64(number):
        return struct.pack(">Q", number % (1 << 64))
    out = b"\x01" + bytes([shows["deleted"]])
    for name in ["title", "date", "mood"]:
        out += v(len(shows[name]))
        for value, time in shows[name]:
            text = name == "title"
            out += sized(value.encode()) + u64(0) if text else sized(b"") + u64(value)
            out += u64(time)
    for name in ["tags", "emotions"]:
        out += v(len(shows[name]))
        for element, value in shows[name]:
            out += sized(element.encode()) + u64(value)
    out += v(len(shows["unread"]))
    for field, name, counter, time, places, data in shows["unread"]:
        out += bytes([field]) + bytes.fromhex(name) + u64(counter) + u64(time) + v(len(places))
        for after, replica_name, there in places:
            out += bytes([after]) + bytes.fromhex(replica_name) + u64(there)
        out += sized(bytes.fromhex(data))
    return out + sized(shows["text"].encode())


def shown(text="", **others):
    return {"deleted": False, "title": [], "date": [], "mood": [], "tags": [], "emotions": [],
        "unread": [], "text": text, **others}


VALID = []
INVALID = []


def valid(name, data, shows, state, after=()):
    VALID.append({"name": name, "after": list(after), "bytes": data.hex(), "shows": shows,
        "canonical": canonical(shows).hex(), "state": state.hex()})


def invalid(name, data, status="malformed", after=()):
    INVALID.append({"name": name, "after": list(after), "bytes": data.hex(), "status": status})


def make_valid():
    empty = payload(state=True, time=NEVER)
    valid("the state of nothing", empty, shown(), empty)

    hello = dict(replicas=[replica(A, 5, 1)], runs=[run(5, NOTHING, NOTHING, s=0)], stretches=[5],
        letters=b"hello", time=1000)
    state = dict(hello, replicas=[replica(A, 5)], state=True)
    valid("a word typed", payload(**hello), shown("hello"), payload(**state))
    valid("and again, as a state", payload(**state), shown("hello"), payload(**state),
        ["a word typed"])

    # "hello": B types "XY" between l and l, then erases what A typed before it.
    into = dict(replicas=[replica(A, 0), replica(B, 3, 1)], runs=[run(2, other(0, 4), s=1)],
        stretches=[2], letters="ü😀".encode(), erased=[(0, 1, 3)], time=2000)
    valid("two characters typed into it, three erased", payload(**into), shown("ü😀lo"),
        payload(replicas=[replica(A, 5), replica(B, 3)],
            runs=[run(5, NOTHING, NOTHING, s=0), run(2, other(0, 4), s=1)],
            stretches=[0, 3, 4], letters="ü😀lo".encode(), time=2000, state=True),
        ["a word typed"])

    # C types at the end at the same time as A types on; A's replica is the lesser.
    on = payload(replicas=[replica(A, 1, 6)], runs=[run(1, back(1), NOTHING, s=0)], stretches=[1],
        letters=b"!", time=1500)
    at_end = payload(replicas=[replica(A, 0), replica(C, 1, 1)],
        runs=[run(1, other(0, 5), NOTHING, s=1)], stretches=[1], letters=b"?", time=1)
    both = payload(replicas=[replica(A, 6), replica(C, 1)],
        runs=[run(6, NOTHING, NOTHING, s=0), run(1, other(0, 5), NOTHING, s=1)], stretches=[7],
        letters=b"hello!?", time=1500, state=True)
    valid("typed on", on, shown("hello!"), payload(**dict(state, replicas=[replica(A, 6)],
        runs=[run(6, NOTHING, NOTHING, s=0)], stretches=[6], letters=b"hello!", time=1500)),
        ["a word typed"])
    valid("two right children of one character", at_end, shown("hello!?"), both,
        ["a word typed", "typed on"])

    # One run with a dead middle, squashed: its ids stay, its letters do not.
    squashed = payload(replicas=[replica(B, 7, 1)], runs=[run(5, NOTHING, NOTHING, s=0)],
        stretches=[1, 3, 1], letters=b"ae", time=-5)
    valid("typed and erased before it was sent", squashed, shown("ae"),
        payload(replicas=[replica(B, 7)], runs=[run(5, NOTHING, NOTHING, s=0)],
            stretches=[1, 3, 1], letters=b"ae", time=-5, state=True))
    unsquashed = payload(replicas=[replica(B, 5, 1)], runs=[run(5, NOTHING, NOTHING, s=0)],
        stretches=[5], letters=b"abcde", time=-7)
    valid("the same before it was erased", unsquashed, shown("ae"),
        payload(replicas=[replica(B, 7)], runs=[run(5, NOTHING, NOTHING, s=0)],
            stretches=[1, 3, 1], letters=b"ae", time=-5, state=True),
        ["typed and erased before it was sent"])

    # A types "a", B "b" after it, A "c" after that: the runs refer back and forth.
    ring = dict(replicas=[replica(A, 2), replica(B, 1)],
        runs=[run(1, NOTHING, NOTHING, s=0), run(1, other(0, 1), NOTHING, s=1),
            run(1, other(1, 1), NOTHING, s=0)], stretches=[3], letters=b"abc", state=True)
    valid("a state whose runs refer back and forth", payload(**ring), shown("abc"), payload(**ring))

    dots = [dot(0, 1, 0, TITLE, sized("Über".encode())), dot(0, 2, 1, DATE, z(-86400000)),
        dot(0, 3, -1, MOOD, v(100)), dot(0, 4, 2, TAGS, sized(b"b")),
        dot(0, 5, 3, TAGS, sized(b"a")), dot(0, 6, 4, EMOTIONS, sized(b"joy") + v(70))]
    values = dict(replicas=[replica(A, 6, 1)], dots=dots, time=10)
    values_state = dict(values, replicas=[replica(A, 6)], state=True)
    all_shown = shown(title=[["Über", 10]], date=[[-86400000, 11]], mood=[[100, 9]],
        tags=[["a", 0], ["b", 0]], emotions=[["joy", 70]])
    valid("a value of every kind", payload(**values), all_shown, payload(**values_state))

    # B has not seen A's: both titles stay, the later is shown first; joy shows B's value.
    rival = dict(replicas=[replica(B, 3, 1)], dots=[dot(0, 1, 0, TITLE, sized(b"later")),
        dot(0, 3, 0, EMOTIONS, sized(b"joy") + v(5))], time=20)
    merged = [replica(A, 6), replica(B, 3)], dots + [dot(1, 1, 10, TITLE, sized(b"later")),
        dot(1, 3, 10, EMOTIONS, sized(b"joy") + v(5))]
    early = [dot(0, n, t - 10, f, x) for n, t, f, x in [(1, 0, TITLE, sized("Über".encode())),
        (2, 1, DATE, z(-86400000)), (3, -1, MOOD, v(100)), (4, 2, TAGS, sized(b"b")),
        (5, 3, TAGS, sized(b"a")), (6, 4, EMOTIONS, sized(b"joy") + v(70))]]
    late = [dot(1, 1, 0, TITLE, sized(b"later")), dot(1, 3, 0, EMOTIONS, sized(b"joy") + v(5))]
    valid("concurrent values, and one put and removed unseen", payload(**rival),
        dict(all_shown, title=[["later", 20], ["Über", 10]], emotions=[["joy", 5]]),
        payload(replicas=merged[0], dots=early + late, time=20, state=True),
        ["a value of every kind"])

    # C has seen A's: it overwrites the title, clears the mood and removes a tag.
    settle = payload(replicas=[replica(A, 0), replica(C, 3, 1)],
        dots=[dot(1, 1, 0, TITLE, sized(b""))], removed=[(0, 1), (0, 3), (0, 5)], time=5)
    rest = [d for i, d in enumerate(dots) if i in (1, 3, 5)]
    valid("overwritten, cleared, removed", settle,
        dict(all_shown, title=[["", 5]], mood=[], tags=[["b", 0]]),
        payload(replicas=[replica(A, 6), replica(C, 3)],
            dots=rest + [dot(1, 1, -5, TITLE, sized(b""))], time=10, state=True),
        ["a value of every kind"])
    valid("what was overwritten does not come back", payload(**values),
        dict(all_shown, title=[["", 5]], mood=[], tags=[["b", 0]]),
        payload(replicas=[replica(A, 6), replica(C, 3)],
            dots=rest + [dot(1, 1, -5, TITLE, sized(b""))], time=10, state=True),
        ["a value of every kind", "overwritten, cleared, removed"])

    gone = payload(replicas=[replica(A, 0), replica(B, 1, 1)], deleted=[(0, 5), (1, 1)], time=3000)
    gone_state = dict(state, replicas=[replica(A, 5), replica(B, 1)], deleted=[(0, 5), (1, 1)],
        time=3000)
    valid("deleted", gone, shown("hello", deleted=True), payload(**gone_state), ["a word typed"])
    valid("an edit that the delete has not seen", on, shown("hello!"),
        payload(**dict(gone_state, replicas=[replica(A, 6), replica(B, 1)],
            runs=[run(6, NOTHING, NOTHING, s=0)], stretches=[6], letters=b"hello!")),
        ["a word typed", "deleted"])


    # B erases "ell", A "lo" at the same time; then both take that back: the same characters are live again.
    b_erases = payload(replicas=[replica(A, 0), replica(B, 1, 1)], erased=[(0, 2, 3)], time=1100)
    a_erases = payload(replicas=[replica(A, 2, 6)], runs=[run(2, back(1), NOTHING, s=0)], stretches=[0, 2],
        erased=[(0, 4, 2)], time=1200)
    valid("erased by one", b_erases, shown("ho"), payload(**dict(state, replicas=[replica(A, 5),
        replica(B, 1)], stretches=[1, 3, 1], letters=b"ho", time=1100)), ["a word typed"])
    valid("erased by two; one's counters go on with the run", a_erases, shown("h"),
        payload(**dict(state, replicas=[replica(A, 7), replica(B, 1)],
            runs=[run(7, NOTHING, NOTHING, s=0)], stretches=[1, 6], letters=b"h", time=1200)),
        ["a word typed", "erased by one"])
    b_revives = payload(replicas=[replica(A, 0), replica(B, 1, 2)], turned=[(0, 2, 3, 2)], revived=b"ell",
        time=1300)
    revived = dict(state, replicas=[replica(A, 7), replica(B, 2)], runs=[run(7, NOTHING, NOTHING, s=0)],
        stretches=[4, 3], letters=b"hell", turned=[(0, 2, 3, 2)], time=1300)
    valid("revived by one", b_revives, shown("hell"), payload(**revived),
        ["a word typed", "erased by one", "erased by two; one's counters go on with the run"])
    a_revives = payload(replicas=[replica(A, 1, 8)], runs=[run(1, back(1), NOTHING, s=0)], stretches=[0, 1],
        turned=[(0, 4, 2, 2)], revived=b"lo", time=1400)
    both_revived = dict(state, replicas=[replica(A, 8), replica(B, 2)], runs=[run(8, NOTHING, NOTHING, s=0)],
        stretches=[5, 3], turned=[(0, 2, 4, 2)], time=1400)
    before = ["a word typed", "erased by one", "erased by two; one's counters go on with the run"]
    valid("revived by two: once", a_revives, shown("hello"), payload(**both_revived),
        before + ["revived by one"])
    valid("an erasure that a revival has seen comes again", b_erases, shown("hello"), payload(**both_revived),
        before + ["revived by one", "revived by two: once"])
    valid("a state with turns", payload(**both_revived), shown("hello"), payload(**both_revived))
    again = payload(replicas=[replica(A, 0), replica(B, 1, 3)], turned=[(0, 5, 1, 3)], time=1500)
    valid("erased once more", again, shown("hell"), payload(**dict(both_revived, replicas=[replica(A, 8),
        replica(B, 3)], stretches=[4, 4], letters=b"hell", turned=[(0, 2, 3, 2), (0, 5, 1, 3)], time=1500)),
        before + ["revived by one", "revived by two: once"])

    # Fields that this version does not read: 5 names a place, 6 a stretch with a value, 9 none at all.
    marks = dict(replicas=[replica(A, 0), replica(B, 3, 1)], time=7, dots=[
        dot(1, 1, 0, 5, unread(place(0, 3), data=b"here")),
        dot(1, 2, 0, 6, unread(place(0, 2, after=True), place(after=True), data=b"bold")),
        dot(1, 3, -1, 9, unread())])
    a, b, zeros = A.hex(), B.hex(), bytes(8).hex()
    here = [5, b, 1, 7, [[0, a, 3]], b"here".hex()]
    bold = [6, b, 2, 7, [[1, a, 2], [1, zeros, 0]], b"bold".hex()]
    other_one = [9, b, 3, 6, [], ""]
    marked = dict(state, replicas=[replica(A, 5), replica(B, 3)],
        dots=[dot(s, c, t - 993, f, x) for s, c, t, f, x in [
            (1, 1, 0, 5, unread(place(0, 3), data=b"here")),
            (1, 2, 0, 6, unread(place(0, 2, after=True), place(after=True), data=b"bold")),
            (1, 3, -1, 9, unread())]])
    valid("values of fields that are not read", payload(**marks),
        shown("hello", unread=[here, bold, other_one]), payload(**marked), ["a word typed"])
    valid("and again, as a state with them", payload(**marked),
        shown("hello", unread=[here, bold, other_one]), payload(**marked))
    unmark = payload(replicas=[replica(A, 0), replica(B, 0), replica(C, 2, 1)], erased=[(0, 3, 1)],
        removed=[(1, 2)], time=8)
    valid("one of them removed, and the character erased that another one names", unmark,
        shown("helo", unread=[here, other_one]),
        payload(**dict(marked, replicas=[replica(A, 5), replica(B, 3), replica(C, 2)],
            dots=[marked["dots"][0], marked["dots"][2]], stretches=[2, 1, 2], letters=b"helo")),
        ["a word typed", "values of fields that are not read"])

    # Field 7: the journal, a register that programs without it keep unread.
    def journal(data, *places):
        return unread(*places, data=data)
    c, work, home = C.hex(), [7, b, 1, 1500, [], b"work".hex()], [7, C.hex(), 1, 1400, [], "büro".encode().hex()]
    put = payload(replicas=[replica(B, 1, 1)], dots=[dot(0, 1, 0, 7, journal(b"work"))], time=1500)
    inside = dict(state, replicas=[replica(A, 5), replica(B, 1)], dots=[dot(1, 1, 0, 7, journal(b"work"))], time=1500)
    valid("a journal", put, shown("hello", unread=[work], journal="work"), payload(**inside), ["a word typed"])
    valid("and again, as a state in a journal", payload(**inside), shown("hello", unread=[work], journal="work"),
        payload(**inside))
    both = dict(inside, replicas=[replica(A, 5), replica(B, 1), replica(C, 1)],
        dots=[dot(1, 1, 0, 7, journal(b"work")), dot(2, 1, -100, 7, journal("büro".encode()))])
    valid("two journals at once: the later one is shown", payload(replicas=[replica(C, 1, 1)],
        dots=[dot(0, 1, 0, 7, journal("büro".encode()))], time=1400),
        shown("hello", unread=[work, home], journal="work"), payload(**both), ["a word typed", "a journal"])
    for name, data, places in [("not UTF-8", b"\xff", []), ("nothing", b"", []), ("129 bytes", b"j" * 129, []),
            ("at a place", b"there", [place()])]:
        other_places = [[0, zeros, 0]] if places else []
        strange = [7, c, 1, 1600, other_places, data.hex()]
        valid("a later journal that is " + name + " is not shown", payload(replicas=[replica(C, 1, 1)],
            dots=[dot(0, 1, 0, 7, journal(data, *places))], time=1600),
            shown("hello", unread=[strange, work], journal="work"),
            payload(**dict(both, dots=[dot(1, 1, -100, 7, journal(b"work")), dot(2, 1, 0, 7, journal(data, *places))],
                time=1600)), ["a word typed", "a journal"])
    valid("out of the journal", payload(replicas=[replica(B, 0), replica(C, 1, 1)], removed=[(0, 1)], time=1700),
        shown("hello", journal=""), payload(**dict(state, replicas=[replica(A, 5), replica(B, 1), replica(C, 1)],
            time=1700)), ["a word typed", "a journal"])


def make_invalid():
    word = dict(replicas=[replica(A, 5, 1)], runs=[run(5, NOTHING, NOTHING, s=0)], stretches=[5],
        letters=b"hello", time=1000)
    put = dict(replicas=[replica(A, 2, 1)], time=1)

    def spoiled(name, base=word, status="malformed", after=(), **changes):
        invalid(name, payload(**{**base, **changes}), status, after)
    invalid("nothing", b"")
    invalid("a version alone", b"\x01")
    invalid("cut short", payload(**word)[:-1])
    invalid("a byte too many", payload(**word) + b"\x00")
    spoiled("version 0", version=0)
    spoiled("version 2", version=2, status="unsupported")
    spoiled("turns that are not there", more=128)
    spoiled("a turn of 1, which is an erasure", stretches=[4, 1], letters=b"hell", turned=[(0, 5, 1, 1)])
    spoiled("a turn above all", stretches=[4, 1], letters=b"hell", turned=[(0, 5, 1, (1 << 31) + 1)])
    spoiled("an odd turn of a live character", turned=[(0, 5, 1, 3)])
    spoiled("an even turn of a dead character", stretches=[4, 1], letters=b"hell", turned=[(0, 5, 1, 2)])
    spoiled("two ranges of one turn that touch", turned=[(0, 1, 2, 2), (0, 3, 1, 2)])
    spoiled("a turn of a counter that is no character", replicas=[replica(A, 6, 1)], turned=[(0, 6, 1, 2)])
    spoiled("letters of a character that the runs have", turned=[(0, 5, 1, 2)], revived=b"o")
    old = dict(replicas=[replica(A, 0), replica(B, 1, 1)], time=1)
    spoiled("a revival without its letters", old, after=["a word typed"], turned=[(0, 4, 2, 2)], revived=b"l")
    spoiled("letters of an erasure", old, after=["a word typed"], turned=[(0, 4, 2, 3)], revived=b"lo")
    spoiled("letters that are not UTF-8", old, after=["a word typed"], turned=[(0, 5, 1, 2)], revived=b"\xff")
    spoiled("a revival of what is not known", old, after=["a word typed"], turned=[(0, 5, 2, 2)], revived=b"ox")
    spoiled("turns that go back", old, after=["a word typed"], turned=[(0, 5, 1, 3), (0, 2, 1, 3)])
    spoiled("letters without runs", runs=[])
    invalid("values that are none", b"\x01" + bytes([VALUES]) + v(0) + v(0) + v(0))
    invalid("runs that are none", b"\x01" + bytes([RUNS]) + v(0) + v(0) + v(0))
    spoiled("letters that are none", more=LETTERS, letters=b"")
    spoiled("a part that is not said to be there", less=LETTERS)
    invalid("a number that is not minimal", payload(**word).replace(v(2000), b"\xd0\x8f\x00", 1))
    invalid("a number above 64 bits", payload(**word)[:2] + b"\xff" * 9 + b"\x02" + payload(**word)[4:])
    invalid("more replicas than bytes", b"\x01\x00\x00\xff\x1f")
    spoiled("replicas that do not ascend", replicas=[replica(B, 5, 1), replica(A, 1, 1)])
    spoiled("a replica twice", replicas=[replica(A, 5, 1), replica(A, 5, 1)])
    spoiled("covered from 0", put, replicas=[replica(A, 2, 0)])
    spoiled("covered past the greatest counter", replicas=[replica(A, (1 << 40) - 1, 2)],
        after=["a word typed"])
    spoiled("a gap", replicas=[replica(A, 5, 2)])
    spoiled("a gap after what was seen", replicas=[replica(A, 5, 7)], after=["a word typed"])
    spoiled("a state with a replica that wrote nothing", state=True,
        replicas=[replica(A, 5), replica(B, 0)])
    spoiled("a run of no length", runs=[run(0, NOTHING, NOTHING, s=0)], stretches=[], letters=b"")
    spoiled("a run above 2^30 characters", replicas=[replica(A, 1 << 31, 1)], letters=b"",
        runs=[run((1 << 30) + 1, NOTHING, NOTHING, s=0)], stretches=[0, (1 << 30) + 1])
    spoiled("a run past what is covered", replicas=[replica(A, 4, 1)])
    spoiled("a gap that leads past what is covered", runs=[run(5, NOTHING, NOTHING, s=0, gap=1)])
    spoiled("a run of no replica", runs=[run(5, NOTHING, NOTHING, s=1)])
    spoiled("a turn of no run", turns=[[0, 0], [0, 1]])
    spoiled("a turn of more runs than there are", turns=[[0, 2]])
    spoiled("two turns of one replica", turns=[[0, 1], [0, 1]],
        runs=[run(3, NOTHING, NOTHING, s=0), run(2, NOTHING, NOTHING)])
    spoiled("a run in two pieces", runs=[run(3, NOTHING, NOTHING, s=0), run(2, back(1), NOTHING)])
    two = dict(replicas=[replica(A, 1, 1), replica(B, 1, 1)], stretches=[2], letters=b"ab",
        turns=[[1, 1], [0, 1]], runs=[run(1, NOTHING, NOTHING), run(1, NOTHING, NOTHING)])
    spoiled("runs in another order than that of the replicas", two)
    spoiled("a run that is written before another needs it", dict(two, turns=None,
        replicas=[replica(A, 2, 1), replica(B, 3, 1)], stretches=[4], letters=b"abcd",
        runs=[run(1, NOTHING, NOTHING, s=0), run(1, other(0, 1), NOTHING, s=1),
            run(1, NOTHING, NOTHING, gap=1), run(1, other(1, 1), NOTHING, s=0)]))
    spoiled("a replica that nothing names", replicas=[replica(A, 5, 1), replica(B, 0)])
    spoiled("a state that refers to what it does not hold", after=["a word typed"], state=True,
        replicas=[replica(A, 2), replica(B, 1)], stretches=[1], letters=b"b",
        runs=[run(1, other(0, 5), NOTHING, s=1)])
    spoiled("a left child of nothing", runs=[run(5, NOTHING, s=0)])
    spoiled("a right child whose right neighbour is its parent", after=["a word typed"],
        replicas=[replica(A, 1, 6)], runs=[run(1, back(1), back(1), s=0)], stretches=[1], letters=b"!")
    spoiled("a reference before counter 1", runs=[run(5, back(1), NOTHING, s=0)])
    spoiled("a reference to a replica that is not there",
        runs=[run(5, other(7, 1), NOTHING, s=0)])
    spoiled("a reference to its own replica as to another", after=["a word typed"],
        replicas=[replica(A, 1, 6)], runs=[run(1, other(0, 5), NOTHING, s=0)], stretches=[1],
        letters=b"!")
    spoiled("a parent that was never seen", replicas=[replica(A, 0), replica(B, 1, 1)],
        runs=[run(1, other(0, 6), NOTHING, s=1)], stretches=[1], letters=b"!",
        after=["a word typed"])
    spoiled("a right neighbour that was never seen", replicas=[replica(A, 0), replica(B, 1, 1)],
        runs=[run(1, NOTHING, other(0, 6), s=1)], stretches=[1], letters=b"!",
        after=["a word typed"])
    spoiled("a parent that comes later in the payload",
        replicas=[replica(A, 1, 1), replica(B, 1, 1)],
        runs=[run(1, other(1, 1), NOTHING, s=0), run(1, NOTHING, NOTHING, s=1)], stretches=[2],
        letters=b"ab")
    spoiled("two that are each other's parent", replicas=[replica(A, 1, 1), replica(B, 1, 1)],
        runs=[run(1, other(1, 1), NOTHING, s=0), run(1, other(0, 1), NOTHING, s=1)],
        stretches=[2], letters=b"ab")
    spoiled("a parent that is no character", replicas=[replica(A, 0), replica(B, 1, 1)],
        runs=[run(1, other(0, 1), NOTHING, s=1)], stretches=[1], letters=b"!",
        after=["a value of every kind"])
    spoiled("characters where the reader has seen none", after=["a value of every kind"])
    spoiled("stretches that are too long", stretches=[6])
    spoiled("stretches that are too short", stretches=[4])
    spoiled("an empty stretch in between", stretches=[2, 0, 3])
    spoiled("a letter too few", letters=b"hell")
    spoiled("a letter too many", letters=b"hello!")
    for name, letters in [("an overlong form", b"hell\xc1\xaf"), ("a surrogate", b"hell\xed\xa0\x80"),
            ("above U+10FFFF", b"hell\xf4\x90\x80\x80"), ("half a sequence", b"hell\xc3")]:
        spoiled("letters with " + name, letters=letters)
    spoiled("a dot that is not covered", put, dots=[dot(0, 3, 0, MOOD, v(1))])
    spoiled("a dot with counter 0", put, dots=[dot(0, 0, 0, MOOD, v(1))])
    spoiled("a dot twice", put, dots=[dot(0, 1, 0, MOOD, v(1)), dot(0, 1, 0, MOOD, v(1))])
    spoiled("dots that do not ascend", put, dots=[dot(0, 2, 0, MOOD, v(1)), dot(0, 1, 0, MOOD, v(1))])
    spoiled("a field that cannot be kept unread", put, dots=[dot(0, 1, 0, 128, unread())],
        status="unsupported")
    spoiled("a field that is not read, with five places", put,
        dots=[dot(0, 1, 0, 5, unread(*[place()] * 5))])
    spoiled("a place at a character that was never seen", put, after=["a word typed"],
        dots=[dot(0, 1, 0, 5, unread(place(0, 6)))])
    spoiled("a place at what is no character", put, dots=[dot(0, 1, 0, 5, unread(place(0, 2)))])
    spoiled("a place in no replica", put, dots=[dot(0, 1, 0, 5, unread(place(1, 1)))])
    spoiled("1025 bytes of a field that is not read", put, dots=[dot(0, 1, 0, 5, unread(data=bytes(1025)))])
    spoiled("a mood above 100", put, dots=[dot(0, 1, 0, MOOD, v(101))])
    spoiled("an intensity above 100", put, dots=[dot(0, 1, 0, EMOTIONS, sized(b"joy") + v(101))])
    spoiled("a title above 1024 bytes", put, dots=[dot(0, 1, 0, TITLE, sized(b"x" * 1025))])
    spoiled("a title that is not UTF-8", put, dots=[dot(0, 1, 0, TITLE, sized(b"\xff"))])
    spoiled("an element without a name", put, dots=[dot(0, 1, 0, TAGS, sized(b""))])
    spoiled("a name above 128 bytes", put, dots=[dot(0, 1, 0, TAGS, sized(b"x" * 129))])
    spoiled("erased what was never seen", put, erased=[(0, 1, 1)])
    spoiled("erased past the end of what there is", put, erased=[(0, 4, 3)], after=["a word typed"])
    spoiled("erased nothing", put, erased=[(0, 1, 0)], after=["a word typed"])
    spoiled("erased ranges that touch", put, erased=[(0, 1, 1), (0, 2, 1)], after=["a word typed"])
    spoiled("removed what was never seen", put, removed=[(0, 3)])
    spoiled("removed twice", put, removed=[(0, 1), (0, 1)])
    spoiled("deleted what was never seen", put, deleted=[(0, 3)])
    spoiled("deleted a replica twice", put, deleted=[(0, 1), (0, 2)])
    spoiled("a replica that was never seen, deleted",
        replicas=[replica(A, 5, 1), replica(B, 0)], deleted=[(1, 1)])
    spoiled("a state with erased ranges", state=True, replicas=[replica(A, 5)], erased=[(0, 1, 1)])
    spoiled("a state with removed values", state=True, replicas=[replica(A, 5)], removed=[(0, 1)])


def main():
    make_valid()
    make_invalid()
    text = json.dumps({"about": "protocol/document.md in bytes. A valid vector is merged into a new "
        "document after those that `after` names; then the document shows this (registers with their "
        "times, elements with their values), has this canonical form and this state. An invalid one "
        "is refused with the status, and nothing has changed.", "valid": VALID, "invalid": INVALID},
        indent=1, ensure_ascii=False) + "\n"
    if len(sys.argv) > 2:
        same = pathlib.Path(sys.argv[2]).read_text(encoding="utf-8") == text
        print("1..1\n" + ("ok" if same else "not ok") + " 1 - the vectors are what document.md says")
        return 0 if same else 1
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
