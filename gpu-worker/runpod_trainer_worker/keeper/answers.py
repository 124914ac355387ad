"""What the keeper answers to other processes of its pod: a client's commands, and the worker."""

from __future__ import annotations

import os
import queue
import socket
import threading
import time
from dataclasses import asdict
from typing import Any, Callable, Dict, Optional, Protocol

from ..base.clock import boot_seconds, iso
from ..base.timings import Timings
from . import local_socket, saved
from .end_keys import EndKeys
from .states import (
    NAMES,
    Ended,
    Ending,
    Event,
    Job,
    Renewed,
    Running,
    Seen,
    Signs,
    Started,
    State,
    Worker,
    folder_of,
    worker_of,
)
from .worker_process import WorkerProcess


class Kept(Protocol):
    """What answering needs of the keeper; only `put` and `post` may be called by other threads than its first."""

    @property
    def state(self) -> State: ...
    @property
    def keys(self) -> EndKeys: ...
    @property
    def tested(self) -> bool: ...
    @property
    def worker(self) -> WorkerProcess: ...
    def put(self, work: Callable[[], None]) -> None: ...
    def post(self, event: Event) -> None: ...
    def happen(self, event: Event) -> None: ...
    def look_for_worker(self) -> None: ...
    def use(self, rest_url: str, mount: str) -> None: ...
    def saved(self) -> saved.Saved: ...


class Answers:
    """Serves the socket. Whatever looks at the state or changes it is done by the keeper's first thread."""

    def __init__(self, door: socket.socket, keeper: Kept, timings: Timings) -> None:
        self._door = door
        self._keeper = keeper
        self._timings = timings
        #: What the worker has told the journal of the cap; who starts the job waits for it.
        self.told: Optional[Dict[str, Any]] = None
        threading.Thread(target=self._serve, name="answers", daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._door.accept()
                connection.settimeout(self._timings.answer_wait)
            except OSError:
                time.sleep(self._timings.watch_poll)
                continue
            try:
                threading.Thread(target=self._answer, args=(connection,), name="answer", daemon=True).start()
            except RuntimeError:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                question = local_socket.receive(connection) if local_socket.is_own(connection) else None
                if question is not None:
                    local_socket.send(connection, self._reply(question))
            except Exception:
                return

    def _reply(self, question: Dict[str, Any]) -> Dict[str, Any]:
        ask = question.get("ask")
        try:
            if ask == "start":
                return self._start(question)
            work = {"renew": self._renew, "worker": self._hear}.get(str(ask), self._status)
            return self._asked(lambda: work(question))
        except (KeyError, TypeError, ValueError) as problem:
            return _not_understood(problem)

    def _asked(self, work: Callable[[], Dict[str, Any]]) -> Dict[str, Any]:
        """Has the first thread do it."""
        answers: "queue.SimpleQueue[Dict[str, Any]]" = queue.SimpleQueue()

        def answer() -> None:
            try:
                answers.put(work())
            except Exception as problem:
                answers.put(_not_understood(problem))

        self._keeper.put(answer)
        return answers.get(timeout=self._timings.answer_wait)

    def _renew(self, question: Dict[str, Any]) -> Dict[str, Any]:
        if isinstance(self._keeper.state, Ending):
            return {"refused": "The pod is being ended."}
        event = Renewed(str(question["folder"]), float(question["seconds"]))
        self._keeper.use(str(question["restUrl"]), str(question["mount"]))
        self._keeper.happen(event)
        return self._status(question)

    def _start(self, question: Dict[str, Any]) -> Dict[str, Any]:
        job = _job(question["job"])
        given = {key: question[key] for key in ("secrets", "pod", "asked")}
        end = boot_seconds() + self._timings.last_words
        while True:
            answer = self._asked(lambda: self._reserve(job, question, boot_seconds() < end))
            if answer.get("again") is None:
                break
            time.sleep(0.05)
        if "refused" in answer:
            return answer
        try:
            worker = self._keeper.worker.start(job.folder, given, lambda worker: self._keeper.post(Seen(worker)))
        except OSError as problem:
            self._keeper.post(Signs.GONE)
            return {"refused": f"The worker could not be started: {problem}."}
        return {"pid": worker.pid}

    def _reserve(self, job: Job, question: Dict[str, Any], patient: bool) -> Dict[str, Any]:
        keeper = self._keeper
        keeper.look_for_worker()
        state = keeper.state
        if isinstance(state, Ending):
            return {"refused": "The pod is being ended."}
        if isinstance(state, Running):
            return {"refused": f"The job in {state.job.folder} runs on this pod."}
        if isinstance(state, Ended) and not state.written and patient:
            # Two who write one journal at a time would spoil it.
            return {"again": True}
        keeper.use(str(question["restUrl"]), str(question["mount"]))
        self.told = None
        keeper.happen(Started(job))
        return {}

    def _hear(self, question: Dict[str, Any]) -> Dict[str, Any]:
        """What the worker tells of itself, and what it is told."""
        keeper = self._keeper
        worker = Worker(int(question["pid"]), int(question["startTime"]), int(question["epoch"]), str(question["spool"]))
        keeper.happen(Seen(worker, _running(question.get("saved"), worker)))
        known = isinstance(keeper.state, Running) and keeper.state.worker == worker
        if known and question.get("told") is not None:
            self.told = dict(question["told"])
        if known and question.get("finished"):
            keeper.happen(Signs.FINISHED)
        state = keeper.state
        asked = state.asked if isinstance(state, (Running, Ended)) else None
        return {
            "known": known,
            "stop": None if asked is None else asked.reason,
            "watchdog": self._watchdog() if keeper.tested else None,
            "deadline": self._deadline(),
            "saved": saved.to_json(keeper.saved()),
        }

    def _watchdog(self) -> Dict[str, Any]:
        keys = self._keeper.keys
        owners = [key.to_json() for key in keys.all]
        return {"armed": keys.armed, "detail": keys.detail(), "deadline": self._deadline(), "owners": owners}

    def _deadline(self) -> Optional[str]:
        state = self._keeper.state
        deadline = state.job.deadline if isinstance(state, (Running, Ended)) else None
        return None if deadline is None else iso(time.time() + deadline - boot_seconds())

    def _status(self, question: Dict[str, Any]) -> Dict[str, Any]:
        state = self._keeper.state
        worker = worker_of(state)
        return {
            "at": NAMES[type(state)],
            "jobDir": folder_of(state),
            "deadline": self._deadline(),
            "keeps": isinstance(state, Ended) and state.keeps,
            "pid": os.getpid(),
            "worker": None if worker is None else asdict(worker),
            "told": self.told,
            "output": self._keeper.worker.output(),
        }


def _job(raw: Dict[str, Any]) -> Job:
    """Raises KeyError, TypeError or ValueError."""

    def number(name: str) -> Optional[float]:
        return None if raw[name] is None else float(raw[name])

    if raw["onFinish"] not in ("terminate", "stop", "keep"):
        raise ValueError(f"onFinish is {raw['onFinish']!r}")
    cap, hold = number("capSeconds"), float(raw["holdSeconds"])
    deadline = None if cap is None else boot_seconds() + cap
    return Job(str(raw["folder"]), str(raw["onFinish"]), cap, deadline, number("stallSeconds"), hold)


def _running(raw: object, worker: Worker) -> Optional[Running]:
    """The state in which an earlier keeper had this worker, as the worker kept it."""
    if not isinstance(raw, dict):
        return None
    try:
        state = saved.from_json(raw).state
    except ValueError:
        return None
    return state if isinstance(state, Running) and state.worker == worker else None


def _not_understood(problem: Exception) -> Dict[str, Any]:
    return {"refused": f"The question was not understood: {type(problem).__name__}: {problem}."}
