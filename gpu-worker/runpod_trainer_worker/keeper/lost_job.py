"""Finishes the journal of a worker that died without a word."""

from __future__ import annotations

import os
from typing import Any, Dict, List

from ..base import fsutil
from ..base.clock import now_iso
from ..journal.directory import JobDir, is_followed
from ..journal.event_line import line_of
from ..journal.spool import Spool, write_at
from ..journal.whole import cut_torn_tail, file_of, last_event


def write_lost(job: JobDir, spool: Spool, memory: bool) -> bool:
    """Copies the rest of the spool, then writes `job.finished` with `lost` when the worker had not finished.

    `memory` says that the kernel killed something for lack of memory meanwhile. Answers whether it wrote; raises
    OSError when the volume does not take it.
    """
    if is_followed(job, spool.epoch):
        return False
    try:
        job.reserve.unlink()
    except OSError:
        pass
    spool.copy_rest(job)
    journal = file_of(job, spool.epoch)
    size = cut_torn_tail(journal)
    last = last_event(journal) or {}
    if last.get("epoch") == spool.epoch and last.get("type") == "job.finished":
        _write_state(job, spool.epoch, last)
        return False
    state = fsutil.read_json(job.state) or {}
    reason = "The worker died without a word"
    reason += ": the kernel killed it or its step for lack of memory." if memory else " (it was killed, or it crashed)."
    event = {
        "epoch": spool.epoch,
        "seq": int(last.get("seq", 0)) + 1 if last.get("epoch") == spool.epoch else 1,
        "time": now_iso(),
        "type": "job.finished",
        "status": "lost",
        "reason": reason,
        "step": state.get("step") if state.get("epoch") == spool.epoch else None,
        "seconds": 0.0,
    }
    descriptor = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        write_at(descriptor, line_of(event), size)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    _write_state(job, spool.epoch, event)
    return True


def _write_state(job: JobDir, epoch: int, event: Dict[str, Any]) -> None:
    state = fsutil.read_json(job.state)
    if state is None or state.get("epoch") != epoch or state.get("status") != "running":
        return
    steps: List[Dict[str, Any]] = state.get("steps") or []
    for step in steps:
        if step.get("status") == "running":
            step["status"] = "failed"
    changes = {key: event[key] for key in ("status", "reason", "step", "seq")}
    state.update(changes, finished=event["time"], updated=now_iso())
    fsutil.write_json(job.state, state)
