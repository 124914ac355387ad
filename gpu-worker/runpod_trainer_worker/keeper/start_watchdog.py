"""The worker's side of the watchdog: starts it, starts it again when it died, tells what it says."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from typing import Any, Dict, Optional

from ..base import fsutil
from ..base.clock import boot_seconds, iso
from ..base.detached import send_input, start_detached
from ..base.procs import start_time
from ..base.timings import Timings
from ..journal.directory import JobDir
from ..journal.spec import Spec
from ..journal.spool import Spool
from ..journal.state import State
from ..journal.writer import Journal


class WatchdogProcess:
    """One watchdog process at a time, from `start` to `stop`; `stop` leaves the process running."""

    def __init__(
        self,
        job: JobDir,
        spec: Spec,
        spool: Spool,
        journal: Journal,
        state: State,
        timings: Timings,
        pod_id: Optional[str],
        keys: Dict[str, str],
    ) -> None:
        self._job = job
        self._spool = spool
        self._journal = journal
        self._state = state
        self._timings = timings
        self._pod_id = pod_id
        self._keys = keys
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._told: Optional[Dict[str, Any]] = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog process", daemon=True)
        cap = spec.cap_seconds
        self._deadline = None if cap is None else boot_seconds() + cap

    def start(self) -> None:
        """Starts the watchdog and waits, not for long, until it has tested its key."""
        self._spawn()
        end = time.monotonic() + self._timings.probe_wait
        while time.monotonic() < end and self._process is not None and self._process.poll() is None:
            if self._tell_news():
                break
            time.sleep(0.05)
        if self._told is None:
            text = "The watchdog has not answered yet."
            self._tell({"armed": False, "detail": text, "deadline": self._deadline_iso(), "owners": []})
        self._thread.start()

    def stop(self) -> None:
        """Ends the supervision."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        pause = self._timings.watch_poll
        while not self._over.wait(pause):
            self._tell_news()
            if self._journal.fenced:
                return
            if self._process is None or self._process.poll() is not None:
                text = "The watchdog had died; a new one was started."
                self._journal.emit("note", level="warning", text=text)
                self._told = None
                self._spawn()

    def _spawn(self) -> None:
        self._spool.watchdog.unlink(missing_ok=True)
        argv = ["_watchdog", "--job-dir", str(self._job.path)]
        argv += ["--spool", str(self._spool.folder), "--epoch", str(self._spool.epoch)]
        argv += ["--pid", str(os.getpid()), "--start-time", str(start_time(os.getpid()) or 0)]
        if self._deadline is not None:
            argv += ["--deadline", repr(self._deadline)]
        try:
            process = start_detached(argv)
            send_input(process, {"podId": self._pod_id, "keys": self._keys})
        except OSError as problem:
            self._journal.emit("note", level="error", text=f"The watchdog could not be started: {problem}.")
            return
        self._process = process

    def _tell_news(self) -> bool:
        news = fsutil.read_json(self._spool.watchdog)
        if news is None or news == self._told:
            return False
        self._tell(news)
        self._told = news
        return True

    def _tell(self, news: Dict[str, Any]) -> None:
        value = {key: news.get(key) for key in ("armed", "detail", "deadline", "owners")}
        self._journal.emit("watchdog", **value)
        self._state.update(watchdog=value)

    def _deadline_iso(self) -> Optional[str]:
        return None if self._deadline is None else iso(time.time() + self._deadline - boot_seconds())
