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

from runpod_trainer_worker.base.timings import Timings
from runpod_trainer_worker.journal.directory import JobDir, Lock, cut_torn_tail, is_finished, last_event, read_lock
from runpod_trainer_worker.journal.spool import Spool
from runpod_trainer_worker.journal.writer import Journal
from runpod_trainer_worker.keeper.lost_job import write_lost
from runpod_trainer_worker.run.follow import JournalReader

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
    assert job.journal.read_bytes() == b""
    journal.emit("note", level="info", text="x")
    assert [(e["epoch"], e["seq"], e["type"]) for e in read(job.journal)] == [(1, 1, "log"), (1, 2, "note")]
    assert spool_of(job).events.read_bytes() == job.journal.read_bytes()
    assert journal.close()
    assert not job.reserve.exists()


def test_log_events_reach_the_volume_within_the_interval(job: JobDir) -> None:
    journal = Journal(job, 1, spool_of(job), QUICK)
    journal.emit("log", step=None, stream="out", lines=["x"])
    wait_for(lambda: job.journal.stat().st_size > 0, 2)
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
    assert [e["seq"] for e in read(job.journal)] == list(range(1, 801))


def test_torn_tail_is_cut_when_a_new_epoch_begins(job: JobDir) -> None:
    job.journal.write_bytes(b'{"epoch":1,"seq":1,"type":"note"}\n{"epoch":1,"se')
    journal = Journal(job, 2, None, QUICK)
    journal.emit("note", level="info", text="x")
    journal.close()
    assert [(e["epoch"], e["seq"]) for e in read(job.journal)] == [(1, 1), (2, 1)]


@pytest.mark.parametrize("content", [b"", b"{}\n", b"{", b"x" * 200_000, b"{}\n" + b"y" * 200_000])
def test_cut_torn_tail_keeps_whole_lines(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "j"
    path.write_bytes(content)
    assert cut_torn_tail(path) == content.rfind(b"\n") + 1 == path.stat().st_size


def test_a_newer_epoch_fences_the_old_worker(job: JobDir) -> None:
    old = Journal(job, 1, spool_of(job), QUICK)
    old.emit("note", level="info", text="mine")
    Lock("pod2", 1, 1, 2).write(job)
    old.emit("note", level="info", text="not written")
    assert old.fenced
    old.close()
    assert [e["text"] for e in read(job.journal)] == ["mine"]


class FullVolume:
    """Takes half a line, then has no space until the reserve is given up."""

    def __init__(self, job: JobDir, number: int) -> None:
        self.job, self.number, self.full = job, number, False

    def __call__(self, descriptor: int, data: bytes) -> int:
        if self.full and self.job.reserve.exists():
            raise OSError(self.number, os.strerror(self.number))
        if self.full:
            return os.write(descriptor, data)
        self.full = True
        return os.write(descriptor, data[: len(data) // 2])


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_full_volume_is_named_and_the_last_words_still_fit(job: JobDir, number: int) -> None:
    journal = Journal(job, 1, spool_of(job), QUICK, write=FullVolume(job, number))
    journal.emit("note", level="info", text="half of this line is written first")
    assert journal.error is not None and os.strerror(number) in journal.error and "full" in journal.error
    assert journal.stuck_for() > 0
    journal.emit("job.finished", status="failed", reason=journal.error, step=None, seconds=1.0)
    assert journal.close()
    assert [e["seq"] for e in read(job.journal)] == [1, 2]


def test_unwritable_spool_falls_back_to_the_volume(job: JobDir) -> None:
    journal = Journal(job, 1, Spool(job.path / "does" / "not" / "exist", 1), QUICK)
    journal.emit("note", level="info", text="x")
    journal.close()
    assert len(read(job.journal)) == 1


@pytest.mark.parametrize("seed", range(25))
def test_rest_of_the_spool_is_copied_after_any_cut(job: JobDir, seed: int) -> None:
    """A worker killed between any two bytes: the watchdog completes the volume's journal exactly."""
    before = b'{"epoch":1,"seq":1,"type":"job.finished"}\n'
    lines = [json.dumps({"epoch": 2, "seq": n, "type": "log", "x": "ü" * n}, ensure_ascii=False) for n in range(1, 30)]
    whole = "".join(line + "\n" for line in lines).encode()
    cuts = random.Random(seed)
    spool = spool_of(job, 2)
    spool.base.write_text(json.dumps({"base": len(before)}))
    in_spool = cuts.randint(0, len(whole))
    on_volume = cuts.randint(0, in_spool)
    spool.events.write_bytes(whole[:in_spool])
    job.journal.write_bytes(before + whole[:on_volume])
    assert write_lost(job, spool, memory=False)
    kept = whole[:in_spool]
    kept = kept[: kept.rfind(b"\n") + 1]
    data = job.journal.read_bytes()
    assert data.startswith(before + kept)
    last = json.loads(data[len(before + kept) :])
    assert (last["type"], last["status"], last["epoch"], last["seq"]) == ("job.finished", "lost", 2, kept.count(b"\n") + 1)
    assert not write_lost(job, spool, memory=False)
    assert job.journal.read_bytes() == data


@pytest.mark.parametrize("seed", range(25))
def test_follow_gives_exactly_the_whole_lines(tmp_path: Path, seed: int) -> None:
    """The journal grows in pieces of any size; a client that comes back with its offset misses and repeats nothing."""
    cuts = random.Random(seed)
    whole = b"".join(f'{{"n":{n},"x":"{"ä" * cuts.randint(0, 40)}"}}\n'.encode() for n in range(60))
    path, got, written = tmp_path / "j", bytearray(), 0
    path.write_bytes(b"")
    reader = JournalReader(path, 0)
    while written < len(whole):
        step = cuts.randint(1, 200)
        with open(path, "ab") as file:
            file.write(whole[written : written + step])
        written += step
        reader.copy(got.extend)
        assert bytes(got) == whole[: reader.offset] and (not got or got.endswith(b"\n"))
        if cuts.random() < 0.3:
            reader = JournalReader(path, len(got))
    assert bytes(got) == whole


def test_is_finished_looks_at_the_newest_epoch(job: JobDir) -> None:
    job.journal.write_bytes(b'{"epoch":1,"seq":1,"type":"job.finished"}\n')
    Lock(None, 1, 1, 1).write(job)
    assert is_finished(job, read_lock(job))
    Lock(None, 1, 1, 2).write(job)
    assert not is_finished(job, read_lock(job))


def test_last_event_of_a_very_long_line(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_text('{"a":1}\n' + json.dumps({"x": "y" * 300_000}) + "\n" + '{"torn')
    assert last_event(path) == {"x": "y" * 300_000}
    path.write_text('{"torn')
    assert last_event(path) is None
