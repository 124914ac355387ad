"""Ends a pod on which no job has begun: its client may have died between renting it and starting the worker."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, Dict, NoReturn, Optional

from ..base import fsutil, procs
from ..base.clock import boot_seconds, now_iso
from ..base.detached import send_input, start_detached
from ..base.timings import Timings
from ..journal.directory import JobDir, read_lock
from ..journal.spool import scratch_folder
from .end_keys import EndKeys, keys_of
from .end_pod import end_pod
from .pod_api import check_address
from .pod_environment import pod_environment

_FILE = "guard.json"


def guard(job: JobDir, rest_url: str, minutes: float, timings: Timings) -> Dict[str, Any]:
    """Lets the pod end when no worker of this job has started within so many minutes from now.

    There is one guard on a pod: a second call gives it more time, or another job to wait for. Answers
    `{"armed", "detail"}`.
    """
    pod = pod_environment()
    pod_id, keys = pod.get("RUNPOD_POD_ID"), keys_of(pod)
    folder = scratch_folder()
    if not pod_id or not keys:
        return {"armed": False, "detail": "The pod has no key of its own, so it cannot end itself."}
    if folder is None:
        return {"armed": False, "detail": "No disk of this pod can be written."}
    check_address(rest_url)  # one that is not safe is refused before anything starts
    with open(folder / "guard.lock", "wb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        before = fsutil.read_json(folder / _FILE) or {}
        deadline = boot_seconds() + minutes * timings.guard_minute
        value = {"jobDir": str(job.path), "deadline": deadline, "pid": 0, "startTime": 0}
        pid, started = int(before.get("pid") or 0), int(before.get("startTime") or 0)
        if not pid or not procs.is_alive(pid, started):
            # The process waits for its input, so it reads a file that is complete.
            process = start_detached(["_guard", str(folder)])
            pid, started = process.pid, procs.start_time(process.pid) or 0
            value.update(pid=pid, startTime=started)
            fsutil.write_json(folder / _FILE, value)
            send_input(process, {"podId": pod_id, "keys": keys, "restUrl": rest_url})
        else:
            value.update(pid=pid, startTime=started)
            fsutil.write_json(folder / _FILE, value)
    return {"armed": True, "detail": f"Without a worker the pod ends in {minutes:g} minutes."}


class _LockSeen:
    """Whether a worker has started on this pod for a job; the volume is read in a thread because it may hang."""

    def __init__(self, job_dir: str, pod_id: str, pause: float) -> None:
        self.job_dir = job_dir
        self.started = False
        self._pod_id = pod_id
        self._pause = pause
        threading.Thread(target=self._look, name="lock", daemon=True).start()

    def _look(self) -> None:
        job = JobDir(Path(self.job_dir))
        while not self.started:
            lock = read_lock(job)
            self.started = lock is not None and lock.pod_id == self._pod_id
            time.sleep(self._pause)


def main(arguments: "list[str]") -> NoReturn:
    """The internal command; the keys come by standard input."""
    folder = Path(arguments[0])
    given = json.load(sys.stdin)
    _watch(folder, given, Timings.from_environment())
    # A thread that waits for the volume must not keep this process.
    os._exit(0)


def _watch(folder: Path, given: Dict[str, Any], timings: Timings) -> None:
    seen: Optional[_LockSeen] = None
    while True:
        wanted = fsutil.read_json(folder / _FILE)
        if wanted is None or wanted.get("pid") != os.getpid():
            return
        job_dir = str(wanted["jobDir"])
        if seen is None or seen.job_dir != job_dir:
            seen = _LockSeen(job_dir, given["podId"], timings.watch_poll)
        if seen.started and _leave(folder, job_dir):
            return
        if boot_seconds() >= float(wanted["deadline"]):
            _end(JobDir(Path(job_dir)), given, timings)
            return
        time.sleep(timings.watch_poll)


def _leave(folder: Path, job_dir: str) -> bool:
    """False when another job was named meanwhile."""
    with open(folder / "guard.lock", "wb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        now = fsutil.read_json(folder / _FILE) or {}
        if now.get("pid") == os.getpid():
            if now.get("jobDir") != job_dir:
                return False
            (folder / _FILE).unlink(missing_ok=True)
    return True


def _end(job: JobDir, given: Dict[str, Any], timings: Timings) -> None:
    def log(text: str) -> None:
        """Told to the volume by a thread of its own, which may hang."""
        threading.Thread(target=_append, args=(job, f"{now_iso()} guard: {text}\n"), daemon=True).start()

    log("no worker has started and no client is at work; terminating the pod")
    keys = EndKeys(given["restUrl"], given["podId"], given["keys"], timings.api_timeout)
    end_pod(keys.usable, False, timings, log)


def _append(job: JobDir, line: str) -> None:
    try:
        job.path.mkdir(parents=True, exist_ok=True)
        with open(job.watchdog_log, "a", encoding="utf-8") as file:
            file.write(line)
    except OSError:
        pass
