"""What the server does with requests, good and bad, before anybody has said who they are."""
import hashlib
import socket
import ssl
import sys
import time

from server_harness import Server, hello, read_all, run, status_of, upgrade_request, wait_for


def test_healthz_tells_numbers_and_nothing_else():
    with Server() as server:
        health = server.health()
        assert health["http"] == 200 and health["status"] == "ok", health
        assert health["last_lsn"] == 0 and health["connections"] == 0, health
        assert health["open_files_max"] > 0 and health["connections_max"] > 0, health
        assert all(isinstance(value, int) for name, value in health.items() if name not in ("status", "version"))


def test_anything_but_the_two_requests_is_refused():
    with Server() as server:
        def status(text):
            return status_of(server.request(text))
        host = "Host: localhost\r\n"
        assert status(f"GET / HTTP/1.1\r\n{host}\r\n") == 404
        assert status(f"GET /healthz/../quire HTTP/1.1\r\n{host}\r\n") == 404
        assert status(f"GET /quire HTTP/1.1\r\n{host}\r\n") == 404, "no upgrade"
        assert status(f"POST /healthz HTTP/1.1\r\n{host}Content-Length: 1\r\n\r\nx") == 400
        assert status(f"GET /healthz HTTP/1.1\r\n{host}Content-Length: -5\r\n\r\n") == 400
        assert status(f"GET /healthz HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n") == 400
        assert status(f"OPTIONS /healthz HTTP/1.1\r\n{host}\r\n") == 405
        assert status("CONNECT localhost:1 HTTP/1.1\r\n\r\n") != 200
        assert status("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") != 101
        assert server.health()["status"] == "ok"


def test_a_bad_upgrade_is_refused_and_a_good_one_taken():
    with Server() as server:
        def status(**changes):
            return status_of(server.request(upgrade_request(**changes)))
        assert status(path="/") == 404
        assert status(path="/quire/") == 404
        assert status(method="POST") == 400
        assert status(Sec_WebSocket_Protocol=None) == 400
        assert status(Sec_WebSocket_Protocol="quire.2") == 400
        assert status(Sec_WebSocket_Version="8") == 426
        assert status(Sec_WebSocket_Version=None) == 426
        assert status(Sec_WebSocket_Key=None) == 400
        assert status(Content_Length="3") == 400
        assert status(Content_Length="-1") == 400
        assert status(Upgrade="h2c", HTTP2_Settings="AAMAAABkAAQAAP__") in (0, 403)
        assert status(Upgrade="h2c") in (0, 403)
        assert status(Upgrade="somethingelse") in (0, 403)
        assert status(Upgrade="websocket, h2c") in (0, 403)
        with server.websocket(Sec_WebSocket_Protocol="other, quire.1",
                Sec_WebSocket_Extensions="permessage-deflate") as connection:
            connection.send(hello())
            assert connection.until_closed(), "the hub answers"
        assert server.health()["status"] == "ok"


def test_only_names_of_the_server_may_have_been_dialled():
    with Server("--host", "journal.example") as server:
        for host in ["localhost", "localhost:7433", "127.0.0.1:1", "[::1]", "[::1]:443", "LOCALHOST",
                "journal.example", "Journal.Example:8443", socket.gethostname()]:
            with server.websocket(host=host):
                pass
        for host in ["evil.example", "journal.example.evil.example", "localhost:", "localhost:x", "localhost:123456",
                "localhost.", "", "127.0.0.2", "[::2]", "a" * 300, None]:
            changes = {"Host": None} if host is None else {"host": host}
            assert status_of(server.request(upgrade_request(**changes))) in (0, 400, 421), host
        assert status_of(server.request(upgrade_request(host="evil.example"))) == 421


def test_garbage_and_half_requests_harm_nobody():
    with Server() as server:
        for garbage in [b"\x00" * 5000, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET", b"\r\n\r\n\r\n",
                b"GET /quire HTTP/1.1\r\n" + b"X: " + b"a" * 20000 + b"\r\n\r\n",
                b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n", b"GET /quire HTTP/1.1\r\n" + b"A: b\r\n" * 3000 + b"\r\n",
                b"\xff\xfe\xfd" * 100, b"GET /healthz HTTP/1.1\nHost: a\n\n", b"G\x00T /healthz HTTP/1.1\r\n\r\n"]:
            with server.connect() as connection:
                try:
                    connection.sendall(garbage)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(4096):
                        pass
                except OSError:
                    pass
        assert server.health()["status"] == "ok"


def test_a_frame_that_is_not_ours_ends_the_connection():
    with Server() as server:
        def closes(payload, **options):
            with server.websocket() as connection:
                connection.send(payload, **options)
                connection.until_closed()
                return connection.closed_with
        assert closes(b"hello", opcode=1) == 1003, "text"
        assert closes(b"\xc1") == 1008, "not msgpack"
        assert closes(b"\xdd\x7f\xff\xff\xff") == 1008, "an array of two thousand million"
        assert closes(bytes([0x91] * 2000)) == 1008, "deep"
        assert closes(hello()[:-1]) == 1008, "cut short"
        assert closes(b"a" * (512 * 1024 + 1)) == 1009, "too large"
        assert closes(hello()) == 1008, "an account that is not there"
        health = server.health()
        assert health["status"] == "ok" and health["frames_malformed"] >= 4 and health["connections"] == 0, health


def test_a_message_in_pieces_is_one_message_and_too_many_pieces_are_refused():
    with Server() as server:
        whole = hello()
        with server.websocket() as connection:
            for at in range(0, len(whole)):
                connection.send(whole[at:at + 1], opcode=2 if at == 0 else 0, final=at + 1 == len(whole))
            assert len(connection.until_closed()) == 1 and connection.closed_with == 1008
        with server.websocket() as connection:
            try:
                for at in range(0, 600):
                    connection.send(b"a" * 1024, opcode=2 if at == 0 else 0, final=False)
            except OSError:
                pass
            connection.until_closed()
            assert connection.closed_with in (1009, None)
        assert server.health()["connections"] == 0


def test_slow_strangers_are_ended_in_time_and_others_are_served_meanwhile():
    with Server("--handshake-ms", "1500") as server:
        silent = [server.connect() for _ in range(50)]
        dribbling = [server.connect() for _ in range(50)]
        quiet = [server.websocket() for _ in range(20)]
        request = upgrade_request().encode()
        began = time.monotonic()
        ended = set()
        at = 0
        while time.monotonic() - began < 4:
            for one in dribbling:
                if one not in ended:
                    try:
                        one.sendall(request[at:at + 1])
                    except OSError:
                        ended.add(one)
            at += 1
            before = time.monotonic()
            assert server.health()["status"] == "ok"
            assert time.monotonic() - before < 0.2, "others wait"
            time.sleep(0.1)
        assert len(ended) == len(dribbling), f"{len(ended)} of {len(dribbling)}"
        for one in silent:
            one.settimeout(1)
            assert one.recv(1) == b"", "a silent stranger is still there"
        for one in quiet:
            assert one.until_closed() == [] and one.closed_with == 1008, one.closed_with
            one.socket.close()
        for one in silent + dribbling:
            one.close()
        wait_for(lambda: server.health()["connections"] == 0)


def test_tls_is_of_version_three_and_the_fingerprint_is_that_of_the_certificate():
    with Server(tls=True) as server:
        with server.connect() as connection:
            assert connection.version() == "TLSv1.3"
            digest = hashlib.sha256(connection.getpeercert(binary_form=True)).hexdigest()
            assert digest == server.ready["fingerprint"]
        assert server.health()["status"] == "ok"
        old = ssl.create_default_context()
        old.check_hostname = False
        old.verify_mode = ssl.CERT_NONE
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        try:
            with socket.create_connection(("127.0.0.1", server.port), 10) as raw:
                old.wrap_socket(raw)
            raise AssertionError("TLS 1.2 was taken")
        except (ssl.SSLError, ConnectionError):
            pass
        second = ssl.create_default_context()
        second.check_hostname = False
        second.verify_mode = ssl.CERT_NONE
        second.set_alpn_protocols(["h2", "http/1.1"])
        with socket.create_connection(("127.0.0.1", server.port), 10) as raw:
            with second.wrap_socket(raw) as connection:
                assert connection.selected_alpn_protocol() == "http/1.1"
        with server.websocket() as connection:
            connection.send(hello())
            assert len(connection.until_closed()) == 1
        with server.connect() as plain_upgrade:
            plain_upgrade.close()
        with socket.create_connection(("127.0.0.1", server.port), 10) as raw:
            raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"HTTP" not in read_all(raw), "plain HTTP on the TLS port"


def test_an_address_that_proves_nothing_is_limited():
    with Server("--connections-per-minute-per-address", "5", "--limit-loopback") as server:
        taken = 0
        for _ in range(8):
            with server.connect() as connection:
                connection.settimeout(0.2)
                try:
                    if connection.recv(1) == b"":
                        continue
                except TimeoutError:
                    taken += 1
                except ConnectionError:
                    continue
        assert taken == 5, taken


run(globals(), sys.argv)
