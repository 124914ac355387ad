"""The worker's side of the keeper: tells it what the worker is, hears whether to go on, starts it again when it died."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any, Dict, Optional

from ..base import procs
from ..base.timings import Timings
from ..journal.state import State
from ..journal.writer import Journal
from . import local_socket
from .access import start_keeper

#: What the journal is told of the keeper.
_FIELDS = ("armed", "detail", "deadline", "owners")


class WorkerLink:
    """From `begin` on a thread asks the keeper now and then, until the process ends."""

    def __init__(self, pod_id: Optional[str], keys: Dict[str, str], epoch: int, spool: str, timings: Timings) -> None:
        self._pod_id = pod_id or ""
        self._keys = keys
        self._timings = timings
        started = procs.start_time(os.getpid()) or 0
        self._question: Dict[str, Any] = {
            "ask": "worker",
            "pid": os.getpid(),
            "startTime": started,
            "epoch": epoch,
            "spool": spool,
        }
        self._lock = threading.Lock()
        self._answer: Dict[str, Any] = {}
        #: The state of the keeper while it knew this worker.
        self._left: Optional[Dict[str, Any]] = None
        self._silent_since: Optional[float] = None
        self._retry, self._pause = 0.0, self._timings.watch_poll
        self._journal: Optional[Journal] = None
        self._state: Optional[State] = None
        self._told: Optional[Dict[str, Any]] = None
        #: Why the keeper wants the job to end.
        self.stop: Optional[str] = None

    def begin(self) -> None:
        """From here on the keeper knows this worker."""
        self._ask()
        threading.Thread(target=self._run, name="keeper", daemon=True).start()

    def attach(self, journal: Journal, state: State) -> None:
        """Tells the journal what the keeper says; waits, not for long, until it has tested its keys."""
        end = time.monotonic() + self._timings.probe_wait
        while time.monotonic() < end and self._news() is None:
            self._ask()
            time.sleep(0.05)
        text = "The keeper has not answered yet."
        unknown: Dict[str, Any] = {"armed": False, "detail": text, "deadline": self._answer.get("deadline"), "owners": []}
        self._journal, self._state = journal, state
        self._tell(self._news() or unknown)
        self._ask()

    def finish(self) -> None:
        """The job's end is about to be told; nothing stands in the journal after it."""
        with self._lock:
            self._journal = None
            self._question["finished"] = True
        self._ask()

    def reason(self) -> Optional[str]:
        """Why the keeper wants the job to end; asks it, since its signal may be quicker than its answer."""
        if self.stop is None:
            self._ask()
        return self.stop

    def _ask(self) -> bool:
        """Whether there is a keeper."""
        with self._lock:
            question = dict(self._question)
        if self._answer.get("known") is False:
            question["saved"] = self._left
        try:
            answer = local_socket.ask(self._pod_id, question, self._timings.answer_wait)
        except local_socket.Silent as silence:
            self._is_silent(silence.pid)
            return True
        if answer is None or "refused" in answer:
            return answer is not None
        self._silent_since = None
        self._answer = answer
        if answer["known"]:
            self._left = answer["saved"]
        self.stop = answer["stop"] or self.stop
        return True

    def _is_silent(self, pid: Optional[int]) -> None:
        """One that does not answer for long is ended, so that another one can be started."""
        now = time.monotonic()
        self._silent_since = self._silent_since or now
        if pid and now - self._silent_since > self._timings.silent_wait:
            self._silent_since = None
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass

    def _news(self) -> Optional[Dict[str, Any]]:
        value = self._answer.get("watchdog")
        return {key: value.get(key) for key in _FIELDS} if isinstance(value, dict) else None

    def _run(self) -> None:
        while True:
            time.sleep(self._timings.watch_poll)
            if not self._ask():
                self._start_again()
            news = self._news()
            told = self._told
            if (
                news is not None
                and told is not None
                and any(news[key] != told.get(key) for key in _FIELDS if key != "deadline")
            ):
                self._tell(news)

    def _tell(self, news: Dict[str, Any]) -> None:
        with self._lock:
            journal, state = self._journal, self._state
        if journal is None or state is None:
            return
        journal.emit("watchdog", **news)
        state.update(watchdog=news)
        self._told = news
        with self._lock:
            self._question["told"] = news

    def _start_again(self) -> None:
        now = time.monotonic()
        if now < self._retry or self._left is None:
            return
        self._retry = now + self._pause
        self._pause = min(self._pause * 2, self._timings.api_retry_max)
        self._note("The keeper had died; a new one was started.")
        # What the new one says is told, also when it is the same.
        self._told = {}
        try:
            start_keeper(self._pod_id, self._keys, str(self._left["restUrl"]), self._left)
        except OSError as problem:
            self._note(f"The keeper could not be started: {problem}.")

    def _note(self, text: str) -> None:
        with self._lock:
            journal = self._journal
        if journal is not None:
            journal.emit("note", level="warning", text=text)
