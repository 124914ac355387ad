"""R3.4: the journal has every event once, in order, whatever dies or fills up."""

from __future__ import annotations

import errno
import json
import os
import random
import threading
from pathlib import Path
from typing import Any, Dict, List

import pytest
from conftest import wait_for

from runpod_trainer_worker.base import fsutil
from runpod_trainer_worker.base.timings import Timings
from runpod_trainer_worker.journal.directory import JobDir
from runpod_trainer_worker.journal.spool import Spool
from runpod_trainer_worker.journal.whole import cut_torn_tail, last_event
from runpod_trainer_worker.journal.writer import Journal
from runpod_trainer_worker.keeper.lost_job import write_lost

QUICK = Timings(sync=0.05, sync_wait=2, close_wait=3)


@pytest.fixture
def job(tmp_path: Path) -> JobDir:
    (tmp_path / "job").mkdir()
    (tmp_path / "spool").mkdir()
    return JobDir(tmp_path / "job")


def spool_of(job: JobDir, epoch: int = 1) -> Spool:
    return Spool(job.path.parent / "spool", epoch)


def read(path: Path) -> List[Dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_lifecycle_events_are_on_the_volume_at_once(job: JobDir) -> None:
    journal = Journal(job, 1, spool_of(job), Timings(sync=30))
    journal.emit("log", step=None, stream="out", lines=["später"])
    assert job.first_journal.read_bytes() == b""
    journal.emit("note", level="info", text="x")
    assert [(e["epoch"], e["seq"], e["type"]) for e in read(job.first_journal)] == [(1, 1, "log"), (1, 2, "note")]
    assert spool_of(job).events.read_bytes() == job.first_journal.read_bytes()
    assert journal.close()
    assert not job.reserve.exists()


def test_a_lifecycle_event_that_comes_during_a_copy_does_not_wait_for_the_next_one(job: JobDir) -> None:
    """The volume is slow; what is said meanwhile follows at once, not after the interval of half a minute."""
    copying, go_on = threading.Event(), threading.Event()

    def slow(descriptor: int, data: bytes, offset: int) -> int:
        copying.set()
        go_on.wait(10)
        return os.pwrite(descriptor, data, offset)

    journal = Journal(job, 1, spool_of(job), Timings(sync=30, sync_wait=10, close_wait=10), write=slow)
    said = [threading.Thread(target=journal.emit, args=("note",), kwargs={"level": "info", "text": text}) for text in "ab"]
    said[0].start()
    assert copying.wait(10)
    said[1].start()
    wait_for(lambda: journal.seq == 2)
    go_on.set()
    wait_for(lambda: len(read(job.first_journal)) == 2, 5)
    for one in said:
        one.join()
    assert journal.close()


def test_log_events_reach_the_volume_within_the_interval(job: JobDir) -> None:
    journal = Journal(job, 1, spool_of(job), QUICK)
    journal.emit("log", step=None, stream="out", lines=["x"])
    wait_for(lambda: job.first_journal.stat().st_size > 0, 2)
    journal.close()


def test_seq_has_no_gaps_with_many_threads(job: JobDir) -> None:
    journal = Journal(job, 1, spool_of(job), QUICK)
    work = [
        threading.Thread(target=lambda: [journal.emit("metric", step="s", values={}) for _ in range(200)]) for _ in "abcd"
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    journal.close()
    assert [e["seq"] for e in read(job.first_journal)] == list(range(1, 801))


@pytest.mark.parametrize("content", [b"", b"{}\n", b"{", b"x" * 200_000, b"{}\n" + b"y" * 200_000])
def test_cut_torn_tail_keeps_whole_lines(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "j"
    path.write_bytes(content)
    assert cut_torn_tail(path) == content.rfind(b"\n") + 1 == path.stat().st_size


def test_a_newer_epoch_fences_the_old_worker(job: JobDir) -> None:
    old = Journal(job, 1, spool_of(job), QUICK)
    old.emit("note", level="info", text="mine")
    (job.epochs / "2").mkdir(parents=True)
    old.emit("note", level="info", text="not written")
    assert old.fenced
    job.reserve.write_bytes(b"of the new epoch")
    old.close()
    assert job.reserve.exists()
    assert [e["text"] for e in read(job.first_journal)] == ["mine"]


class FullVolume:
    """Takes half a line, then has no space until the reserve is given up."""

    def __init__(self, job: JobDir, number: int) -> None:
        self.job, self.number, self.full = job, number, False

    def __call__(self, descriptor: int, data: bytes, offset: int) -> int:
        if self.full and self.job.reserve.exists():
            raise OSError(self.number, os.strerror(self.number))
        if self.full:
            return os.pwrite(descriptor, data, offset)
        self.full = True
        return os.pwrite(descriptor, data[: len(data) // 2], offset)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_full_volume_is_named_and_the_last_words_still_fit(job: JobDir, number: int) -> None:
    journal = Journal(job, 1, spool_of(job), QUICK, write=FullVolume(job, number))
    journal.emit("note", level="info", text="half of this line is written first")
    assert journal.error is not None and os.strerror(number) in journal.error and "full" in journal.error
    assert journal.stuck_for() > 0
    journal.emit("job.finished", status="failed", reason=journal.error, step=None, seconds=1.0)
    assert journal.close()
    assert [e["seq"] for e in read(job.first_journal)] == [1, 2]


def test_unwritable_spool_falls_back_to_the_volume(job: JobDir) -> None:
    journal = Journal(job, 1, Spool(job.path / "does" / "not" / "exist", 1), QUICK)
    journal.emit("note", level="info", text="x")
    journal.close()
    assert len(read(job.first_journal)) == 1


@pytest.mark.parametrize("seed", range(25))
def test_rest_of_the_spool_is_copied_after_any_cut(job: JobDir, seed: int) -> None:
    """A worker killed between any two bytes: the keeper completes the epoch's file on the volume exactly."""
    lines = [json.dumps({"epoch": 2, "seq": n, "type": "log", "x": "ü" * n}, ensure_ascii=False) for n in range(1, 30)]
    whole = "".join(line + "\n" for line in lines).encode()
    cuts = random.Random(seed)
    (job.epochs / "2").mkdir(parents=True)
    fsutil.write_json(job.epochs / "2" / "owner.json", {"before": {"1": 0}})
    spool, journal = spool_of(job, 2), job.path / "events-2.jsonl"
    in_spool = cuts.randint(0, len(whole))
    on_volume = cuts.randint(0, in_spool)
    spool.events.write_bytes(whole[:in_spool])
    there = bytearray(whole[:on_volume])
    if there and seed % 2:
        # What a failed fsync leaves: a piece that never reached the disk.
        hole = cuts.randrange(len(there))
        there[hole : hole + 20] = bytes(len(there[hole : hole + 20]))
    journal.write_bytes(there)
    assert write_lost(job, spool, memory=False)
    kept = whole[:in_spool]
    kept = kept[: kept.rfind(b"\n") + 1]
    data = journal.read_bytes()
    assert data.startswith(kept)
    last = json.loads(data[len(kept) :])
    assert (last["type"], last["status"], last["epoch"], last["seq"]) == ("job.finished", "lost", 2, kept.count(b"\n") + 1)
    assert not write_lost(job, spool, memory=False)
    assert journal.read_bytes() == data and not job.first_journal.exists()


def test_spool_whose_disk_was_full_takes_nothing_from_the_volume(job: JobDir) -> None:
    journal = Journal(job, 1, spool_of(job), QUICK)
    for number in range(50):
        journal.emit("metric", step="s", values={"n": number})
    journal.close()
    before = job.first_journal.read_bytes()
    spool_of(job).events.write_bytes(before[: len(before) // 2])
    spool_of(job).copy_rest(job)
    assert job.first_journal.read_bytes() == before


def test_a_job_that_was_taken_over_keeps_its_reserve(job: JobDir) -> None:
    (job.epochs / "2").mkdir(parents=True)
    job.reserve.write_bytes(b"of the new epoch")
    assert not write_lost(job, spool_of(job), memory=False)
    assert job.reserve.exists() and not job.first_journal.exists()


class BadDisk:
    """A page cache over a disk. A failed sync drops any part of what was not synced, and has then told it."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path, self.random, self.synced, self.fails = path, random.Random(seed), b"", 0

    def write(self, descriptor: int, data: bytes, offset: int) -> int:
        if self.random.random() < 0.1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return os.pwrite(descriptor, data[: self.random.randint(1, len(data))], offset)

    def sync(self, descriptor: int) -> None:
        if self.random.random() < 0.4:
            self.fails += 1
            there = bytearray(self.path.read_bytes())
            for place in range(len(self.synced), len(there)):
                if self.random.random() < 0.5:
                    there[place] = 0
            os.pwrite(descriptor, bytes(there), 0)
            if self.random.random() < 0.3:
                os.ftruncate(descriptor, self.random.randint(len(self.synced), len(there)))
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self.synced = self.path.read_bytes()


@pytest.mark.parametrize("seed", range(12))
def test_failed_fsync_is_not_written(job: JobDir, seed: int) -> None:
    disk = BadDisk(job.first_journal, seed)
    timings = Timings(sync=0.005, sync_wait=1, close_wait=20)
    journal = Journal(job, 1, None, timings, write=disk.write, sync=disk.sync)
    for number in range(40):
        journal.emit("note" if number % 3 else "log", level="info", text="ä" * number)
        if number % 4 == 0:
            wait_for(lambda: journal.error is None)
    assert journal.close() and journal.error is None and journal.stuck_for() == 0
    assert [e["seq"] for e in read(job.first_journal)] == list(range(1, 41))
    assert disk.synced == job.first_journal.read_bytes()
    assert disk.fails > 0


def test_one_failed_fsync_is_forgotten_when_nothing_more_is_said(job: JobDir) -> None:
    """A quiet step: no further event comes, and the job must not end for one failure half a minute ago."""
    failures = [OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))]

    def sync(descriptor: int) -> None:
        if failures:
            raise failures.pop()
        os.fsync(descriptor)

    journal = Journal(job, 1, None, QUICK, sync=sync)
    journal.emit("note", level="info", text="x")
    wait_for(lambda: journal.error is None, 3)
    assert journal.stuck_for() == 0 and len(read(job.first_journal)) == 1
    journal.close()


def test_what_is_no_json_takes_no_number(job: JobDir) -> None:
    journal = Journal(job, 1, None, QUICK)
    journal.emit("note", level="info", text="x")
    with pytest.raises(ValueError, match="not JSON compliant"):
        journal.emit("metric", step="s", values={"x": float("nan")})
    journal.emit("note", level="info", text="y")
    journal.close()
    assert [e["seq"] for e in read(job.first_journal)] == [1, 2]


def test_events_of_another_one_are_never_overwritten(job: JobDir) -> None:
    job.first_journal.write_bytes(b'{"epoch":1,"seq":1,"type":"note"}\n')
    with pytest.raises(FileExistsError):
        Journal(job, 1, None, QUICK)


def test_last_event_of_a_very_long_line(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_text('{"a":1}\n' + json.dumps({"x": "y" * 300_000}) + "\n" + '{"torn')
    assert last_event(path) == {"x": "y" * 300_000}
    path.write_text('{"torn')
    assert last_event(path) is None
