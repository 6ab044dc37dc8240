"""A guard for stacks that must not outlive who uses them, such as the one of a test run.

It is a process of its own: also when its holder is killed, the guard is there to clear up.
"""

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jiandu.stack.server import ROOT
from jiandu.stack.stack import Stack


@contextmanager
def guarded(folder: Path) -> Iterator[None]:
    """Hold the stack in ``folder``. When its last holder has gone, however it went, the stack is removed."""
    guard = subprocess.Popen(
        [sys.executable, "-m", "jiandu.stack.guard", str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with guard:
        # A line says that the guard holds; its input ends with us.
        if guard.stdout is None or not guard.stdout.readline():
            raise RuntimeError(f"the guard of {folder} did not start")
        yield


def _guard(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".held").open("w") as hold:
        # Holders share the lock, and the kernel takes it from those that die.
        fcntl.flock(hold, fcntl.LOCK_SH)
        print("holding", flush=True)  # noqa: T201  # the answer that ``guarded`` waits for
        sys.stdin.read()
        try:
            fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        Stack(folder).remove()


if __name__ == "__main__":
    _guard(Path(sys.argv[1]))
