"""Writes what a worker has left behind, in a process that may be left hanging when the volume does not answer."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Dict, Optional

from ..journal.directory import JobDir, read_lock
from ..journal.spool import Spool, spool_place
from .lost_job import write_lost

#: Exit code: the worker had not told its end, so `lost` was written in its place.
WROTE_LOST = 3


def write(job: JobDir, pod_id: Optional[str], worker: Dict[str, Any], memory: bool) -> bool:
    """Brings the journal up to what its worker had said; raises OSError when the volume does not take it.

    Answers whether `lost` was written.
    """
    epoch = worker["epoch"]
    if epoch is None:
        # It may have died before it could tell.
        lock = read_lock(job)
        if lock is None or (lock.pod_id, lock.pid, lock.start_time) != (pod_id, worker["pid"], worker["start_time"]):
            return False
        epoch = lock.epoch
    folder = worker["spool"] or spool_place(job) or job.path / "spool"
    spool = Spool(Path(folder), epoch)
    lost = write_lost(job, spool, memory)
    spool.remove()
    return lost


def main(job: JobDir) -> int:
    """The internal command; its input is `{"podId", "worker", "memory"}`."""
    given = json.load(sys.stdin)
    worker = given["worker"]
    lost = worker is not None and write(job, given["podId"], worker, bool(given["memory"]))
    return WROTE_LOST if lost else 0
