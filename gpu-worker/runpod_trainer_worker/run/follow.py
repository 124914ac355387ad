"""Streams a journal to a client, whole lines only."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from typing import Any, Optional

from ..base.contract import LIMITS
from ..base.timings import Timings
from ..journal.directory import JobDir, is_followed, read_lock, worker_alive
from ..journal.requests import Requests
from ..journal.spool import spool_place
from ..journal.whole import JournalReader, layout_of
from ..keeper.pod_environment import pod_environment

FINISHED, GONE, OTHER_JOURNAL = 0, LIMITS.follow_gone_exit_code, LIMITS.follow_other_journal_exit_code


def _reader_gone(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


class _Ended(Exception):
    """Whoever started this follower, or the link to them, is gone."""


def _end(*_: Any) -> None:
    raise _Ended


def _keep_for_the_client(job: JobDir, pod_id: Optional[str]) -> None:
    """
    A client that was here until now is given the time of one lease to come back over another link: the job may end just
    while its link is down.
    """
    lock = read_lock(job)
    if lock is None or lock.pod_id != pod_id:
        return
    try:
        Requests(job, spool_place(job)).put("hold")
    except OSError:
        pass


def follow(job: JobDir, offset: int, once: bool, timings: Timings) -> int:
    """
    Exit code: 0 when the job has finished (or with `once`), 3 when its worker is gone without a word, 4 when the journal
    cannot go on at the offset, so that it is another one than was followed before.
    """
    reader = JournalReader(job, offset)
    descriptor = sys.stdout.fileno()

    def write(data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]

    pod_id = pod_environment().get("RUNPOD_POD_ID")
    gone_since: Optional[float] = None
    signal.signal(signal.SIGTERM, _end)
    try:
        while True:
            # The order matters: a job that is finished before the copy has nothing to say after it.
            lock, layout = read_lock(job), layout_of(job)
            if layout is not None and not reader.fits(layout):
                return OTHER_JOURNAL
            over = layout is not None and (once or layout.is_finished())
            end = layout.size() if over and layout is not None else 0
            moved = reader.copy(write)
            if layout is not None and over and reader.offset >= end and not is_followed(job, layout.epoch):
                if not once:
                    _keep_for_the_client(job, pod_id)
                return FINISHED
            if moved or worker_alive(job, lock, pod_id, timings):
                gone_since = None
            elif gone_since is None:
                gone_since = time.monotonic()
            elif time.monotonic() - gone_since > timings.follow_grace:
                return GONE
            if _reader_gone(descriptor):
                raise _Ended
            time.sleep(timings.poll)
    except (BrokenPipeError, _Ended):
        _keep_for_the_client(job, pod_id)
        return FINISHED
