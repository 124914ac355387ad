"""Begins a job at most once, for a client whose link may break at any moment and who then asks again."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any, Dict, Iterator, Optional

from ..base import fsutil
from ..base.errors import WorkerError
from ..base.timings import Timings
from ..journal.directory import JobDir, Lock, read_lock, worker_alive
from ..journal.spool import spool_folder
from ..journal.whole import events_of, file_of
from ..keeper.pod_environment import pod_environment
from .start import read_secrets, start


def begin(job: JobDir, text: str, timings: Timings) -> Dict[str, Any]:
    """Takes `{"spec", "secrets"}`, starts the job unless it has begun, and answers what `start` answers or has answered.

    Input that a broken link cut off is refused: a job never begins without its secrets.
    """
    spec = _spec_in(text)
    secrets = read_secrets(text)
    job.path.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(job):
        told = _told(job, timings)
        if told is None:
            fsutil.write_json(job.path / "spec.json", spec, durable=True)
            told = start(job, secrets, timings, join=True)
        return told


def begun(job: JobDir, timings: Timings) -> Dict[str, Any]:
    """`{"begun": what start answered}`, or null there; waits while somebody just starts the job."""
    if not job.path.is_dir():
        return {"begun": None}
    with _one_at_a_time(job):
        return {"begun": _told(job, timings)}


def _spec_in(text: str) -> Dict[str, Any]:
    try:
        given = json.loads(text)
        spec = given["spec"]
        complete = isinstance(spec, dict) and isinstance(given["secrets"], dict)
    except (ValueError, KeyError, TypeError) as problem:
        raise _not_understood() from problem
    if not complete:
        raise _not_understood()
    return dict(spec)


def _not_understood() -> WorkerError:
    why = "Standard input is not one whole JSON object with spec and secrets; perhaps the link broke."
    return WorkerError("The job was not understood.", why, "Send it again.")


@contextlib.contextmanager
def _one_at_a_time(job: JobDir) -> Iterator[None]:
    path = (spool_folder(job) or job.path) / "begin.lock"
    with contextlib.ExitStack() as stack:
        while True:
            lock = stack.enter_context(open(path, "wb"))
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Who had it before has removed it: what is there now is another's.
            if _is_at(path, lock.fileno()):
                break
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        there, mine = path.stat(), os.fstat(descriptor)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)


def _told(job: JobDir, timings: Timings) -> Optional[Dict[str, Any]]:
    """What a start that took effect has answered; one that took effect is never taken back, whatever became of it."""
    lock = read_lock(job)
    if lock is None:
        return None
    end = time.monotonic() + timings.start_wait
    pod_id = pod_environment().get("RUNPOD_POD_ID")
    while True:
        alive = worker_alive(job, lock, pod_id, timings)
        answer = _answer_in(job, lock)
        if answer is not None:
            return answer
        if not alive or time.monotonic() > end:
            silent = {"armed": False, "detail": "The keeper has not answered yet.", "deadline": None, "owners": []}
            return {"pid": lock.pid, "epoch": lock.epoch, "watchdog": silent}
        time.sleep(0.05)


def _answer_in(job: JobDir, lock: Lock) -> Optional[Dict[str, Any]]:
    """`{"pid", "epoch", "watchdog"}` once the epoch's journal has what the keeper says, or the job's end."""
    try:
        data = file_of(job, lock.epoch).read_bytes()
    except OSError:
        return None
    for event in events_of(data[: data.rfind(b"\n") + 1]):
        if event.get("type") in ("watchdog", "job.finished"):
            told = {key: event.get(key) for key in ("armed", "detail", "deadline", "owners")}
            if event["type"] == "job.finished":
                told = {"armed": False, "detail": str(event.get("reason")), "deadline": None, "owners": []}
            return {"pid": lock.pid, "epoch": lock.epoch, "watchdog": told}
    return None
