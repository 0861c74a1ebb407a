# SPDX-License-Identifier: Apache-2.0
"""Shared helpers of the lab: the error type, progress lines, the cache folder, locks and the child-process guard."""

import contextlib
import ctypes
import fcntl
import os
import pathlib
import shutil
import signal
import sys
import threading
import time

LAB_DIR = pathlib.Path(__file__).resolve().parent


class LabError(Exception):
    """A failure with a message for the user: the error and a hint."""


def progress(text):
    """Prints a line on stderr, because stdout is for results."""
    erase = "\r\x1b[K" if sys.stderr.isatty() else ""  # erases the line of working()
    print(f"{erase}lab: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def working(text):
    """Prints what takes long. On a terminal, the line counts the seconds until the block ends."""
    if not sys.stderr.isatty():
        progress(f"{text} ...")
        yield
        return
    begin, ended = time.monotonic(), threading.Event()
    shown = text[:shutil.get_terminal_size().columns - 16]  # a wrapped line cannot be erased

    def count():
        while True:
            print(f"\r\x1b[Klab: {shown} ... {time.monotonic() - begin:.0f} s", end="", file=sys.stderr, flush=True)
            if ended.wait(1):
                return
    counter = threading.Thread(target=count, daemon=True)
    counter.start()
    try:
        yield
    finally:
        ended.set()
        counter.join()
        print(file=sys.stderr, flush=True)


def cache_root():
    """The folder for kernels and compiled helpers, outside the source tree."""
    chosen = os.environ.get("RCACHED_LAB_CACHE")
    if chosen:
        return pathlib.Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base) / "rcached" / "lab"


def scenario_file(name):
    """The file of a scenario, given as a name in guest/ or as a path."""
    path = pathlib.Path(name)
    if path.suffix != ".sh":
        path = LAB_DIR / "guest" / f"{name}.sh"
    if not path.is_file():
        raise LabError(f"no scenario {name}: {path} does not exist")
    return path


@contextlib.contextmanager
def locked(path, waiting):
    """Holds an exclusive lock on `path`; prints `waiting` once if another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="ascii") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(waiting)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def die_with_parent(parent):
    """For preexec_fn: the child is killed when `parent` exits for any reason.

    The kernel ties the signal to the thread that forked: start children from the main thread.
    """

    def arm():
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # pylint: disable=protected-access

    return arm
