"""The job directory's files, its lock, and the spool on the pod's own disk."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import stat
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, Optional

from . import fsutil, procs
from .timings import Timings


class JobDir:
    """Paths in one job directory."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.abspath(path))
        self.journal = self.path / "events.jsonl"
        self.state = self.path / "state.json"
        self.lock = self.path / "lock"
        self.control = self.path / "control"
        self.steps = self.path / "steps"
        self.watchdog_log = self.path / "watchdog.log"
        self.reserve = self.path / "reserve"

    @property
    def all_steps(self) -> str:
        """What `procs.members_of` takes for every step of this job."""
        return f"{self.steps}/"


@dataclasses.dataclass(frozen=True)
class Lock:
    """Who owns the job; `pod_id` is None outside a pod."""

    pod_id: Optional[str]
    pid: int
    start_time: int
    epoch: int

    def write(self, job: JobDir) -> None:
        """Takes the job over."""
        value = {"podId": self.pod_id, "pid": self.pid, "startTime": self.start_time, "epoch": self.epoch}
        fsutil.write_json(job.lock, value, durable=True)


def read_lock(job: JobDir) -> Optional[Lock]:
    """The lock, or None when the job was never started."""
    raw = fsutil.read_json(job.lock)
    if raw is None:
        return None
    try:
        return Lock(raw.get("podId"), int(raw["pid"]), int(raw["startTime"]), int(raw["epoch"]))
    except (KeyError, TypeError, ValueError):
        return None


def worker_alive(job: JobDir, lock: Optional[Lock], pod_id: Optional[str], timings: Timings) -> bool:
    """Whether the lock's worker runs; one on another pod is judged by the age of its last sign in state.json."""
    if lock is None:
        return False
    if lock.pod_id == pod_id:
        return procs.is_alive(lock.pid, lock.start_time)
    state = fsutil.read_json(job.state)
    if state is None or state.get("status") != "running" or state.get("epoch") != lock.epoch:
        return False
    try:
        return time.time() - job.state.stat().st_mtime < timings.stale
    except OSError:
        return False


def last_event(path: Path) -> Optional[Dict[str, Any]]:
    """The last whole line of a journal, or None."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            block = 1 << 16
            while True:
                begin = max(0, size - block)
                file.seek(begin)
                data = file.read(size - begin)
                end = data.rfind(b"\n")
                start = data.rfind(b"\n", 0, end) + 1 if end >= 0 else 0
                if end < 0 or (start == 0 and begin > 0):
                    if begin == 0:
                        return None
                    block *= 4
                    continue
                value = json.loads(data[start:end])
                return value if isinstance(value, dict) else None
    except (OSError, ValueError):
        return None


def whole_size(path: Path) -> int:
    """Bytes of a journal up to the end of its last whole line; 0 when there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    try:
        position = os.fstat(descriptor).st_size
        while position > 0:
            begin = max(0, position - (1 << 16))
            newline = os.pread(descriptor, position - begin, begin).rfind(b"\n")
            if newline >= 0:
                return begin + newline + 1
            position = begin
        return 0
    finally:
        os.close(descriptor)


def cut_torn_tail(path: Path) -> int:
    """Cuts a last line without its end; answers the journal's size in bytes."""
    size = whole_size(path)
    if path.exists() and path.stat().st_size != size:
        os.truncate(path, size)
    return size


def is_finished(job: JobDir, lock: Optional[Lock]) -> bool:
    """Whether the journal's newest epoch has its last event."""
    event = last_event(job.journal)
    if event is None or event.get("type") != "job.finished":
        return False
    return lock is None or int(event.get("epoch", 0)) >= lock.epoch


def _private_folder(path: Path) -> bool:
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        info = path.lstat()
        if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.getuid() or info.st_mode & 0o022:
            return False
        probe = path / f".probe-{os.getpid()}"
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
    except OSError:
        return False
    return True


def scratch_folder() -> Optional[Path]:
    """A private folder of this user on the machine's own disk; None when none can be written."""
    for base in (tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm"):
        folder = Path(base) / f"runpod-trainer-{os.getuid()}"
        if _private_folder(folder):
            return folder
    return None


def spool_place(job: JobDir) -> Optional[Path]:
    """Where the job's part of the scratch folder is or would be; None when there is no such folder."""
    scratch = scratch_folder()
    return None if scratch is None else scratch / hashlib.sha256(os.fsencode(str(job.path))).hexdigest()[:16]


def spool_folder(job: JobDir) -> Optional[Path]:
    """The job's part of the scratch folder, made if need be; None when there can be none."""
    folder = spool_place(job)
    return folder if folder is not None and _private_folder(folder) else None


@dataclasses.dataclass(frozen=True)
class Spool:
    """One epoch's files in the spool folder."""

    folder: Path
    epoch: int

    @property
    def events(self) -> Path:
        """The epoch's part of the journal."""
        return self.folder / f"events-{self.epoch}.jsonl"

    @property
    def base(self) -> Path:
        """`{"base": bytes}`: the journal's size on the volume when the epoch began."""
        return self.folder / f"base-{self.epoch}.json"

    @property
    def watchdog(self) -> Path:
        """What the watchdog tells the worker."""
        return self.folder / f"watchdog-{self.epoch}.json"

    @property
    def stop(self) -> Path:
        """`{"reason"}`: exists when the watchdog asks the worker to cancel the job."""
        return self.folder / f"stop-{self.epoch}.json"

    def remove(self) -> None:
        """Deletes the epoch's files and what was asked of the job, and the folder when it is empty."""
        for path in (self.events, self.base, self.watchdog, self.stop, *self.folder.glob("request-*.json")):
            try:
                path.unlink()
            except OSError:
                pass
        try:
            self.folder.rmdir()
        except OSError:
            pass

    def copy_rest(self, job: JobDir) -> None:
        """Brings the volume's journal up to the spool, whole lines only; raises OSError when it cannot."""
        stored = fsutil.read_json(self.base)
        if stored is None:
            return
        base = int(stored["base"])
        try:
            spooled = self.events.read_bytes()
        except FileNotFoundError:
            return
        spooled = spooled[: spooled.rfind(b"\n") + 1]
        descriptor = os.open(job.journal, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            there = os.fstat(descriptor).st_size - base
            if there < 0 or there >= len(spooled):
                return
            os.lseek(descriptor, 0, os.SEEK_END)
            rest = memoryview(spooled)[there:]
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
