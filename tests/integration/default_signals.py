"""Tests set the signals that they rely on: `nohup` and background shells leave SIGHUP, SIGINT and
SIGQUIT ignored, and programs inherit that."""
import signal


def restore():
    """Gives this process, and those that it starts, the default dispositions and no blocked signals."""
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
