"""R3.4, R4.7: one worker has a job at a time, and an epoch that ended late harms nobody's journal."""

from __future__ import annotations

import errno
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from runpod_trainer_worker.base import fsutil, procs
from runpod_trainer_worker.base.errors import WorkerError
from runpod_trainer_worker.base.timings import Timings
from runpod_trainer_worker.journal import whole
from runpod_trainer_worker.journal.directory import JobDir, Lock, is_followed, newest_epoch, read_lock, worker_alive
from runpod_trainer_worker.journal.epochs import take_over
from runpod_trainer_worker.journal.spool import Spool
from runpod_trainer_worker.journal.whole import JournalReader, file_of, layout_of
from runpod_trainer_worker.journal.writer import Journal

SOURCES = Path(__file__).resolve().parent.parent.parent
QUICK = Timings(sync=0.05, sync_wait=2, close_wait=3)


@pytest.fixture
def job(tmp_path: Path) -> JobDir:
    (tmp_path / "job").mkdir()
    return JobDir(tmp_path / "job")


def began(job: JobDir, number: int, before: Optional[Dict[int, int]] = None, **owner: Any) -> None:
    """An epoch of a worker that is dead, on another pod unless told otherwise."""
    folder = job.epochs / str(number)
    folder.mkdir(parents=True, exist_ok=True)
    told = {} if before is None else {"before": {str(k): v for k, v in before.items()}}
    fsutil.write_json(folder / "owner.json", {"podId": "old", "pid": 1, "startTime": 1, "boot": "b", **owner, **told})
    os.utime(folder, (1_000_000, 1_000_000))


def whole_of(job: JobDir) -> bytes:
    data = bytearray()
    JournalReader(job, 0).copy(data.extend)
    return bytes(data)


def line(epoch: int, seq: int) -> bytes:
    return f'{{"epoch":{epoch},"seq":{seq},"type":"note"}}\n'.encode()


RACER = f"""
import json, sys
from pathlib import Path
sys.path.insert(0, {str(SOURCES)!r})
from runpod_trainer_worker.base.errors import WorkerError
from runpod_trainer_worker.base.timings import Timings
from runpod_trainer_worker.journal.directory import JobDir
from runpod_trainer_worker.journal.epochs import take_over
print("ready", flush=True)
sys.stdin.readline()
try:
    print(json.dumps({{"mine": take_over(JobDir(Path(sys.argv[1])), sys.argv[2] or None, Timings()).epoch}}), flush=True)
except WorkerError as problem:
    print(json.dumps({{"what": problem.what, "why": problem.why}}), flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("pods", [["a", "b", "c", "d"], ["a"] * 4, [""] * 4])
def test_of_many_that_start_at_one_moment_one_gets_the_job(tmp_path: Path, pods: List[str]) -> None:
    for turn in range(4):
        folder = tmp_path / str(turn)
        folder.mkdir()
        if turn % 2:
            began(JobDir(folder), 1, {})
        racers = [
            subprocess.Popen(
                [sys.executable, "-c", RACER, str(folder), pod], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for pod in pods
        ]
        for racer in racers:
            assert racer.stdout is not None and racer.stdout.readline() == "ready\n"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        answers = [json.loads(racer.stdout.readline()) for racer in racers if racer.stdout is not None]
        for racer in racers:
            racer.communicate("\n")
        won = [n for n, answer in enumerate(answers) if "mine" in answer]
        assert len(won) == 1 and answers[won[0]]["mine"] == 1 + turn % 2, answers
        lock = read_lock(JobDir(folder))
        assert lock is not None and (lock.pod_id or "", lock.pid) == (pods[won[0]], racers[won[0]].pid)
        for answer in answers:
            assert "mine" in answer or answer["what"] == "This job is running already."


def test_the_refusal_says_who_has_the_job(job: JobDir) -> None:
    mine = take_over(job, "pod1", QUICK)
    for other in ("pod1", "pod2"):
        with pytest.raises(WorkerError) as refused:
            take_over(job, other, QUICK)
        assert f"process id {os.getpid()} on the pod pod1 (epoch 1)" in refused.value.why
    assert not is_followed(job, mine.epoch) and newest_epoch(job) == 1


def test_a_start_of_which_nothing_is_known_yet_is_not_followed_at_once(job: JobDir) -> None:
    (job.epochs / "1").mkdir(parents=True)
    with pytest.raises(WorkerError, match="under way"):
        take_over(job, "pod1", QUICK)
    os.utime(job.epochs / "1", (1_000_000, 1_000_000))
    assert take_over(job, "pod1", QUICK).epoch == 2


def test_worker_of_another_start_of_the_machine_is_dead(job: JobDir) -> None:
    started = procs.start_time(os.getpid()) or 0
    assert worker_alive(job, Lock("p", os.getpid(), started, 1), "p", QUICK)
    assert worker_alive(job, Lock("p", os.getpid(), started, 1, procs.boot_id()), "p", QUICK)
    assert not worker_alive(job, Lock("p", os.getpid(), started, 1, "another boot"), "p", QUICK)
    assert not worker_alive(job, Lock("p", os.getpid(), started + 1, 1, procs.boot_id()), "p", QUICK)


def test_worker_on_another_pod_is_judged_by_the_clock_of_the_volume(job: JobDir, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = take_over(job, "pod1", QUICK)
    monkeypatch.setattr(time, "time", lambda: 9e9)
    assert worker_alive(job, lock, "pod2", QUICK), "it has just begun"
    os.utime(job.epochs / "1", (1_000_000, 1_000_000))
    assert not worker_alive(job, lock, "pod2", QUICK)
    fsutil.write_json(job.state, {"epoch": 1, "status": "running"})
    assert worker_alive(job, lock, "pod2", QUICK)
    fsutil.write_json(job.state, {"epoch": 1, "status": "succeeded"})
    assert not worker_alive(job, lock, "pod2", QUICK)
    fsutil.write_json(job.state, {"epoch": 7, "status": "running"})
    assert not worker_alive(job, lock, "pod2", QUICK), "the state is of another epoch"
    assert sorted(path.name for path in job.path.iterdir()) == ["epochs", "state.json"]


def test_what_a_dead_worker_had_written_counts_up_to_its_last_whole_line(job: JobDir) -> None:
    began(job, 1, {})
    job.first_journal.write_bytes(line(1, 1) + line(1, 2) + b'{"torn')
    assert take_over(job, "pod1", QUICK).epoch == 2
    assert layout_of(job) is not None
    assert file_of(job, 1) == job.first_journal and file_of(job, 2) == job.path / "events-2.jsonl"
    journal = Journal(job, 2, None, QUICK)
    journal.emit("note", level="info", text="new")
    journal.close()
    before = whole_of(job)
    assert before.startswith(line(1, 1) + line(1, 2) + b'{"epoch":2,"seq":1,')
    with open(job.first_journal, "ab") as file:
        file.write(b'-no-more"}\n' + line(1, 4))
    assert whole_of(job) == before
    assert json.loads((job.epochs / "2" / "owner.json").read_text())["before"] == {"1": len(line(1, 1) + line(1, 2))}


def test_the_spool_of_a_worker_that_died_on_this_pod_counts(
    job: JobDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    monkeypatch.setattr("runpod_trainer_worker.journal.epochs.spool_folder", lambda job: folder)
    began(job, 1, {}, podId="pod1")
    Spool(folder, 1).events.write_bytes(line(1, 1) + line(1, 2) + line(1, 3) + b"{torn")
    job.first_journal.write_bytes(line(1, 1) + line(1, 2)[:5])
    take_over(job, "pod1", QUICK)
    assert whole_of(job) == line(1, 1) + line(1, 2) + line(1, 3)
    assert not folder.exists()


def test_while_an_epoch_begins_nothing_is_read_and_nothing_is_called_another_journal(job: JobDir) -> None:
    began(job, 1, {})
    job.first_journal.write_bytes(line(1, 1))
    reader = JournalReader(job, 0)
    (job.epochs / "2").mkdir()
    with open(job.first_journal, "ab") as file:
        file.write(line(1, 2))
    assert layout_of(job) is None and not reader.copy(lambda data: pytest.fail(f"sent {data!r}"))
    began(job, 2, {1: len(line(1, 1))})
    assert whole_of(job) == line(1, 1)


def test_an_epoch_that_died_while_it_began_leaves_no_hole(job: JobDir) -> None:
    began(job, 1, {})
    job.first_journal.write_bytes(line(1, 1))
    began(job, 2)
    assert take_over(job, "pod1", QUICK).epoch == 3
    Journal(job, 3, None, QUICK).close()
    assert whole_of(job) == line(1, 1)
    # It comes back, measures and appends: too late.
    with open(job.first_journal, "ab") as file:
        file.write(line(1, 2))
    began(job, 2, {1: len(line(1, 1) + line(1, 2))})
    assert whole_of(job) == line(1, 1)


def test_what_an_epoch_said_of_those_before_it_stays_true(job: JobDir) -> None:
    began(job, 1, {})
    job.first_journal.write_bytes(line(1, 1))
    began(job, 2, {1: len(line(1, 1))})
    (job.path / "events-2.jsonl").write_bytes(line(2, 1))
    with open(job.first_journal, "ab") as file:
        file.write(line(1, 2))
    assert take_over(job, "pod1", QUICK).epoch == 3
    assert whole_of(job) == line(1, 1) + line(2, 1)


def test_bytes_that_were_frozen_and_are_gone_are_an_error(job: JobDir) -> None:
    job.first_journal.write_bytes(line(1, 1))
    began(job, 2, {1: 100})
    with pytest.raises(OSError, match="missing"):
        whole_of(job)


@pytest.mark.parametrize("told", ["lock", "journal alone"])
def test_job_of_a_release_without_epochs_is_continued(job: JobDir, told: str) -> None:
    old = line(1, 1) + line(2, 1)
    job.first_journal.write_bytes(old + b"{torn")
    if told == "lock":
        fsutil.write_json(job.lock, {"podId": "pod0", "pid": 1, "startTime": 1, "epoch": 2})
        os.utime(job.lock, (1_000_000, 1_000_000))
    os.utime(job.first_journal, (1_000_000, 1_000_000))
    assert whole_of(job) == old
    lock = read_lock(job)
    assert lock == (Lock("pod0", 1, 1, 2) if told == "lock" else None)
    assert take_over(job, "pod1", QUICK).epoch == 3
    journal = Journal(job, 3, None, QUICK)
    journal.emit("note", level="info", text="x")
    journal.close()
    assert whole_of(job).startswith(old + b'{"epoch":3,"seq":1,')
    assert job.first_journal.read_bytes() == old + b"{torn"
    if told == "lock":
        assert json.loads(job.lock.read_text())["epoch"] == 3, "a worker of that release sees that it was followed"


def test_job_of_a_release_without_epochs_is_refused_while_its_worker_lives(job: JobDir) -> None:
    started = procs.start_time(os.getpid())
    fsutil.write_json(job.lock, {"podId": "pod1", "pid": os.getpid(), "startTime": started, "epoch": 1})
    for pod in ("pod1", "pod2"):
        with pytest.raises(WorkerError, match="running already"):
            take_over(job, pod, QUICK)


@pytest.mark.parametrize("seed", range(25))
def test_follow_gives_exactly_the_whole_lines(job: JobDir, seed: int) -> None:
    """The journal grows in pieces of any size; a client that comes back with its offset misses and repeats nothing."""
    cuts = random.Random(seed)
    content = b"".join(f'{{"n":{n},"x":"{"ä" * cuts.randint(0, 40)}"}}\n'.encode() for n in range(60))
    got, written = bytearray(), 0
    job.first_journal.write_bytes(b"")
    reader = JournalReader(job, 0)
    while written < len(content):
        step = cuts.randint(1, 200)
        with open(job.first_journal, "ab") as file:
            file.write(content[written : written + step])
        written += step
        reader.copy(got.extend)
        assert bytes(got) == content[: reader.offset] and (not got or got.endswith(b"\n"))
        if cuts.random() < 0.3:
            reader = JournalReader(job, len(got))
    assert bytes(got) == content


class _History:
    """Workers that write in pieces, also after they were followed; every act may come between any two of a reader."""

    def __init__(self, job: JobDir, seed: int) -> None:
        self.job, self.random = job, random.Random(seed)
        self.written: Dict[int, int] = {}
        self.half: Dict[int, bytes] = {}
        self.waiting: List[int] = []
        self.idle = True

    def act(self) -> None:
        if self.idle:
            self.idle = False
            for _ in range(self.random.randint(0, 6)):
                self._act()
            self.idle = True

    def _act(self) -> None:
        kind = self.random.random()
        if kind < 0.06:
            number = newest_epoch(self.job) + 1
            began(self.job, number, {} if number == 1 else None)
            self.waiting = [number] if number > 1 else []
        elif kind < 0.3 and self.waiting:
            number = self.waiting.pop()
            began(self.job, number, whole_sizes(self.job, number))
        elif self.job.epochs.exists():
            self.append(self.random.randint(1, newest_epoch(self.job)))

    def append(self, epoch: int) -> None:
        data = self.half.pop(epoch, b"")
        if not data:
            self.written[epoch] = self.written.get(epoch, 0) + 1
            data = line(epoch, self.written[epoch])
        cut = self.random.randint(1, len(data))
        if data[cut:]:
            self.half[epoch] = data[cut:]
        with open(file_of(self.job, epoch), "ab") as file:
            file.write(data[:cut])


def whole_sizes(job: JobDir, number: int) -> Dict[int, int]:
    """As `take_over` measures them."""
    before: Dict[int, int] = {}
    for earlier in range(number - 1, 0, -1):
        told = fsutil.read_json(job.epochs / str(earlier) / "owner.json") or {}
        if "before" in told:
            before.update({int(k): v for k, v in told["before"].items()})
        if earlier not in before:
            before[earlier] = whole.whole_size(file_of(job, earlier))
    return before


@pytest.mark.parametrize("seed", range(40))
def test_what_was_sent_stays_the_beginning_of_the_journal(job: JobDir, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Epochs begin and fenced workers append between any two reads of a follower: its copy is never wrong."""
    history = _History(job, seed)
    real_open, real_listdir = os.open, os.listdir

    def opened(*given: Any, **more: Any) -> int:
        history.act()
        return real_open(*given, **more)

    def listed(*given: Any) -> Any:
        history.act()
        return real_listdir(*given)

    got = bytearray()
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", opened)
        patched.setattr(os, "listdir", listed)
        reader = JournalReader(job, 0)
        for _ in range(25):
            reader.copy(got.extend)
            if history.random.random() < 0.2:
                reader = JournalReader(job, len(got))
    if layout_of(job) is None:
        began(job, newest_epoch(job), whole_sizes(job, newest_epoch(job)))
    final = whole_of(job)
    assert final.startswith(bytes(got))
    events = [json.loads(text) for text in final.splitlines()]
    for epoch in {e["epoch"] for e in events}:
        seen = [e["seq"] for e in events if e["epoch"] == epoch]
        assert seen == list(range(1, len(seen) + 1))
    assert [e["epoch"] for e in events] == sorted(e["epoch"] for e in events)


def test_offset_that_is_no_line_of_this_journal_is_of_another_one(job: JobDir) -> None:
    began(job, 1, {})
    began(job, 2, {1: len(line(1, 1))})
    job.first_journal.write_bytes(line(1, 1) + line(1, 2))
    (job.path / "events-2.jsonl").write_bytes(line(2, 1))
    layout = layout_of(job)
    assert layout is not None and layout.size() == len(line(1, 1) + line(2, 1))
    fitting = [n for n in range(200) if JournalReader(job, n).fits(layout)]
    assert fitting == [0, len(line(1, 1)), layout.size()]


def test_bytes_that_the_disk_does_not_have_are_not_passed_on(job: JobDir, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another pod would not see them when it measures, so a client that had them would have another journal."""
    began(job, 1, {})
    job.first_journal.write_bytes(line(1, 1))
    failures = [errno.EIO, errno.EDQUOT]

    def fsync(descriptor: int) -> None:
        if failures:
            raise OSError(failures.pop(), "no")

    monkeypatch.setattr(os, "fsync", fsync)
    assert [whole_of(job) for _ in range(3)] == [b"", b"", line(1, 1)]
    failures.append(errno.EINVAL)
    assert whole_of(job) == line(1, 1), "a file system without fsync hides nothing"


def test_only_the_newest_epoch_tells_that_the_job_is_finished(job: JobDir) -> None:
    job.first_journal.write_bytes(b'{"epoch":1,"seq":1,"type":"job.finished"}\n')

    def finished() -> bool:
        layout = layout_of(job)
        return layout is not None and layout.is_finished()

    assert finished(), "nobody has it"
    fsutil.write_json(job.lock, {"podId": None, "pid": 1, "startTime": 1, "epoch": 2})
    assert not finished()
    fsutil.write_json(job.lock, {"podId": None, "pid": 1, "startTime": 1, "epoch": 1})
    assert finished()
    began(job, 1, {})
    assert finished()
    began(job, 2)
    assert not finished()
    began(job, 2, {1: 43})
    assert not finished()
    (job.path / "events-2.jsonl").write_bytes(b'{"epoch":2,"seq":1,"type":"job.finished"}\n')
    assert finished()
