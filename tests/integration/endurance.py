#!/usr/bin/env python3
"""Nothing grows that should not: memory, open files and threads of a server and of a device that follows.

One account writes, syncs and is read in rounds, while other connections come and go. After a warm-up the
trend over the rounds must be flat. QUIRE_ROUNDS says how many rounds (default 24; --long takes more).
"""
import os
import socket

from harness import World, main, test, until

ROUNDS = int(os.environ.get("QUIRE_ROUNDS", 24))
VISITORS = 40  # connections of strangers in a round: some say nothing, some say nonsense


def memory_kb(pid):
    """Memory that is the process's own: what it shares with files does not count."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:"))


def count(pid, what):
    return len(os.listdir(f"/proc/{pid}/{what}"))


def slope(values):
    """Least squares: how much a value grows in a round."""
    middle, mean = (len(values) - 1) / 2, sum(values) / len(values)
    return sum((x - middle) * (y - mean) for x, y in enumerate(values)) / sum((x - middle) ** 2 for x in range(len(values)))


def visit(server, number):
    with socket.create_connection(("127.0.0.1", server.port), 10) as visitor:
        if number % 4 == 1:
            visitor.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            visitor.recv(4096)
        elif number % 4 == 2:
            visitor.sendall(b"GET / HTTP/1.1\r\nHost: nowhere\r\n\r\n")
            visitor.recv(4096)
        elif number % 4 == 3:
            visitor.sendall(b"\x16\x03\x01nonsense" * 20)


@test
def memory_files_and_threads_stay_level():
    with World() as world:
        server = world.server("--connections-per-minute-per-address", "1000000", tls=False)
        phone, laptop = world.phone_and_laptop(server)
        following = laptop.start("sync", "--follow", "--json")
        entry = phone.write("round 0")
        rows = []
        for number in range(ROUNDS):
            phone.edit(entry, f"round {number}")  # the same entry: what the journal holds does not grow
            phone.sync()
            for visitor in range(VISITORS):
                visit(server, visitor)
            until(lambda: laptop.show(entry) == f"round {number}", what="the laptop to follow")
            rows.append([call for pid in (server.process.pid, following.pid)
                for call in (memory_kb(pid), count(pid, "fd"), count(pid, "task"))])
        tail = rows[ROUNDS // 3:]  # after the warm-up
        names = ["server kB", "server files", "server threads", "device kB", "device files", "device threads"]
        trends = {name: slope(column) for name, column in zip(names, zip(*tail))}
        print("#", {name: f"{row} {trends[name]:+.2f} a round" for name, row in zip(names, rows[-1])})
        assert abs(trends["server files"]) < 0.5 and abs(trends["device files"]) < 0.5, trends
        assert abs(trends["server threads"]) < 0.1 and abs(trends["device threads"]) < 0.1, trends
        assert trends["server kB"] < 40, trends  # a leak of 1 kB a visitor would be 40
        assert trends["device kB"] < 40, trends
        following.terminate()
        following.communicate(timeout=20)


main()
