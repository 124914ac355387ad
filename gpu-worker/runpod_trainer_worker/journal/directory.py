"""The job directory's files, and who has the job."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path
from typing import Any, Dict, Optional

from ..base import fsutil, procs
from ..base.succession import Succession, Term, volume_time
from ..base.timings import Timings


class JobDir:
    """Paths in one job directory."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.abspath(path))
        self.first_journal = self.path / "events.jsonl"
        self.state = self.path / "state.json"
        self.epochs = self.path / "epochs"
        #: Who has the job, where a release without epochs started it.
        self.lock = self.path / "lock"
        self.control = self.path / "control"
        self.steps = self.path / "steps"
        self.results = self.path / "results.jsonl"
        self.watchdog_log = self.path / "watchdog.log"
        self.reserve = self.path / "reserve"

    @property
    def all_steps(self) -> str:
        """What `procs.members_of` takes for every step of this job."""
        return f"{self.steps}/"


@dataclasses.dataclass(frozen=True)
class Lock:
    """Who has the job; `pod_id` is None outside a pod and empty while the owner has not said who it is.

    `boot` is the id of the kernel's start; None where it is not known.
    """

    pod_id: Optional[str]
    pid: int
    start_time: int
    epoch: int
    boot: Optional[str] = None

    def to_json(self) -> Dict[str, Any]:
        """What the owner of an epoch says of itself."""
        return {"podId": self.pod_id, "pid": self.pid, "startTime": self.start_time, "boot": self.boot}


def lock_of(term: Term) -> Lock:
    """Who has this term."""
    return _lock(term.owner, term.number) or Lock("", 0, 0, term.number)


def old_lock(job: JobDir) -> Optional[Lock]:
    """Who has a job that a release without epochs started, or None."""
    raw = fsutil.read_json(job.lock)
    try:
        return None if raw is None else _lock(raw, int(raw["epoch"]))
    except (KeyError, TypeError, ValueError):
        return None


def _lock(raw: Dict[str, Any], epoch: int) -> Optional[Lock]:
    try:
        pod_id, boot = raw.get("podId"), raw.get("boot")
        return Lock(
            None if pod_id is None else str(pod_id),
            int(raw["pid"]),
            int(raw["startTime"]),
            epoch,
            None if boot is None else str(boot),
        )
    except (KeyError, TypeError, ValueError):
        return None


def read_lock(job: JobDir) -> Optional[Lock]:
    """Who has the job; None when it was never started, or the volume cannot tell."""
    try:
        term = Succession(job.epochs).newest()
    except OSError:
        return None
    return old_lock(job) if term is None else lock_of(term)


def newest_epoch(job: JobDir) -> int:
    """The number of the epoch that counts, 0 when the job was never started; raises OSError."""
    numbers = Succession(job.epochs).numbers()
    if numbers:
        return numbers[-1]
    lock = old_lock(job)
    return 0 if lock is None else lock.epoch


def is_followed(job: JobDir, epoch: int) -> bool:
    """Whether a newer epoch has the job; a volume that cannot tell says no."""
    try:
        return newest_epoch(job) > epoch
    except OSError:
        return False


def worker_alive(job: JobDir, lock: Optional[Lock], pod_id: Optional[str], timings: Timings) -> bool:
    """Whether the lock's worker runs; one on another pod is judged by the age of its last sign, by the volume's clock."""
    if lock is None:
        return False
    if lock.pod_id == pod_id:
        same_boot = lock.boot is None or lock.boot == procs.boot_id()
        return same_boot and procs.is_alive(lock.pid, lock.start_time)
    state = fsutil.read_json(job.state)
    own = state is not None and state.get("epoch") == lock.epoch
    if own and state is not None and state.get("status") != "running":
        return False
    try:
        sign = max(_began(job, lock), job.state.stat().st_mtime if own else 0.0)
    except OSError:
        return False
    return _now(job) - sign < timings.stale


def _began(job: JobDir, lock: Lock) -> float:
    """When the epoch began, by the clock of the volume; raises OSError."""
    term = Succession(job.epochs).term(lock.epoch)
    return term.last_sign() or job.lock.stat().st_mtime


def _now(job: JobDir) -> float:
    try:
        return volume_time(job.path)
    except OSError:
        # Full, or not ours to write: the clock of this machine is near enough.
        return time.time()
