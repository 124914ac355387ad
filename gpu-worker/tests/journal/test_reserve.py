"""R3.4: room is kept for the last words, and given up for them alone, before they are written."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import Callable, List

import pytest
from conftest import wait_for

from runpod_trainer_worker.base.timings import Timings
from runpod_trainer_worker.journal.directory import JobDir
from runpod_trainer_worker.journal.spool import Spool
from runpod_trainer_worker.journal.writer import Journal

QUICK = Timings(sync=0.02, sync_wait=2, close_wait=3)


class Volume:
    """A volume that is full while `full` says so; notes at each write whether the reserve lay there."""

    def __init__(self, job: JobDir, full: Callable[[], bool]) -> None:
        self.job, self.full = job, full
        self.tries: List[bool] = []
        self.wrote = threading.Event()

    def __call__(self, descriptor: int, data: bytes, offset: int) -> int:
        reserved = self.job.reserve.exists()
        self.tries.append(reserved)
        if self.full() and reserved:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.wrote.set()
        return os.pwrite(descriptor, data, offset)


@pytest.fixture
def job(tmp_path: Path) -> JobDir:
    (tmp_path / "job").mkdir()
    (tmp_path / "spool").mkdir()
    return JobDir(tmp_path / "job")


def test_room_is_really_taken_from_the_start(job: JobDir) -> None:
    journal = Journal(job, 1, None, QUICK)
    info = job.reserve.stat()
    # Blocks, not a hole: and nothing that a volume could pack together.
    assert info.st_size >= 1 << 18 and info.st_blocks * 512 >= info.st_size
    assert len(set(job.reserve.read_bytes()[:4096])) > 200
    journal.close()


def test_ordinary_events_do_not_take_the_room_of_the_last_words(job: JobDir) -> None:
    volume = Volume(job, lambda: True)
    journal = Journal(job, 1, None, QUICK, write=volume)
    for number in range(3):
        journal.emit("note", level="info", text=str(number))
    tries = len(volume.tries)
    wait_for(lambda: len(volume.tries) > tries + 2)
    assert job.reserve.exists() and not volume.wrote.is_set()
    journal.close()


@pytest.mark.parametrize("kind", ["step.finished", "job.finished"])
def test_the_room_is_given_up_before_the_last_words_are_written(job: JobDir, kind: str) -> None:
    volume = Volume(job, lambda: True)
    journal = Journal(job, 1, None, QUICK, write=volume)
    journal.emit("note", level="info", text="the volume is found full")
    assert journal.error is not None
    # From here on a write that finds the reserve in place is one that did not have its room.
    journal.emit(kind, status="failed")
    wait_for(volume.wrote.is_set)
    assert volume.tries[-1] is False and not job.reserve.exists()
    assert kind.encode() in job.first_journal.read_bytes()
    journal.close()


def test_last_words_have_their_room_at_the_first_try(job: JobDir) -> None:
    """A volume that gives one more chance, and no second: as when another writer takes what becomes free."""
    journal = Journal(job, 1, None, Timings(sync=30, sync_wait=0.2, close_wait=3))
    refused = threading.Event()

    def write(descriptor: int, data: bytes, offset: int) -> int:
        if job.reserve.exists():
            refused.set()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.pwrite(descriptor, data, offset)

    journal._write = write
    journal.emit("note", level="info", text="the volume is found full")
    assert refused.is_set()
    refused.clear()
    journal.emit("job.finished", status="failed")
    assert journal.close()
    assert not refused.is_set(), "the room was given up after the try, not before it"
    assert b"job.finished" in job.first_journal.read_bytes()


def test_a_volume_with_room_keeps_the_reserve_until_the_end(job: JobDir) -> None:
    journal = Journal(job, 1, None, QUICK)
    journal.emit("step.finished", status="passed")
    assert job.reserve.exists()
    assert journal.close()
    assert not job.reserve.exists()


def test_a_closed_journal_leaves_nothing_open(job: JobDir, tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for epoch in (1, 2):
        journal = Journal(job, epoch, Spool(tmp_path / "spool", epoch), QUICK)
        journal.emit("note", level="info", text="x")
        assert journal.close()
    assert len(os.listdir("/proc/self/fd")) == before
