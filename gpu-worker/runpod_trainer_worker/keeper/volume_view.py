"""What the keeper reads from and writes to the volume, in threads: a volume that hangs must not hang the keeper."""

from __future__ import annotations

import queue
import threading
import time
from pathlib import Path
from typing import Callable, Optional, Tuple

from ..base.clock import boot_seconds, now_iso
from ..journal.directory import JobDir, read_lock
from ..journal.requests import Requests
from .states import Ended, Event, Held, Running, Signs, State, folder_of


class VolumeView:
    """Posts what it reads as events: whether another pod has the job, and for how long a client holds this one."""

    def __init__(self, pod_id: str, pause: float, post: Callable[[Event], None]) -> None:
        self._pod_id = pod_id
        self._pause = pause
        self._post = post
        self._state: Optional[State] = None
        self._told = self._written = 0
        self._lines: "queue.SimpleQueue[Tuple[str, str]]" = queue.SimpleQueue()
        for run in (self._write, self._read):
            threading.Thread(target=run, name=run.__name__, daemon=True).start()

    def attend(self, state: State) -> None:
        """Whose job it is about from here on."""
        self._state = state

    def log(self, text: str) -> None:
        """One line of watchdog.log; never waits."""
        folder = "" if self._state is None else folder_of(self._state)
        if folder:
            self._told += 1
            self._lines.put((folder, f"{now_iso()} {text}\n"))

    def settle(self, seconds: float) -> None:
        """Waits until the log is written, if that does not take long."""
        end = time.monotonic() + seconds
        while self._written < self._told and time.monotonic() < end:
            time.sleep(0.02)

    def _read(self) -> None:
        told: Tuple[str, Optional[float]] = ("", None)
        while True:
            time.sleep(self._pause)
            state = self._state
            if not isinstance(state, Ended):
                told = ("", None)
            if not isinstance(state, (Running, Ended)) or state.worker is None or state.worker.epoch is None:
                continue
            try:
                job = JobDir(Path(state.job.folder))
                if _overtaken(job, self._pod_id, state.worker.epoch):
                    self._post(Signs.OVERTAKEN)
                held = _held(Requests(job, None if state.worker.spool is None else Path(state.worker.spool)))
                if isinstance(state, Ended) and (state.job.folder, held) != told:
                    told = (state.job.folder, held)
                    self._post(Held(held))
            except Exception:
                # A volume that cannot be read says nothing.
                continue

    def _write(self) -> None:
        while True:
            folder, line = self._lines.get()
            try:
                job = JobDir(Path(folder))
                job.path.mkdir(parents=True, exist_ok=True)
                with open(job.watchdog_log, "a", encoding="utf-8") as file:
                    file.write(line)
            except Exception:
                pass
            self._written += 1


def _overtaken(job: JobDir, pod_id: str, epoch: int) -> bool:
    lock = read_lock(job)
    return lock is not None and lock.epoch > epoch and (lock.pod_id or "") != pod_id


def _held(requests: Requests) -> Optional[float]:
    """When a client last asked to hold the pod, in seconds since boot; None when it did not."""
    asked = requests.read("hold").get("boot")
    return float(asked) if isinstance(asked, (int, float)) and asked <= boot_seconds() + 1 else None
