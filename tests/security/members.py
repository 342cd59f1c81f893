"""Attacks by an enrolled device, as by a thief of one, on its own user and on others, beside honest devices.

usage: FILE QUIRED QUIRE_LOAD
"""
import os
import sys
import time

import attacker
from attacker import Account, ERROR, WELCOME, beside, logged_in, session
from server_harness import Server, wait_for

ROSTER_APPEND, ROSTER_DONE, PING, SUB, PAIR = 40, 42, 60, 10, 45


def append(one, account, records, prev=None):
    """ROSTER_APPEND; the answer."""
    one.say(ROSTER_APPEND, prev or account.hashes[len(account.hashes) - len(records) - 1], records)
    return one.hear_of(ROSTER_DONE)


def test_refused_appends_of_one_device_keep_no_other_from_revoking():
    """S2: 60 refused appends used up the user's hour, and the owner could not revoke."""
    with Server() as server:
        account = Account(devices=2)
        thief, owner = logged_in(server, account, 1), logged_in(server, account, 0)
        codes = []
        for _ in range(70):
            answer = append(thief, account, [b"junk"], prev=account.hashes[-1])
            codes.append(answer[1])
        assert codes[0] == 1 and codes[-1] == 11, codes
        record = account.append(3, account.devices[1][0] + b"\0\0", *account.devices[0])
        answer = append(owner, account, [record])
        assert answer[0] == ROSTER_DONE, answer
        assert thief.until_closed() is not None, "the thief is told and closed"
        # And the root, which has no share in what a device uses up.
        with session(server) as root:
            assert root.login(account, None)[0] == WELCOME


def test_connections_of_one_device_keep_no_other_out():
    """S2: 40 connections of the stolen device, and the owner was told to come back later."""
    with Server() as server:
        account = Account(devices=2)
        logged_in(server, account, 0).socket.close()
        thief = []

        def attack(stop):
            thief.append(logged_in(server, account, 1))
            stop.wait(0.01)
        beside(server, "connections of one device", attack, threads=2)
        owner = logged_in(server, account, 0)
        owner.say(PING, False, 7)
        assert owner.hear_of(PING) == [PING, True, 7]
        health = server.health()
        assert health["connections_replaced"] > 0 and health["connections_ready"] <= 41, health
        assert "a newer connection of the device took its place" in server.log()
        for one in thief:
            one.socket.close()


def test_pings_have_a_rate():
    """S14: a flood of PINGs took the loop's time: honest p50 2.7 → 77 ms."""
    with Server() as server:
        account = Account()
        logged_in(server, account).socket.close()
        frame = attacker.pack([PING, False, 1])
        message = bytes([0x82, 0x80 | len(frame)]) + bytes(4) + frame

        def attack(stop):
            one = logged_in(server, account)
            while not stop.is_set():
                one.socket.sendall(message * 200)
                one.socket.settimeout(0.001)
                try:
                    while one.socket.recv(1 << 16):
                        pass
                    raise ConnectionError("closed")
                except TimeoutError:
                    one.socket.settimeout(10)
        beside(server, "PINGs", attack, threads=2)
        assert server.health()["rate_limited"] > 0


def test_mailboxes_are_few_per_user():
    """S8: 26 accounts took all 1,024 mailboxes, for ever."""
    with Server() as server:
        account = Account()
        held = [logged_in(server, account) for _ in range(8)]
        for one in held:
            one.say(PAIR, 0, os.urandom(16), b"")
        closed = 0
        for one in held:
            one.socket.settimeout(0.5)
            try:
                frame = one.hear_of(PAIR)
                closed += frame is not None and frame[:2] == [PAIR, 3]
            except TimeoutError:
                pass
        assert closed == 6, closed
        for one in held:
            one.socket.close()


def test_subs_of_one_device_leave_others_a_share():
    """S2: a SUB may read a whole log; the user's budget of them was one device's to use up."""
    with Server("--subs-burst", "20", "--subs-per-minute", "1") as server:
        account = Account(devices=2)
        owner = logged_in(server, account, 0)
        with session(server) as thief:
            assert thief.login(account, 1)[0] == WELCOME
            for _ in range(40):
                thief.say(SUB, 0, None, [])
            frames = [attacker.unpack(message) for message in thief.until_closed()]
            assert frames[-1][0] == ERROR and frames[-1][1] == 11, frames[-1]
        owner.say(SUB, 0, None, [])
        answer = owner.hear_of(11)
        assert answer[0] == 11, answer


def test_each_refusal_has_its_code_its_cause_and_one_line():
    """K: one AUTH for unlike reasons, and nothing in the log."""
    with Server() as server:
        account = Account()
        logged_in(server, account).socket.close()
        stranger, closed = Account(), []
        for name, account_of, device, count, code in (("unknown account", stranger, 0, 0, 17),):
            with session(server) as one:
                answer = one.hello(account_of, device, count)
                closed.append((name, answer[1], code))
        with session(server) as one:  # a device that the roster does not list
            one.hello(account, 0)
            account.devices.append((os.urandom(16), account.devices[0][1]))
        with session(server) as one:
            one.hello(account, 1)
            one.auth()
            closed.append(("unknown device", one.hear_of(WELCOME)[1], 19))
        with session(server) as one:  # a proxy that drops the port from Host
            one.hello(account, 0)
            one.auth(host="localhost:7433")
            answer = one.hear_of(WELCOME)
            closed.append(("another host", answer[1], 3))
            assert answer[6] == b"localhost", "what the server saw, for the client to compare"
        assert all(code == expected for _, code, expected in closed), closed
        wait_for(lambda: server.log().count("event=refused ") == 3)
        for cause in ("the account is not on this server", "the device is not on the account's roster",
                "its signature does not hold"):
            assert server.log().count(cause) == 1, (cause, server.log())
    with Server("--registration", "closed") as server:
        with session(server) as one:
            assert one.login(Account())[1] == 18


def test_a_flood_of_refusals_is_a_few_lines():
    """K, R: a line for each refusal would let a stranger fill the disk."""
    with Server() as server:
        for _ in range(300):
            with session(server) as one:
                one.send(b"\xc1")
                one.until_closed()
        lines = server.log().count("event=refused ")
        assert 50 <= lines <= 150, lines
        time.sleep(0.3)
        with session(server) as one:
            one.send(b"\xc1")
            one.until_closed()
        wait_for(lambda: "event=refused_more" in server.log())


attacker.run(globals(), sys.argv)
