"""A pseudo terminal with a program on it: what a person would see and type."""
import os
import pty
import select
import signal
import termios
import time


class Terminal:
    """A command whose standard input, output and error are one terminal; it leads its own session."""

    def __init__(self, device, *arguments, environment=None, command=None):
        self.seen = b""
        self.status = None
        environment = {**os.environ, "TERM": "xterm", **device.environment, **(environment or {})}
        words = command or device.command(*arguments)
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.execvpe(words[0], [str(word) for word in words], environment)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.status is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
            except ProcessLookupError:
                pass
        os.close(self.file)

    def read(self, seconds=0.05):
        """Takes what is there; False at the end."""
        ready, _, _ = select.select([self.file], [], [], seconds)
        if not ready:
            return True
        try:
            more = os.read(self.file, 65536)
        except OSError:  # the last process that had it is gone
            return False
        self.seen += more
        return bool(more)

    def expect(self, text, seconds=20):
        """Waits until the text was shown; everything up to its end is taken out of .seen."""
        wanted, end = text.encode(), time.monotonic() + seconds
        while wanted not in self.seen:
            if not self.read() or time.monotonic() > end:
                raise AssertionError(f"never shown: {text!r}; shown: {self.seen.decode(errors='replace')!r}")
        before, _, self.seen = self.seen.partition(wanted)
        return before.decode(errors="replace")

    def type(self, text):
        os.write(self.file, text.encode())

    def echoes(self):
        return bool(termios.tcgetattr(self.file)[3] & termios.ECHO)

    def end(self, seconds=20):
        """Waits for the end; everything that was shown since expect. .status is as in subprocess."""
        stop = time.monotonic() + seconds
        while self.status is None:
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > stop:
                raise AssertionError(f"still running; shown: {self.seen.decode(errors='replace')!r}")
        while self.read(0) and select.select([self.file], [], [], 0)[0]:
            pass
        return self.seen.decode(errors="replace").replace("\r\n", "\n")
