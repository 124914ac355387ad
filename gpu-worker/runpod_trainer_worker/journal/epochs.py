"""Takes a job over: an epoch is one start of a worker, and a job has one at a time."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Dict, Optional

from ..base import fsutil, procs
from ..base.errors import WorkerError
from ..base.succession import Succession, Taken, Term
from ..base.timings import Timings
from .directory import JobDir, Lock, lock_of, old_lock, worker_alive
from .spool import Spool, spool_folder
from .whole import file_of, last_event, sizes_before, whole_size


def take_over(job: JobDir, pod_id: Optional[str], timings: Timings) -> Lock:
    """Makes this process the owner of the job in a new epoch.

    Raises WorkerError while the worker of the newest epoch lives, or when another one begins at the same moment, and
    OSError when the volume does not take it.
    """
    line = Succession(job.epochs)
    _adopt(job, line)
    mine = Lock(pod_id, os.getpid(), procs.start_time(os.getpid()) or 0, 0, procs.boot_id())
    try:
        term = line.take(mine.to_json(), lambda newest: not worker_alive(job, lock_of(newest), pod_id, timings))
    except Taken as taken:
        raise already_running(lock_of(taken.term)) from None
    try:
        term.tell({**mine.to_json(), "before": {str(k): v for k, v in _freeze(job, line, term, pod_id).items()}})
    except OSError:
        term.release()
        raise
    return dataclasses.replace(mine, epoch=term.number)


def already_running(lock: Lock) -> WorkerError:
    """The refusal of a second start."""
    place = "" if lock.pod_id is None else f" on the pod {lock.pod_id}"
    who = f"Its worker has the process id {lock.pid}{place} (epoch {lock.epoch})."
    if not lock.pid:
        who = f"Another start of it is under way (epoch {lock.epoch})."
    return WorkerError("This job is running already.", who, "Attach to it, or cancel it first.")


def _adopt(job: JobDir, line: Succession) -> None:
    """Makes the newest epoch of a release that kept a `lock` the first term, with its number and its age."""
    if line.newest() is not None:
        return
    lock, sign = old_lock(job), job.lock
    if lock is None:
        if whole_size(job.first_journal) == 0:
            return
        lock, sign = Lock("", 0, 0, int((last_event(job.first_journal) or {}).get("epoch", 1))), job.first_journal
    term = line.term(lock.epoch)
    term.path.mkdir(parents=True, exist_ok=True)
    term.tell({**lock.to_json(), "before": {}})
    moment = sign.stat().st_mtime
    os.utime(term.path, (moment, moment))


def _freeze(job: JobDir, line: Succession, mine: Term, pod_id: Optional[str]) -> Dict[int, int]:
    """How many bytes of each earlier epoch count from here on.

    This epoch has begun already, so nobody reads on in the earlier files before it is told. What an epoch said of those
    before it stays true.
    """
    before: Dict[int, int] = {}
    open_ones = []
    for number in reversed([n for n in line.numbers() if n < mine.number]):
        earlier = line.term(number)
        open_ones.append(earlier)
        told = sizes_before(earlier)
        if told is not None:
            before.update(told)
            break
    for earlier in open_ones:
        if earlier.owner.get("podId") == pod_id:
            _bring_spool(job, earlier.number)
        before[earlier.number] = _settled_size(file_of(job, earlier.number))
    if job.lock.exists():
        # A worker of such a release looks there whether it was followed.
        fsutil.write_json(job.lock, {**lock_of(mine).to_json(), "epoch": mine.number}, durable=True)
    return before


def _settled_size(path: Path) -> int:
    """Bytes of whole lines of an earlier epoch's file, all of which the disk has."""
    size = whole_size(path)
    if size > 0:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return size


def _bring_spool(job: JobDir, epoch: int) -> None:
    """What a worker that died on this pod had not copied to the volume yet."""
    folder = spool_folder(job)
    if folder is None:
        return
    spool = Spool(folder, epoch)
    try:
        spool.copy_rest(job)
        spool.remove()
    except OSError:
        pass
