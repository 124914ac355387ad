"""What the watchdog reads from and writes to the volume, in threads: a volume that hangs must not hang the watchdog."""

from __future__ import annotations

import queue
import threading
import time
from typing import Any, Dict, Optional

from ..base.clock import now_iso
from ..journal.directory import JobDir, Lock, read_lock
from ..journal.requests import Requests


class VolumeView:
    """`lock` and `hold` are the last that could be read; `log` never waits."""

    def __init__(self, job: JobDir, requests: Requests, pause: float) -> None:
        self._job = job
        self._requests = requests
        self._pause = pause
        self._lines: "queue.Queue[Optional[str]]" = queue.Queue()
        self.lock: Optional[Lock] = None
        self.hold: Dict[str, Any] = {}
        self._writer = threading.Thread(target=self._write, name="log", daemon=True)
        self._writer.start()
        threading.Thread(target=self._read, name="view", daemon=True).start()

    def log(self, text: str) -> None:
        """One line of watchdog.log."""
        self._lines.put(f"{now_iso()} {text}\n")

    def close(self) -> None:
        """Writes the rest of the log, if that does not take long."""
        self._lines.put(None)
        self._writer.join(timeout=2)

    def _read(self) -> None:
        while True:
            self.lock = read_lock(self._job)
            self.hold = self._requests.read("hold")
            time.sleep(self._pause)

    def _write(self) -> None:
        while True:
            line = self._lines.get()
            if line is None:
                return
            try:
                with open(self._job.watchdog_log, "a", encoding="utf-8") as file:
                    file.write(line)
            except OSError:
                pass
