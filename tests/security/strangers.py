"""Attacks by strangers, who have no account or one that they just made, beside honest devices.

usage: FILE QUIRED QUIRE_LOAD QUIRECTL
"""
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import attacker
from attacker import Account, ERROR, WELCOME, beside, logged_in, session
from server_harness import Server, WebSocket, status_of, upgrade_request, wait_for


def test_half_sent_messages_of_strangers_take_little_memory():
    """S5: without the limit, 516 half-sent messages of 512 KiB held 322 MB, and honest ones were closed."""
    with Server() as server:
        before, held, closed = server.memory_kb(), [], []

        def attack(stop):
            one = WebSocket(server)
            held.append(one)
            for part in range(8):
                one.send(b"a" * 60 * 1024, opcode=0 if part else 2, final=False)
            stop.wait(0.005)
        beside(server, "half-sent messages", attack, threads=4)
        grown = server.memory_kb() - before
        print(f"# {len(held)} connections, {grown} kB grown")
        assert grown < 40_000, grown
        for one in held:
            one.socket.close()
        # One that grows beyond what a stranger may send is closed as soon as it does.
        with WebSocket(server) as one:
            one.send(b"a" * 30 * 1024, opcode=2, final=False)
            one.until_closed()
            assert one.closed_with == 1009, one.closed_with


def test_offered_rosters_are_bounded_per_address_and_the_largest_goes_first():
    """S5: AUTH may bring 256 KiB: half-sent, they are bounded for each address."""
    with Server("--limit-loopback", "--connections-per-minute-per-address", "0") as server:
        account, held = Account(), []
        for _ in range(12):
            one = session(server)
            assert one.hello(account)[0] == attacker.CHALLENGE
            one.send(b"\xc6" * 200 * 1024, opcode=2, final=False)
            held.append(one)
        wait_for(lambda: server.health()["messages_dropped_for_room"] > 0)
        for one in held:
            one.socket.settimeout(0.2)
        closed = 0
        for one in held:
            try:
                one.until_closed()
                closed += one.closed_with == 1013
            except TimeoutError:
                pass
        assert closed >= 7, f"1 MiB holds five of them, {closed} were closed"


def test_rosters_of_strangers_wait_behind_members():
    """S6: 1,000 signatures for one AUTH, the last one wrong; honest pushes waited for all of them."""
    with Server() as server:
        account = Account()
        for _ in range(120):
            device, _ = account.add()
            account.revoke(device)
        records = account.records[:-1] + [account.records[-1][:-1] + bytes([account.records[-1][-1] ^ 1])]
        print(f"# {len(records)} records, {sum(map(len, records))} bytes")

        def attack(stop):
            with session(server) as one:
                one.hello(account)
                one.auth(records)
                answer = one.hear_of(WELCOME)
                assert answer[0] == ERROR and answer[1] in (3, 11, 14), answer
        beside(server, "rosters of strangers", attack, threads=12)
        assert server.health()["pending_stranger_jobs"] <= 8192


def test_a_wrong_signature_costs_one_verification_whatever_comes_with_it():
    """S6: AUTH's own signature is checked before the records."""
    with Server() as server:
        account, other = Account(), attacker.Key()
        with session(server) as one:
            one.hello(account)
            one.auth(account.records, key=other)
            answer = one.hear_of(WELCOME)
            assert answer[0] == ERROR and answer[1] == 3, answer
            assert answer[6] == b"localhost", "the Host that the server saw"
        assert server.health()["accounts_made"] == 0
        logged_in(server, account).socket.close()
        assert server.health()["accounts_made"] == 1


def test_silent_handshakes_are_capped_and_end_without_a_stall():
    """S9: 10,000 silent TLS handshakes stood in a sorted list and ended all at once: 4 to 8 s."""
    with Server("--handshake-ms", "3000", "--connections", "4000", tls=True) as server:
        held, slowest = [], 0.0
        for _ in range(1200):
            try:
                held.append(socket.create_connection(("127.0.0.1", server.port), 5))
            except OSError:
                break
        end = time.monotonic() + 5
        while time.monotonic() < end:  # over the moment at which they are given up
            began = time.monotonic()
            health = server.health()
            slowest = max(slowest, time.monotonic() - began)
            assert health["guests"] <= 260, health["guests"]
            time.sleep(0.05)
        print(f"# {len(held)} silent handshakes, slowest answer {1000 * slowest:.0f} ms, "
            f"{server.health()['guests_refused']} made room")
        assert server.health()["guests"] < 10 and slowest < 3
        for one in held:
            one.close()


def test_a_silent_connection_does_not_get_its_token_back():
    """S10: one that was closed for its silence counted as one that had proved who it was."""
    with Server("--limit-loopback", "--connections-per-minute-per-address", "5", "--handshake-ms", "500") as server:
        for _ in range(4):
            with WebSocket(server) as one:
                one.until_closed()
                assert one.closed_with == 1008
        account = Account()
        for _ in range(20):  # the fifth token comes back each time: it proves which device it is
            logged_in(server, account).socket.close()
            time.sleep(0.05)
        with WebSocket(server):
            pass
        time.sleep(0.1)
        assert status_of(server.request(upgrade_request())) == 503, "no token is left"


def test_behind_a_proxy_the_address_is_the_forwarded_one():
    """S10: behind a proxy every stranger was loopback, and exempt."""
    options = "--trust-forwarded", "--connections-per-minute-per-address", "3"
    with Server(*options) as server:
        def status(address):
            return status_of(server.request(upgrade_request(X_Forwarded_For=address), 0.4))
        answers = [status("10.1.1.1, 203.0.113.7") for _ in range(5)]
        assert answers.count(503) >= 2 and answers[0] == 101, answers
        assert status("203.0.113.7, 203.0.113.8") == 101, "the last one is what the proxy saw"
        assert status("unknown") == 101
    with Server(*options[1:]) as server:  # without the option the header is a stranger's word
        assert all(status_of(server.request(upgrade_request(X_Forwarded_For="203.0.113.7"), 0.4)) == 101 for _ in range(5))


def version_2(address, command=0x21):
    body = socket.inet_aton(address) + socket.inet_aton("192.0.2.1") + struct.pack(">HH", 1, 2)
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack(">BBH", command, 0x11, len(body)) + body


def test_a_proxy_header_names_the_client():
    """S10: behind a proxy that passes TLS on, each client had the proxy's address, and no limit held."""
    options = "--proxy-protocol", "127.0.0.1", "--connections-per-minute-per-address", "3", "--handshake-ms", "1000"
    line = "PROXY TCP4 {} 192.0.2.1 56324 443\r\n"
    with Server(*options) as server:
        def answer(header, pieces=1, request=upgrade_request()):
            data = header + request.encode()
            with server.connect(3) as connection:
                try:
                    for i in range(pieces):
                        connection.sendall(data[len(data) * i // pieces:len(data) * (i + 1) // pieces])
                        time.sleep(0.005 if pieces > 1 else 0)
                    return connection.recv(200).decode("latin-1")
                except (ConnectionError, BrokenPipeError):
                    return ""
        for header in (lambda address: line.format(address).encode(), version_2):
            client = "203.0.113.7" if header is version_2 else "203.0.113.8"
            answers = [status_of(answer(header(client), 40 if i == 0 else 1)) for i in range(5)]
            assert answers[:3] == [101] * 3 and answers[3:] == [503] * 2, answers
        assert status_of(answer(version_2("203.0.113.7", command=0x20))) == 101, "the proxy's own request"
        health = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        assert answer(line.format("127.0.0.1").encode(), request=health).endswith('{"status":"ok"}\n')
        for wrong in (b"", b"PROXY TCP4 203.0.113.9\r\n", b"PROXY " + b"x" * 200, b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\0",
                b"\x16\x03\x01" + b"a" * 40):
            assert answer(wrong) == "", wrong
        cpu = server.cpu_seconds()
        with server.connect(5) as half, server.connect(5) as ended:
            half.sendall(b"PROXY TCP4 203")
            ended.sendall(b"PROXY TCP4 203")
            ended.shutdown(socket.SHUT_WR)
            for one in (ended, half):  # a header that does not come is not waited for
                try:
                    assert one.recv(10) == b""
                except ConnectionResetError:
                    pass
        assert server.cpu_seconds() - cpu < 0.5, "half a header kept the loop busy"
        assert "PROXY header" in server.log()
    # Without the option, and from an address that is no proxy, a header is a stranger's word.
    for other in (options[2:], ("--proxy-protocol", "192.0.2.1", *options[2:])):
        with Server(*other) as server:
            for _ in range(5):
                answer = status_of(server.request(line.format("203.0.113.7") + upgrade_request(), 0.4))
                assert answer != 503, "a stranger chose the address that is counted"
            assert status_of(server.request(upgrade_request(), 0.4)) == 101


def test_behind_a_proxy_header_a_token_comes_back_after_auth_alone():
    """S10, as for connections without a proxy."""
    options = "--proxy-protocol", "127.0.0.1,::1", "--connections-per-minute-per-address", "4", "--handshake-ms", "500"
    with Server(*options) as server:
        server.preamble = b"PROXY TCP4 203.0.113.7 192.0.2.1 1 2\r\n"
        for _ in range(3):
            with WebSocket(server) as one:
                one.until_closed()
        account = Account()
        for _ in range(12):
            logged_in(server, account).socket.close()
            time.sleep(0.05)
        with WebSocket(server):
            pass
        time.sleep(0.1)
        assert status_of(server.request(upgrade_request())) == 503, "no token is left"
        server.preamble = b"PROXY UNKNOWN\r\n"


def test_healthz_tells_a_stranger_only_whether_it_serves():
    """S11: exact counts told when a user writes."""
    with Server() as server:
        for header in ("X-Forwarded-For: 203.0.113.7", "Forwarded: for=203.0.113.7", "Via: 1.1 proxy", "X-Real-IP: 203.0.113.7"):
            answer = server.request(f"GET /healthz HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n")
            assert answer.split("\r\n\r\n", 1)[1] == '{"status":"ok"}\n', answer
        assert server.health()["last_lsn"] == 0


def test_new_accounts_of_one_address_are_bounded():
    """S7: accounts cost nothing, and nothing bounded them."""
    with Server("--limit-loopback", "--connections-per-minute-per-address", "0", "--accounts-per-hour-per-address", "3") as server:
        answers = []
        for _ in range(5):
            with session(server) as one:
                answers.append(one.login(Account()))
        assert [answer[0] for answer in answers] == [WELCOME] * 3 + [ERROR] * 2, answers
        assert answers[3][1] == 11 and answers[3][3] > 60_000, "RATE, with the time to wait"
        assert server.health()["accounts_refused"] == 2
        assert "too many new accounts from this address" in server.log()


def test_registration_by_invitation_takes_those_that_are_listed():
    """S7: open or closed was all the choice there was."""
    with Server("--registration", "invite") as server:
        account, other = Account(), Account()
        with session(server) as one:
            answer = one.login(account)
            assert answer[0] == ERROR and answer[1] == 18, answer
        wait_for(lambda: f"account={account.user.hex()[:16]}" in server.log())
        with open(os.path.join(server.data, "invitations"), "w") as file:
            file.write(f"# friends\n{account.user.hex()[:16]}  Ann\n{other.user.hex()[:8]}\n")
        logged_in(server, account).socket.close()
        with session(server) as one:
            assert one.login(other)[1] == 18, "eight digits are too few"


def test_an_account_can_be_removed_and_invited():
    """S7: nothing removed what strangers had filled the store with."""
    def ctl(*arguments):
        return subprocess.run([sys.argv[3], *arguments], capture_output=True, text=True, timeout=60)
    folder = tempfile.mkdtemp(prefix="quired-remove-")
    try:
        accounts = [Account() for _ in range(3)]
        with Server(data=folder) as server:
            for account in accounts:
                logged_in(server, account).socket.close()
            assert ctl("verify", folder).returncode == 1, "it is running"
        for index in (1, 2):  # in the middle of the log, and at its end
            name = accounts[index].user.hex()[:16]
            asked = ctl("remove", folder, name)
            assert asked.returncode == 1 and "--yes" in asked.stderr, asked
            done = ctl("remove", folder, name, "--yes")
            assert done.returncode == 0 and "3 records" in done.stdout, done
            assert ctl("remove", folder, name, "--yes").returncode == 1, "it is gone"
            verified = ctl("verify", folder)
            assert verified.returncode == 0 and " 0 bad" in verified.stdout, verified
        assert ctl("remove", folder, "abc", "--yes").returncode == 2
        with Server("--registration", "invite", data=folder) as server:
            logged_in(server, accounts[0]).socket.close()
            with session(server) as one:
                assert one.login(accounts[1])[1] == 18, "gone, and not invited"
            invited = ctl("invite", folder, accounts[1].user.hex()[:16])
            assert invited.returncode == 0, invited
            logged_in(server, accounts[1]).socket.close()
            wait_for(lambda: server.health()["last_lsn"] >= 6)
            server.process.kill()  # what came after the removal is rebuilt from the log
            server.expect = None
        with Server("--registration", "closed", data=folder) as server:
            for index, code in ((0, None), (1, None), (2, 18)):
                with session(server) as one:
                    answer = one.login(accounts[index])
                    assert answer[0] == WELCOME if code is None else answer[1] == code, (index, answer)
        verified = ctl("verify", folder)
        assert verified.returncode == 0 and "2 accounts" in verified.stdout, verified
    finally:
        shutil.rmtree(folder)


def test_a_log_that_is_not_read_stops_nothing():
    """S14: a blocked standard error stopped the loop, and SIGTERM with it."""
    reader, writer = os.pipe()
    server = Server("--log-level", "debug", stderr=writer)
    os.close(writer)
    with server:
        for _ in range(1000):  # far more lines than a pipe holds
            with WebSocket(server) as one:
                one.send(b"\xc1")
                one.until_closed()
        assert server.health()["status"] == "ok"
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(15) == 0
        assert time.monotonic() - began < 12
    os.close(reader)


def test_a_full_server_says_so_and_counts_it():
    """R: a connection for which none was free was reset, and nothing said so."""
    with Server("--connections", "2") as server:
        held = [WebSocket(server) for _ in range(2)]
        with WebSocket(server) as one:
            messages = one.until_closed()
            assert attacker.unpack(messages[0])[1] == 14 and attacker.unpack(messages[0])[3] > 0
        many = [server.connect() for _ in range(60)]
        answers = []
        for one in many:
            one.settimeout(0.3)
            try:
                answers.append(one.recv(4096).decode())
            except (TimeoutError, ConnectionError):
                answers.append("")
        assert any("503" in answer and "retry-after" in answer for answer in answers), answers
        for one in many + [one.socket for one in held]:
            one.close()
        wait_for(lambda: status_of(server.request("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")) == 200)
        assert server.health()["connections_refused"] > 0
        assert "no connection is free" in server.log()


def test_every_listen_counts_and_the_ipv6_one_serves_ipv4():
    """M: a second --listen silently replaced the first, and [::] served IPv6 alone."""
    with Server("--listen", "localhost:0", "--listen", "[::1]:0") as server:
        ports = set()
        with open(f"/proc/{server.process.pid}/net/tcp") as table:
            inode = {os.readlink(f"/proc/{server.process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{server.process.pid}/fd")}
            ports |= {line.split()[1] for line in table if f"socket:[{line.split()[9]}]" in inode and line.split()[3] == "0A"}
        assert len(ports) >= 2, ports
    with Server("--listen", "[::]:0", listen=None, tls=True) as server:
        assert server.health()["status"] == "ok", "over 127.0.0.1"


attacker.run(globals(), sys.argv)
