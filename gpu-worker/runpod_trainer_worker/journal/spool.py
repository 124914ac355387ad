"""The spool: what a job keeps on the pod's own disk."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import stat
from pathlib import Path
from typing import Optional

from .directory import JobDir
from .whole import file_of

#: So many bytes at the end of what is on the volume are compared with the spool.
_DOUBTFUL = 64 << 20

#: Begins the name of a file in the folder that was chosen, which ends with where looking began: another choice later,
#: because a disk is full by then, would hide what is there.
_CHOSEN = "chosen-"


def _is_private(path: Path) -> bool:
    info = path.lstat()
    return stat.S_ISDIR(info.st_mode) and info.st_uid == os.getuid() and not info.st_mode & 0o022


def _private_folder(path: Path) -> bool:
    """Makes a folder for this user alone; whether that can be written to."""
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        if not _is_private(path):
            return False
        probe = path / f".probe-{os.getpid()}"
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
    except OSError:
        return False
    return True


def scratch_folder() -> Optional[Path]:
    """A private folder of this user on the machine's own disk, the same at every call; None when none can be written."""
    # Not by `tempfile`, which passes over a folder whose disk is full at the moment.
    first = os.environ.get("TMPDIR") or "/tmp"
    chosen = _CHOSEN + hashlib.sha256(os.fsencode(first)).hexdigest()[:16]
    folders = [Path(base) / f"runpod-trainer-{os.getuid()}" for base in (first, "/tmp", "/var/tmp", "/dev/shm")]
    for folder in folders:
        try:
            if (folder / chosen).exists() and _is_private(folder):
                return folder
        except OSError:
            continue
    for folder in folders:
        if _private_folder(folder):
            try:
                (folder / chosen).touch()
            except OSError:
                continue
            return folder
    return None


def spool_place(job: JobDir) -> Optional[Path]:
    """Where the job's part of the scratch folder is or would be; None when there is no such folder."""
    scratch = scratch_folder()
    return None if scratch is None else scratch / hashlib.sha256(os.fsencode(str(job.path))).hexdigest()[:16]


def spool_folder(job: JobDir) -> Optional[Path]:
    """The job's part of the scratch folder, made if need be; None when there can be none."""
    folder = spool_place(job)
    try:
        if folder is None:
            return None
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder if _is_private(folder) else None
    except OSError:
        return None


@dataclasses.dataclass(frozen=True)
class Spool:
    """One epoch's files in the spool folder."""

    folder: Path
    epoch: int

    @property
    def events(self) -> Path:
        """The epoch's events, as its file on the volume has them or will."""
        return self.folder / f"events-{self.epoch}.jsonl"

    def remove(self) -> None:
        """Deletes the epoch's files, what was asked of the job and what a step reported, and the folder when it is empty."""
        for path in (self.events, *self.folder.glob("request-*.json"), *self.folder.glob("metrics-*.jsonl")):
            try:
                path.unlink()
            except OSError:
                pass
        try:
            self.folder.rmdir()
        except OSError:
            pass

    def copy_rest(self, job: JobDir) -> None:
        """Makes the epoch's file on the volume what the spool is, whole lines only; raises OSError when it cannot.

        A spool whose disk was full may have less; what is beyond it on the volume stays.
        """
        try:
            spooled = self.events.read_bytes()
        except FileNotFoundError:
            return
        spooled = spooled[: spooled.rfind(b"\n") + 1]
        descriptor = os.open(file_of(job, self.epoch), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            there = min(os.fstat(descriptor).st_size, len(spooled))
            # The end of what is there may never have reached the disk: a failed fsync leaves holes and old bytes.
            begin = max(0, there - _DOUBTFUL)
            if os.pread(descriptor, there - begin, begin) == spooled[begin:there]:
                begin = there
            if begin < len(spooled):
                write_at(descriptor, spooled[begin:], begin)
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_at(descriptor: int, data: bytes, offset: int) -> None:
    """Writes all of the bytes at their place; raises OSError."""
    rest = memoryview(data)
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        offset += written
        rest = rest[written:]
