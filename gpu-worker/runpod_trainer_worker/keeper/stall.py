"""Finds a job that does nothing any more. It never rests on one witness: all of them must be silent."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Callable, List, Optional

from ..base import procs
from ..base.clock import boot_seconds
from ..base.timings import Timings
from ..journal.directory import JobDir
from ..journal.spool import Spool
from .activity import Gpus, Use, file_mark, use_of
from .states import Event, Running, Stalled, State, Worker

#: Share of one CPU above which a step computes; an idle notebook with its kernel was measured at 0.0007.
_CPU_SHARE = 0.005
#: Share of one CPU since the last look that counts at once, however long it was quiet before.
_CPU_AT_ONCE = 0.2
#: The worker itself looks for requests all the time, so it counts as busy only above this share.
_WORKER_SHARE = 0.05
#: Below this nothing is measured: the kernel counts in hundredths of a second.
_CPU_FLOOR = 0.2
#: Bytes per second above which a step reads or writes files.
_BYTES_RATE = 16_000


class StallWatch:
    """`look` is called now and then; it answers why the job counts as stalled, or None."""

    def __init__(self, job: JobDir, spool: Spool, worker: int, seconds: float, pause: float, now: float) -> None:
        self._job = job
        self._spool = spool
        self._worker = worker
        self._seconds = seconds
        self._pause = pause
        self._gpus = Gpus()
        self._looked = now
        #: When everything fell silent, and what had been used by then.
        self._since = self._last_time = now
        self._use = self._last = Use()
        self._pids: List[int] = []
        self._journal = file_mark(spool.events)
        self._gpu_unknown = False

    def look(self, now: float) -> Optional[str]:
        """`now` in seconds since boot. Between two looks at the witnesses it answers None at once."""
        if now - self._looked < self._pause:
            return None
        asleep = now - self._looked > 3 * self._pause + 60
        self._looked = now
        if asleep or self._moved(now):
            self._restart(now)
            return None
        busy = self._gpus.busy()
        self._gpus.ask()
        if busy:
            self._restart(now)
            return None
        self._gpu_unknown = self._gpus.present and busy is None
        quiet = now - self._since
        # With one witness that cannot speak the others must be silent for longer.
        return self._told(quiet) if quiet >= self._seconds * (2 if self._gpu_unknown else 1) else None

    def _moved(self, now: float) -> bool:
        mark = file_mark(self._spool.events)
        if mark != self._journal:
            self._journal = mark
            return True
        pids = procs.members_of(self._job.all_steps)
        use = use_of(pids or [self._worker])
        passed, self._last, last = now - self._last_time, use, self._last
        self._last_time = now
        if bool(pids) != bool(self._pids) or use.cpu < self._use.cpu:
            # Processes came or went, which is something too.
            return True
        self._pids = pids
        if use.cpu - last.cpu > _CPU_AT_ONCE * passed:
            return True
        quiet = max(now - self._since, self._pause)
        share = _CPU_SHARE if pids else _WORKER_SHARE
        computed = use.cpu - self._use.cpu > max(_CPU_FLOOR, share * quiet)
        return computed or (bool(pids) and use.bytes - self._use.bytes > _BYTES_RATE * quiet)

    def _restart(self, now: float) -> None:
        self._since = self._last_time = now
        self._pids = procs.members_of(self._job.all_steps)
        self._use = self._last = use_of(self._pids or [self._worker])

    def _told(self, quiet: float) -> str:
        gpu = "no GPU is here"
        if self._gpus.present:
            gpu = "the GPU use is unknown" if self._gpu_unknown else "no GPU was in use"
        used = f"its {len(self._pids)} processes computed and read or wrote next to nothing"
        if not self._pids:
            used = "no process of a step ran and the worker computed next to nothing"
        minutes = quiet / 60
        return (
            f"stalled: for {minutes:.0f} minutes the journal had no new line, {used}, and {gpu}."
            if minutes >= 2
            else f"stalled: for {quiet:.0f} seconds the journal had no new line, {used}, and {gpu}."
        )


def watch_stall(
    state: Callable[[], State],
    ready: Callable[[], bool],
    post: Callable[[Event], None],
    log: Callable[[str], None],
    timings: Timings,
) -> None:
    """Posts when the job that runs has stalled; a thread of its own, since the witnesses may hang. `ready`: it has begun."""
    watch: Optional[StallWatch] = None
    watched: Optional[Worker] = None
    while True:
        time.sleep(timings.watch_poll)
        now = state()
        if not isinstance(now, Running) or now.asked is not None or now.finished is not None or not ready():
            watch = None
            continue
        worker, seconds = now.worker, now.job.stall_seconds
        if seconds is None or worker is None or worker.epoch is None or worker.spool is None:
            continue
        try:
            if watch is None or watched != worker:
                watched, spool = worker, Spool(Path(worker.spool), worker.epoch)
                job = JobDir(Path(now.job.folder))
                watch = StallWatch(job, spool, worker.pid, seconds, timings.stall_sample, boot_seconds())
            reason = watch.look(boot_seconds())
        except Exception as problem:
            log(f"the witnesses of a stall cannot be asked: {type(problem).__name__}: {problem}")
            watch = None
            continue
        if reason is not None:
            post(Stalled(reason))
