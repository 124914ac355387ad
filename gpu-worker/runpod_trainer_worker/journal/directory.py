"""The job directory's files, its lock, and where its journal ends."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from pathlib import Path
from typing import Any, Dict, Optional

from ..base import fsutil, procs
from ..base.timings import Timings


class JobDir:
    """Paths in one job directory."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.abspath(path))
        self.journal = self.path / "events.jsonl"
        self.state = self.path / "state.json"
        self.lock = self.path / "lock"
        self.control = self.path / "control"
        self.steps = self.path / "steps"
        self.watchdog_log = self.path / "watchdog.log"
        self.reserve = self.path / "reserve"

    @property
    def all_steps(self) -> str:
        """What `procs.members_of` takes for every step of this job."""
        return f"{self.steps}/"


@dataclasses.dataclass(frozen=True)
class Lock:
    """Who owns the job; `pod_id` is None outside a pod."""

    pod_id: Optional[str]
    pid: int
    start_time: int
    epoch: int

    def write(self, job: JobDir) -> None:
        """Takes the job over."""
        value = {"podId": self.pod_id, "pid": self.pid, "startTime": self.start_time, "epoch": self.epoch}
        fsutil.write_json(job.lock, value, durable=True)


def read_lock(job: JobDir) -> Optional[Lock]:
    """The lock, or None when the job was never started."""
    raw = fsutil.read_json(job.lock)
    if raw is None:
        return None
    try:
        return Lock(raw.get("podId"), int(raw["pid"]), int(raw["startTime"]), int(raw["epoch"]))
    except (KeyError, TypeError, ValueError):
        return None


def worker_alive(job: JobDir, lock: Optional[Lock], pod_id: Optional[str], timings: Timings) -> bool:
    """Whether the lock's worker runs; one on another pod is judged by the age of its last sign in state.json."""
    if lock is None:
        return False
    if lock.pod_id == pod_id:
        return procs.is_alive(lock.pid, lock.start_time)
    state = fsutil.read_json(job.state)
    if state is None or state.get("status") != "running" or state.get("epoch") != lock.epoch:
        return False
    try:
        return time.time() - job.state.stat().st_mtime < timings.stale
    except OSError:
        return False


def last_event(path: Path) -> Optional[Dict[str, Any]]:
    """The last whole line of a journal, or None."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            block = 1 << 16
            while True:
                begin = max(0, size - block)
                file.seek(begin)
                data = file.read(size - begin)
                end = data.rfind(b"\n")
                start = data.rfind(b"\n", 0, end) + 1 if end >= 0 else 0
                if end < 0 or (start == 0 and begin > 0):
                    if begin == 0:
                        return None
                    block *= 4
                    continue
                value = json.loads(data[start:end])
                return value if isinstance(value, dict) else None
    except (OSError, ValueError):
        return None


def whole_size(path: Path) -> int:
    """Bytes of a journal up to the end of its last whole line; 0 when there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    try:
        position = os.fstat(descriptor).st_size
        while position > 0:
            begin = max(0, position - (1 << 16))
            newline = os.pread(descriptor, position - begin, begin).rfind(b"\n")
            if newline >= 0:
                return begin + newline + 1
            position = begin
        return 0
    finally:
        os.close(descriptor)


def cut_torn_tail(path: Path) -> int:
    """Cuts a last line without its end; answers the journal's size in bytes."""
    size = whole_size(path)
    if path.exists() and path.stat().st_size != size:
        os.truncate(path, size)
    return size


def is_finished(job: JobDir, lock: Optional[Lock]) -> bool:
    """Whether the journal's newest epoch has its last event."""
    event = last_event(job.journal)
    if event is None or event.get("type") != "job.finished":
        return False
    return lock is None or int(event.get("epoch", 0)) >= lock.epoch
