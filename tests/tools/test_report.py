#!/usr/bin/env python3
"""The report of a run, in a browser: what it shows, that it is seen, by mouse and by keys, offline.

usage: test_report.py QUIRE_SIM SCENARIOS [FOLDER_FOR_PICTURES]
Skipped where there is no chromium.
"""
import base64
import itertools
import json
import os
import pathlib
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib

SIM, SCENARIOS = sys.argv[1], pathlib.Path(sys.argv[2])
FOLDER = pathlib.Path(tempfile.mkdtemp())
PICTURES = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else None
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if not CHROMIUM:
    print("1..0 # SKIP there is no chromium")
    sys.exit(0)
count = 0


def check(name, *faults):
    global count
    count += 1
    print(f"{'not ok' if any(faults) else 'ok'} {count} {name}", flush=True)
    for fault in filter(None, faults):
        print("#", str(fault)[:600])


class Browser:
    """Chromium by its debugging pipe: JSON texts that end in a zero, on its files 3 and 4."""

    def __init__(self):
        self.to, write = os.pipe()
        read, self.from_ = os.pipe()
        to, from_ = self.to, self.from_

        def before():
            a, b = os.dup(to), os.dup(from_)
            os.dup2(a, 3), os.dup2(b, 4)

        self.process = subprocess.Popen([CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--hide-scrollbars", f"--user-data-dir={FOLDER}/profile",
            "--remote-debugging-pipe"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, pass_fds=(3, 4, to, from_), preexec_fn=before)
        os.close(to), os.close(from_)
        self.write, self.read, self.rest, self.numbers = write, read, b"", itertools.count(1)
        self.events, self.session = [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in "Page", "Runtime", "Network", "Log":
            self.call(domain + ".enable")

    def call(self, method, **params):
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + 60
        while time.monotonic() < end:
            while b"\0" in self.rest:
                text, self.rest = self.rest.split(b"\0", 1)
                answer = json.loads(text)
                if answer.get("id") == number:
                    if "error" in answer:
                        raise RuntimeError(f"{method}: {answer['error']}")
                    return answer["result"]
                self.events.append(answer)
            if select.select([self.read], [], [], 1)[0]:
                self.rest += os.read(self.read, 1 << 20)
        raise TimeoutError(method)

    def js(self, expression):
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in done:
            raise RuntimeError(f"{expression}: {done['exceptionDetails']}")
        return done["result"].get("value")

    def open(self, path, width=1440, height=900, scheme="light", place=""):
        self.events.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=pathlib.Path(path).as_uri() + place)
        end = time.monotonic() + 30
        while not self.js("document.documentElement?.dataset.ready === 'yes'"):
            if time.monotonic() > end:
                raise TimeoutError("the page is not ready")
            time.sleep(.05)
        self.settle()

    def settle(self):
        self.js("new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))")

    def key(self, key, text=None):
        for kind in "keyDown", "keyUp":
            self.call("Input.dispatchKeyEvent", type=kind, key=key,
                      **({"text": text} if text and kind == "keyDown" else {}))
        self.settle()

    def click(self, selector):
        at = self.js(f"(r => [r.x + r.width / 2, r.y + r.height / 2])"
                     f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())")
        for kind in "mousePressed", "mouseReleased":
            self.call("Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1], button="left", clickCount=1)
        self.settle()

    def picture(self, name):
        """For people as it is, for the checks in a quarter of the size."""
        if PICTURES:
            (PICTURES / name).write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
        size = self.call("Page.getLayoutMetrics")["cssVisualViewport"]
        clip = {"x": 0, "y": 0, "width": size["clientWidth"], "height": size["clientHeight"], "scale": .5}
        return Picture(base64.b64decode(self.call("Page.captureScreenshot", format="png", clip=clip)["data"]))

    def faults(self):
        """Errors of the page, and everything that it asked a network for."""
        for event in self.events:
            if event["method"] == "Runtime.exceptionThrown":
                yield event["params"]["exceptionDetails"].get("exception", {}).get("description", "exception")
            if event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
                yield event["params"]["entry"]["text"]
            if event["method"] == "Network.requestWillBeSent":
                url = event["params"]["request"]["url"]
                if not url.startswith(("file://", "about:", "data:")):
                    yield "it asks for " + url

    def close(self):
        self.session = None
        try:
            self.call("Browser.close")
            self.process.wait(20)
        except (OSError, TimeoutError, RuntimeError, subprocess.TimeoutExpired):
            self.process.kill()


class Picture:
    """A PNG of 8 bits a channel, as rows of (r, g, b)."""

    def __init__(self, data):
        at, parts = 8, b""
        while at < len(data):
            size, kind = struct.unpack(">I4s", data[at:at + 8])
            body = data[at + 8:at + 8 + size]
            if kind == b"IHDR":
                self.width, self.height, depth, colour = struct.unpack(">IIBB", body[:10])
                assert depth == 8 and colour in (2, 6)
                step = 3 if colour == 2 else 4
            elif kind == b"IDAT":
                parts += body
            at += size + 12
        raw, line, before = zlib.decompress(parts), self.width * step, bytes(self.width * step)
        self.colours = {}
        for y in range(self.height):
            kind, row = raw[y * (line + 1)], bytearray(raw[y * (line + 1) + 1:(y + 1) * (line + 1)])
            if kind == 2:
                row = bytearray((a + b) & 255 for a, b in zip(row, before))
            elif kind:
                for i in range(line):
                    a, b = (row[i - step] if i >= step else 0), before[i]
                    c = before[i - step] if i >= step else 0
                    p = a + b - c
                    near = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
                    row[i] = (row[i] + (a if kind == 1 else (a + b) // 2 if kind == 3 else near)) & 255
            before = bytes(row)
            for x in range(0, line, step * 2):
                pixel = bytes(row[x:x + 3])
                self.colours[pixel] = self.colours.get(pixel, 0) + 1

    def ground(self):
        """The commonest colour, and its share."""
        pixel = max(self.colours, key=self.colours.get)
        return pixel, self.colours[pixel] / sum(self.colours.values())

    def faults(self, dark):
        pixel, share = self.ground()
        if len(self.colours) < 150:
            yield f"only {len(self.colours)} colours: is it blank?"
        if not .2 < share < .97:
            yield f"{share:.0%} of it is one colour"
        if (sum(pixel) < 200) != dark or (sum(pixel) > 600) == dark:
            yield f"its ground is {tuple(pixel)}, and it should be {'dark' if dark else 'light'}"


def report(name, *words, status=0):
    path = FOLDER / f"{name}.html"
    done = subprocess.run([SIM, *words, "--report", str(path)], capture_output=True, text=True, timeout=120)
    if done.returncode != status:
        raise RuntimeError(f"{words}: {done.returncode}\n{done.stdout}{done.stderr}")
    return path


def story(name, text):
    path = FOLDER / f"{name}.quire"
    path.write_text(text)
    return str(path)


browser = Browser()
js, key, click = browser.js, browser.key, browser.click
aside = "document.querySelector('aside').textContent"

# ---- what it says --------------------------------------------------------------------------------
train = report("train", "run", str(SCENARIOS / "train.quire"))
browser.open(train)
source = train.read_text()
lines = [line for line in (SCENARIOS / "train.quire").read_text().split("\n")
         if line and not line.startswith(("#", "title"))]
check("it names the story, the verdict, the seed, the build and one command to see it again",
      js("document.title") != "Two phones edit one sentence on a train – quire-sim" and js("document.title"),
      js("document.querySelector('#verdict').textContent") != "Held" and "no verdict",
      "quire-sim run --seed 1 --trace" not in js("document.querySelector('#again').textContent") and "no command",
      any(word not in js("document.querySelector('#facts').textContent") for word in ("seed", "build", "trace")) and "no facts")
check("each device and the server have a lane, each line of the story a place",
      js("[...document.querySelectorAll('.head b')].map(x => x.textContent).sort().join()") != "phone,server,tablet"
      and "lanes", js("document.querySelectorAll('svg .lane').length") < 3 and "no lanes",
      js("document.querySelectorAll('ol.story li').length") != len(lines) and "story",
      js("document.querySelectorAll('.frame').length") < 20 and "no frames")
check("it is one file that asks for nothing, under a rule that lets it ask for nothing", *browser.faults(),
      "default-src 'none'" not in source and "no rule", *[word for word in ("src=\"http", "href=\"http", "@import", "url(http")
                                                         if word in source])

# ---- light and dark ------------------------------------------------------------------------------
light = browser.picture("report-light.png")
browser.open(train, scheme="dark")
dark = browser.picture("report-dark.png")
check("it is there to see, light or dark as the system says", *light.faults(False), *dark.faults(True))
click("#theme")
toggled = browser.picture("report-toggled.png")
click("#theme")
again = browser.picture("report-toggled-twice.png")
check("and as the person says: the button goes from auto to light to dark", *toggled.faults(False), *again.faults(True))
js("localStorage.clear()")
CONTRAST = """(scheme => { document.documentElement.dataset.theme = scheme; const s = getComputedStyle(document.documentElement);
  const l = v => { const c = s.getPropertyValue('--' + v).trim().slice(1).match(/../g).map(h => parseInt(h, 16) / 255)
    .map(x => x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4); return .2126 * c[0] + .7152 * c[1] + .0722 * c[2]; };
  const low = []; for (const a of ['ink', 'soft', 'faint', 'data', 'ack', 'keys', 'alarm', 'good']) for (const b of ['paper', 'panel']) {
    const [x, y] = [l(a), l(b)].sort((p, q) => q - p), ratio = (x + .05) / (y + .05);
    if (ratio < 4.5) low.push(`${scheme}: ${a} on ${b} ${ratio.toFixed(2)}`); } return low; })"""
check("every colour that is read has a contrast of 4.5 on both grounds, light and dark",
      *js(CONTRAST + "('light')"), *js(CONTRAST + "('dark')"))

# ---- mouse ---------------------------------------------------------------------------------------
browser.open(train)
before = js(aside)
js("(x => { document.querySelector('#scroll').scrollTop += x.getBoundingClientRect().y - 500; })(document.querySelector('.frame.data text'))")
browser.settle()
click(".frame.data text")
check("a click on a frame shows it decoded, with what was sealed in it opened, and says that it is simulated",
      js(aside) == before and "nothing changed", *[word for word in
      ("PUSH", "phone → server", "Arrived", "Decoded", "batch 1", "ciphertext", "The train is late.", "made up")
      if word not in js(aside)])
click("#filters input[value=data]")
check("what is not ticked is not shown", js("document.querySelectorAll('.frame.data').length") > 2 and "changes are still there",
      js("document.querySelector('#count').textContent").startswith("0") and "nothing is left")
click("ol.story button" if js("!!document.querySelector('ol.story')") else "[data-go='0']")

# ---- keys ----------------------------------------------------------------------------------------
browser.open(train)
reached = []
for _ in range(40):
    key("Tab")
    reached.append(js("document.activeElement.id || document.activeElement.value || document.activeElement.className"
                      " || document.activeElement.tagName"))
check("every control is reached by Tab", *[f"{name} is not reached" for name in
      ("theme", "copy", "in", "out", "data", "find", "map", "scroll") if name not in reached],
      "BUTTON" not in "".join(map(str, reached)) and not js("!!document.activeElement.closest('aside')") and "no line of the story")
js("document.querySelector('#scroll').focus()")
key("ArrowDown"), key("ArrowDown")
first = js("document.querySelector('#said').textContent")
key("ArrowDown")
second = js("document.querySelector('#said').textContent")
key("ArrowUp")
back = js("document.querySelector('#said').textContent")
key("f")
fault = js(aside)
key("Escape")
check("arrow keys go from event to event and say which, f to the next fault, Escape back to the story",
      (not first or first == second or back != first) and (first, second, back),
      "offline" not in fault and fault, "The story" not in js(aside) and "not back")
key("/")
for letter in "ROSTER":
    key(letter, letter)
found = js("document.querySelector('#count').textContent")
check("/ finds", not found or int(found.split(" of ")[0]) not in range(1, 30) and found)
check("nothing went wrong in the page meanwhile", *browser.faults())

# ---- a failure -----------------------------------------------------------------------------------
failing = report("failing", "run", story("failing", """title A <b>bold</b> </script> claim
anna has phone, laptop
laptop goes offline
phone writes "</script><script>document.title='taken over'</script>" in diary
expect everyone to converge within 1min
"""), status=1)
browser.open(failing)
text = js("document.querySelector('#failure').textContent")
check("a failure says line, claim and who waits for what, and shows where",
      js("document.querySelector('#verdict').textContent") != "Failed" and "no verdict",
      *[word for word in ("Line 5: expect everyone to converge within 1min", "laptop misses batch 1 of phone (the hub has them)",
                          "it is offline") if word not in text],
      js("document.querySelector('ol.story .failed').textContent") != "5expect everyone to converge within 1min" and "line")
click("#failure button")
check("and marks it in the diagram", "FAILED" not in js(aside) and js(aside), js("!document.querySelector('.mark.failure.on')") and "no mark")
check("words of a story are words, whatever they are", js("document.title").startswith("taken") and "script ran",
      js("document.querySelector('h1').textContent") != "A <b>bold</b> </script> claim" and js("document.querySelector('h1').textContent"),
      *browser.faults())
browser.picture("report-failure.png")

# ---- thousands of events -------------------------------------------------------------------------
many = report("many", "run", story("many", """title Many
anna has phone, laptop, tablet
phone makes 700 edits in diary over 7h
laptop makes 700 edits in diary over 7h
expect everyone to converge within 5min
"""))
began = time.monotonic()
browser.open(many)
ready = time.monotonic() - began
events = int(js("document.querySelector('#count').textContent").split(" of ")[-1].split()[0])
nodes = js("document.querySelectorAll('#stage *').length")
js("document.querySelector('#scroll').scrollTop = 1e9")
browser.settle()
last = js("[...document.querySelectorAll('svg .time')].pop().textContent")
began = time.monotonic()
for _ in range(20):
    js("document.querySelector('#scroll').scrollTop -= 2000")
    browser.settle()
scrolling = (time.monotonic() - began) / 20
print(f"# {events} events, {many.stat().st_size >> 10} KiB: ready after {ready:.1f} s, {nodes} nodes, {scrolling * 1000:.0f} ms a jump")
check("thousands of events: only what is in the window is drawn, and the end is there", events < 5000 and events,
      nodes > 4000 and nodes, ready > 20 and ready, scrolling > 1 and scrolling, not last.startswith("14:") and last, *browser.faults())
js("document.querySelector('#scroll').focus()")
tall = js("document.querySelector('#stage').offsetHeight")
key("+", "+")
check("time is zoomed", js("document.querySelector('#stage').offsetHeight") <= tall * 1.05 and "no taller")

# ---- small windows, seeds ------------------------------------------------------------------------
faults = []
for width, height in (360, 740), (768, 1024), (1024, 600), (2560, 1300):
    browser.open(failing, width, height)
    if js("document.documentElement.scrollWidth") > width:
        faults.append(f"{width}: the page is {js('document.documentElement.scrollWidth')} wide")
    if js("document.querySelector('#scroll').clientHeight") < 100:
        faults.append(f"{width}x{height}: {js('document.querySelector(`#scroll`).clientHeight')} are left of the diagram")
    faults += browser.picture(f"report-{width}.png").faults(False)
check("it fits phones, tablets and large screens", *faults)
seed = report("seed", "--seed", "7")
browser.open(seed)
check("a seed has a report, too", "--seed 7" not in js("document.querySelector('#again').textContent") and "no command",
      "minutes=30" not in js(aside) and "no options", js("document.querySelectorAll('.head').length") < 3 and "no lanes", *browser.faults())
same = subprocess.run([SIM, "--seed", "7"], capture_output=True, text=True).stdout.split()[-1]
check("an observer that takes notes changes nothing", same not in js("document.querySelector('#facts').textContent") and same)

# ---- who does what -------------------------------------------------------------------------------
views = report("views", "run", str(SCENARIOS / "two-views.quire"))
attacks = re.findall(r'^\[\d+,(-?\d+),(\d+),"Mallory ', views.read_text(), re.M)
check("what a hostile server does is a fault, in its own lane", len(attacks) < 5 and attacks, set(attacks) != {("3", "1")} and attacks)

browser.close()
shutil.rmtree(FOLDER, ignore_errors=True)
print(f"1..{count}")
