"""Work that may hang or fail, in threads that are there from the start: none has to be made when the pod must end."""

from __future__ import annotations

import queue
import subprocess
import threading
from typing import Callable, List, Optional

from ..base import procs


class Lane:
    """Does one thing after the other in a thread of its own."""

    def __init__(self, name: str) -> None:
        self._work: "queue.SimpleQueue[Callable[[], None]]" = queue.SimpleQueue()
        self._newest: List[Callable[[], None]] = []
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def put(self, work: Callable[[], None]) -> None:
        """Never waits, and nothing that goes wrong in it reaches anybody."""
        self._work.put(work)

    def put_newest(self, work: Callable[[], None]) -> None:
        """The same; what was put so before and has not begun is left out."""
        self._newest = [work]
        self._work.put(self._take)

    def _take(self) -> None:
        newest, self._newest = self._newest, []
        for work in newest:
            work()

    def _run(self) -> None:
        while True:
            quietly(self._work.get())


def quietly(work: Callable[[], None]) -> None:
    """Does it, and lets nothing out that goes wrong."""
    try:
        work()
    except Exception:
        pass


def wait_limited(process: "subprocess.Popen[bytes]", seconds: float) -> Optional[int]:
    """The exit code; None when it takes longer. It is killed then, and nobody waits for that."""
    try:
        code = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return None
    procs.forget(process.pid)
    return code
