#!/usr/bin/env python3
"""Several profiles on one machine, and what status says of the one in use."""
import re

from harness import Failed, World, main, test
from terminal import Terminal

FAILED, USAGE = 1, 2


def refused(device, *arguments, code=FAILED, **options):
    try:
        out = device.run(*arguments, **options)
    except Failed as failure:
        assert failure.code == code, failure
        return failure.out + failure.err
    raise AssertionError(f"{arguments} succeeded: {out}")


@test
def a_profile_has_a_name():
    with World() as world:
        device = world.device("laptop", None)
        del device.environment["QUIRE_PROFILE"]
        assert "no profile" in device.run("profiles")
        device.run("init", "--name", "laptop")
        device.run("--profile", "work", "init", "--name", "laptop-work", "--server", "wss://example.org:8443")
        device.run("write", "at home")
        device.run("--profile", "work", "write", "at work")
        assert device.show("last") == "at home" and device.show("last", ) != device.run("--profile", "work", "show", "last", "--text")
        assert (device.home / "data" / "quire" / "work" / "config").exists()
        device.run("--profile", "work", "passphrase", "set", "--memory", "8", stdin="seven wet boots\n")
        shown = device.run("profiles")
        assert re.search(r"^\* default  no server yet$", shown, re.M), shown
        assert re.search(r"^  work  wss://example.org:8443, with a passphrase$", shown, re.M), shown
        rows = {row["name"]: row for row in device.json("--profile", "work", "profiles")["profiles"]}
        assert rows["work"]["present"] and rows["work"]["passphrase"] and not rows["default"]["present"], rows
        said = refused(device, "--profile", "other", "list")
        assert "no profile" in said and str(device.home / "data" / "quire" / "other") in said, said
        assert "64 bytes" in refused(device, "--profile", "x" * 65, "list", code=USAGE)


@test
def a_folder_is_still_a_folder():
    with World() as world:
        device = world.device("laptop", None)
        folder = device.home / "somewhere"
        device.run("--profile", folder, "init", "--name", "laptop")
        device.run("--profile", folder, "write", "here")
        inside = ["sh", "-c", f'cd "{device.home}"; exec "$@"', "sh"]
        for option in ("./somewhere", "somewhere"):  # the second lies there, so it is meant
            assert device.run("--profile", option, "show", "last", "--text", wrapper=inside) == "here"


@test
def status_speaks_of_devices_entries_and_the_lock():
    with World() as world:
        server = world.server(tls=False)
        phone, laptop = world.phone_and_laptop(server)
        phone.write("one")
        phone.write("two")
        phone.run("devices")
        shown = phone.run("status")
        for row in ("device       phone\n", "others       laptop\n", f"server       {server.url}\n",
                    "synced       2 entries are not on the server yet; last sync: just now\n",
                    "lock         no passphrase (quire passphrase set)\n"):
            assert row in shown, shown
        for word in ("sealed", "batch", "chain", "replica", "roster", "epoch"):
            assert word not in shown, shown
        phone.sync()
        assert "everything is on the server; last sync: just now\n" in phone.run("status")
        phone.run("passphrase", "set", "--memory", "8", stdin="seven wet boots\n")
        phone.run("unlock", "--for", "10m", stdin="seven wet boots\n")
        assert "unlocked, until no command is used for 10 min" in phone.run("status")
        told = phone.status()
        assert told["passphrase"] and 500 < told["unlocked_s"] <= 600, told
        phone.run("lock")
        with Terminal(phone, "status") as terminal:
            terminal.expect("Passphrase: ")
            terminal.type("seven wet boots\n")
            assert "each command asks for it" in terminal.end()
        alone = world.device("alone", None)
        alone.run("init", "--name", "alone")
        shown = alone.run("status")
        assert "others       none (quire pair)" in shown and "synced       never; 0 entries are on this machine alone\n" in shown, shown


@test
def pairing_names_the_new_device():
    with World() as world:
        server = world.server(tls=False)
        phone = world.device("phone", server).init()
        pairing = phone.start("pair")
        while not (line := pairing.stdout.readline()).strip().count("-") == 4:
            assert line
        laptop = world.device("laptop", server)
        laptop.run("join", line.strip(), "--name", "laptop", "--server", server.url)
        rest = pairing.stdout.read()
        assert pairing.wait(20) == 0 and "The new device, laptop, is in the account now." in rest, rest


if __name__ == "__main__":
    main()
