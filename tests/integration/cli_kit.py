#!/usr/bin/env python3
"""The recovery kit on the way to paper and back: typed back, as a code, as a page, line by line."""
import re
import shutil
import subprocess

from harness import Failed, Skip, World, main, test
from terminal import Terminal

FAILED, USAGE = 1, 2
KIT = re.compile(r"([0-9A-Z]{4}(?:-[0-9A-Z]{4}){6})\s+([0-9A-Z]{4}(?:-[0-9A-Z]{4}){6})")


def refused(device, *arguments, code=FAILED, **options):
    try:
        out = device.run(*arguments, **options)
    except Failed as failure:
        assert failure.code == code, failure
        return failure.out + failure.err
    raise AssertionError(f"{arguments} succeeded: {out}")


def group_asked(terminal, kit):
    number = int(terminal.expect(" of the kit").rpartition("Group ")[2])
    return number, kit.split("-")[number - 1]


@test
def init_on_a_terminal_has_two_groups_typed_back():
    with World() as world:
        device = world.device("laptop", None)
        with Terminal(device, "init", "--name", "laptop", environment={"TERM": "dumb"}) as terminal:
            kit = "-".join(KIT.search(terminal.expect("Written down?")).groups())
            first, group = group_asked(terminal, kit)
            terminal.type("0000\n" if group != "0000" else "1111\n")
            terminal.expect(f"That is not group {first}")
            again, group = group_asked(terminal, kit)
            assert again == first <= 7
            terminal.type(group.lower() + " \n")
            second, group = group_asked(terminal, kit)
            assert second > 7
            terminal.type(group + "\n")
            terminal.expect("Right.")
            terminal.end()
            assert terminal.status == 0
        assert device.status()["device"]


@test
def an_empty_answer_skips_it_and_a_pipe_is_not_asked():
    with World() as world:
        device = world.device("laptop", None)
        with Terminal(device, "init", "--name", "laptop") as terminal:
            terminal.expect("of the kit, as you wrote it down: ")
            terminal.type("\n")
            shown = terminal.end()
            assert terminal.status == 0 and "Not confirmed" in shown, shown
        phone = world.device("phone", None)
        assert KIT.search(phone.run("init", "--name", "phone"))


def decode(image, folder):
    if not shutil.which("zbarimg"):
        raise Skip("zbarimg is not installed")
    path = folder / "code.pgm"
    side = 8
    rows = [[value for value in row for _ in range(side)] for row in image for _ in range(side)]
    path.write_bytes(b"P5 %d %d 255\n" % (len(rows[0]), len(rows)) + bytes(value for row in rows for value in row))
    return subprocess.run(["zbarimg", "--quiet", "--raw", path], capture_output=True, text=True, check=True).stdout.strip()


@test
def the_code_in_the_terminal_is_the_kit():
    with World() as world:
        device = world.device("laptop", None)
        shown = device.run("init", "--name", "laptop", "--qr")
        kit = "-".join(KIT.search(shown).groups())
        rows = [line[4:] for line in shown.splitlines() if re.fullmatch(r"    [█▀▄ ]{29,}", line)]
        upper, lower = {"█": 255, "▀": 255, "▄": 0, " ": 0}, {"█": 255, "▀": 0, "▄": 255, " ": 0}
        image = [[table[sign] for sign in row] for row in rows for table in (upper, lower)]
        assert decode(image, world.folder) == kit
        assert all(len(row) <= 76 for row in rows)


@test
def the_page_is_private_and_a_journal_comes_back_from_its_lines():
    with World() as world:
        server = world.server(tls=False)
        phone = world.device("phone", server)
        page = phone.home / "kit.html"
        kit = phone.json("init", "--name", "phone", "--server", server.url, "--kit-page", page)["kit"]
        phone.write("It rained all day.")
        phone.sync()
        assert page.stat().st_mode & 0o777 == 0o600
        text = page.read_text()
        lines = re.findall(r"<i>(\d)\.</i> ([0-9A-Z]{4}-[0-9A-Z]{4}) <i>([0-9A-Z]{2})</i>", text)
        assert "-".join(row[1] for row in lines) == kit and "http" not in text.replace("http-equiv", ""), lines
        modules = {(int(column), int(row)) for column, row in re.findall(r"M(\d+) (\d+)h1", text)}
        side = int(re.search(r'viewBox="0 0 (\d+)', text)[1])
        image = [[0 if (column, row) in modules else 255 for column in range(side)] for row in range(side)]
        assert decode(image, world.folder) == kit
        typed = [f"{number}. {groups} {check}\n" for number, groups, check in lines]
        wrong = [*typed]
        wrong[3] = wrong[3].replace(wrong[3][3], "0" if wrong[3][3] != "0" else "1", 1)
        laptop = world.device("laptop", server)
        said = refused(laptop, "recover", "--server", server.url, stdin="".join(wrong), code=USAGE)
        assert "Line 4 is not right" in said and not laptop.profile.exists(), said
        said = refused(laptop, "recover", "--server", server.url, stdin="".join(typed[:5]), code=USAGE)
        assert "it ends after 40 of 56" in said, said
        laptop.run("recover", "--name", "laptop", "--server", server.url, stdin="".join(typed))
        assert laptop.show("last") == "It rained all day."
        tablet = world.device("tablet", server)
        with Terminal(tablet, "recover", "--name", "tablet", "--server", server.url) as terminal:
            terminal.expect("Recovery kit (it is not shown): ")
            for number, line in enumerate(typed, 1):
                if number == 4:
                    terminal.type(wrong[3])
                    terminal.expect("Line 4 is not right")
                    terminal.expect("Line 4 of 7: ")
                if number == 5:  # the rest in one go, as from a clipboard
                    terminal.type("".join(typed[4:]))
                    break
                terminal.type(line)
                terminal.expect(f"Line {number + 1} of 7: ")
            shown = terminal.end()
            assert terminal.status == 0 and "1 entry is here now" in shown, shown


@test
def a_page_that_cannot_be_written_loses_no_kit():
    with World() as world:
        device = world.device("laptop", None)
        there = device.home / "there"
        there.write_text("mine")
        said = refused(device, "init", "--name", "laptop", "--kit-page", there, code=USAGE)
        assert "exists already" in said and there.read_text() == "mine" and not device.profile.exists()
        said = refused(device, "init", "--name", "laptop", "--kit-page", device.home / "none" / "kit.html")
        assert KIT.search(said) and "the kit is the one shown" in said, said
        assert device.status()["device"]


if __name__ == "__main__":
    main()
