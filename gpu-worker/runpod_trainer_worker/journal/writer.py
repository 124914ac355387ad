"""The journal: written to the pod's own disk first, copied to the volume by a thread."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, Optional

from ..base import fsutil
from ..base.clock import now_iso
from ..base.timings import Timings
from .directory import JobDir, is_followed
from .event_line import line_of
from .spool import Spool
from .whole import file_of

_RESERVE_BYTES = 1 << 18


class Journal:
    """Appends events of one epoch to the epoch's own file.

    What the volume was given counts as written when its fsync has returned, and not before: until then it is kept, and
    after a failure all of it is written again at the same place, for the disk may have any part of it or none.

    `write` and `sync` are how the volume is written (as `os.pwrite` and `os.fsync`); `echo` gets every line as bytes.
    `hide` takes secrets out of what an event says; what steps print and report has none where it is read.
    """

    def __init__(
        self,
        job: JobDir,
        epoch: int,
        spool: Optional[Spool],
        timings: Timings,
        echo: Optional[Callable[[bytes], None]] = None,
        write: Callable[[int, bytes, int], int] = os.pwrite,
        sync: Callable[[int], None] = os.fsync,
        hide: Callable[[Any], Any] = lambda value: value,
    ) -> None:
        self._job = job
        self._timings = timings
        self._echo = echo
        self._write = write
        self._sync = sync
        self._hide = hide
        self.epoch = epoch
        self.seq = 0
        self.fenced = False
        self.error: Optional[str] = None
        self._error_since = 0.0
        self._pending = bytearray()
        self._urgent = False
        self._last_words = False
        self._closed = False
        self._state = threading.Condition()
        self._confirmed = 0
        self._spool_fd = self._open_spool(spool)
        self._fd = os.open(file_of(job, epoch), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self._make_reserve(job.reserve)
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @staticmethod
    def _open_spool(spool: Optional[Spool]) -> Optional[int]:
        if spool is None:
            return None
        try:
            return os.open(
                spool.events, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
        except OSError:
            return None

    @staticmethod
    def _make_reserve(path: Path) -> None:
        """Room that is given up when the volume is full, so that the last words can be written."""
        try:
            path.write_bytes(os.urandom(_RESERVE_BYTES))
        except OSError:
            pass

    def emit(self, kind: str, **fields: Any) -> Dict[str, Any]:
        """Appends one event; everything but `log` and `metric` is on the volume when this returns, if it can be."""
        urgent = kind not in ("log", "metric")
        said = self._hide(fields) if urgent else fields
        with self._state:
            event = {"epoch": self.epoch, "seq": self.seq + 1, "time": now_iso(), "type": kind, **said}
            if self.fenced or self._closed:
                return event
            # An event that is no JSON has no number either.
            line = line_of(event)
            self.seq += 1
            self._spool(line)
            self._pending += line
            if urgent:
                self._urgent = True
                self._last_words = self._last_words or kind in ("step.finished", "job.finished")
                self._state.notify_all()
                # While the volume is broken nobody waits: the runner sees `error` and ends the job.
                self._state.wait_for(
                    lambda: not self._pending or self.fenced or self.error is not None, self._timings.sync_wait
                )
        if self._echo is not None:
            self._echo(line)
        return event

    def _spool(self, line: bytes) -> None:
        if self._spool_fd is None:
            return
        try:
            rest = line
            while rest:
                rest = rest[os.write(self._spool_fd, rest) :]
        except OSError:
            # The pod's own disk is full: from here on the volume alone has the journal.
            os.close(self._spool_fd)
            self._spool_fd = None

    def stuck_for(self) -> float:
        """Seconds since the volume stopped taking the journal, 0 while it works."""
        with self._state:
            return time.monotonic() - self._error_since if self.error is not None else 0.0

    def close(self) -> bool:
        """Writes the rest; False when the volume did not take it in time."""
        with self._state:
            self._last_words = self._urgent = True
            self._state.notify_all()
            done = self._state.wait_for(lambda: not self._pending or self.fenced, self._timings.close_wait)
            self._closed = True
            self._state.notify_all()
        self._thread.join(timeout=2)
        if not self._thread.is_alive():
            os.close(self._fd)
        if self._spool_fd is not None:
            os.close(self._spool_fd)
            self._spool_fd = None
        if not self.fenced:
            self._give_reserve_up()
        return done

    def _give_reserve_up(self) -> None:
        try:
            self._job.reserve.unlink()
        except OSError:
            pass

    def _run(self) -> None:
        while True:
            with self._state:
                if self.error is None:
                    self._state.wait_for(lambda: self._urgent or self._closed, self._timings.sync)
                else:
                    self._state.wait(self._timings.sync)
                self._urgent = False
                data = bytes(self._pending)
                closed, relieve = self._closed, self._last_words and self.error is not None
            if data:
                self._copy(data, relieve)
            if closed or self.fenced:
                return

    def _copy(self, data: bytes, relieve: bool) -> None:
        if is_followed(self._job, self.epoch):
            with self._state:
                self.fenced = True
                self._pending.clear()
                self._state.notify_all()
            return
        if relieve:
            self._give_reserve_up()
        written, problem = 0, None
        try:
            while written < len(data):
                written += self._write(self._fd, data[written:], self._confirmed + written)
            self._sync(self._fd)
        except OSError as caught:
            problem = caught
        with self._state:
            if problem is None:
                self._confirmed += written
                del self._pending[:written]
                self.error = None
            else:
                if self.error is None:
                    self._error_since = time.monotonic()
                full = " (it is full: delete something, or make it larger)" if problem.errno in fsutil.FULL else ""
                self.error = f"The volume cannot be written: {problem.strerror}{full}."
            self._state.notify_all()
