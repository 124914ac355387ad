"""`.runpod-trainer/incoming`: content that is not verified and in place yet, under its sha256.

`<sha256>` is a whole file, `<sha256>.part` one of which the ranges in `<sha256>.ranges` have arrived. Ranges may come
over several connections in any order, so the length of a part says nothing; the journal does, one line
`<start> <end>` for each range that the far end has acknowledged.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import List, Optional

from ..base.contract import LIMITS
from ..base.errors import WorkerError
from .lines import OWN_FOLDER
from .safe_root import Escape, SafeRoot

FOLDER = f"{OWN_FOLDER}/incoming"
#: What nobody came back for in this time takes room that is paid for.
_STALE_SECONDS = LIMITS.incoming_days * 24 * 3600.0
_LINE = re.compile(rb"(\d{1,15}) (\d{1,15})")
_JOURNAL_LIMIT = 16 << 20


#: Written to see whether there is room; free space as told by the system ignores a volume's quota.
_TRIED_BYTES = 4 << 20


def room(root: Path) -> Optional[str]:
    """The name of the error when something is written where uploads lie, such as `ENOSPC`; what was written is gone."""
    try:
        with tempfile.TemporaryFile(dir=root / FOLDER) as file:
            file.write(bytes(_TRIED_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as problem:
        return errno.errorcode.get(problem.errno or 0, str(problem.errno))
    return None


class Incoming:
    """The folder, made when it is not there. Raises Escape when it is a link out of the root."""

    def __init__(self, safe: SafeRoot) -> None:
        self.descriptor = safe.folder([OWN_FOLDER, "incoming"], make=True)

    def close(self) -> None:
        """Gives the folder up."""
        os.close(self.descriptor)

    def have(self, sha256: str, size: int) -> List[List[int]]:
        """The ranges `[start, end)` that are there, sorted and apart from each other."""
        if self._size(sha256) == size:
            return [[0, size]]
        there = self._size(f"{sha256}.part")
        if there is None:
            return []
        if there > size:
            self.discard(sha256)
            return []
        return merged(self._journal(sha256), there)

    def upload(self, sha256: str, size: int) -> Optional[str]:
        """The name of the upload that may be whole: of this size, or under its final name here."""
        if self._size(sha256) is not None:
            return sha256
        return f"{sha256}.part" if self._size(f"{sha256}.part") == size else None

    def discard(self, sha256: str) -> None:
        """Removes all of one content, so that the next upload begins anew."""
        for name in (sha256, f"{sha256}.part", f"{sha256}.ranges"):
            self.remove(name)

    def remove(self, name: str) -> None:
        """Removes one entry when it is there."""
        try:
            os.unlink(name, dir_fd=self.descriptor)
        except FileNotFoundError:
            pass

    def create(self, name: str) -> int:
        """A descriptor of a new file; what had the name is removed, a link is not followed."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return os.open(name, flags, 0o644, dir_fd=self.descriptor)
        except FileExistsError:
            self.remove(name)
            return os.open(name, flags, 0o644, dir_fd=self.descriptor)

    def part(self, sha256: str) -> int:
        """A descriptor of the file that ranges of one content are written into; made when it is not there."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(f"{sha256}.part", flags, 0o644, dir_fd=self.descriptor)

    def note(self, sha256: str, start: int, end: int) -> None:
        """Records a range that was written."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(f"{sha256}.ranges", flags, 0o644, dir_fd=self.descriptor)
        try:
            os.write(descriptor, f"{start} {end}\n".encode())
        finally:
            os.close(descriptor)

    def sweep(self) -> None:
        """Removes what is older than a week, by the clock of the volume itself."""
        name = f"clock.{os.getpid()}"
        descriptor = self.create(name)
        now = os.fstat(descriptor).st_mtime
        os.close(descriptor)
        self.remove(name)
        with os.scandir(self.descriptor) as entries:
            old = [entry.name for entry in entries if self._age(entry, now) > _STALE_SECONDS]
        for name in old:
            try:
                self.remove(name)
            except OSError:
                continue

    @staticmethod
    def _age(entry: "os.DirEntry[str]", now: float) -> float:
        try:
            return now - entry.stat(follow_symlinks=False).st_mtime
        except OSError:
            return 0.0

    def _size(self, name: str) -> Optional[int]:
        try:
            info = os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        except OSError:
            return None
        return info.st_size if stat.S_ISREG(info.st_mode) else None

    def _journal(self, sha256: str) -> List[List[int]]:
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(f"{sha256}.ranges", flags, dir_fd=self.descriptor)
        except OSError:
            return []
        with os.fdopen(descriptor, "rb") as file:
            text = file.read(_JOURNAL_LIMIT)
        return read_journal(text)


def open_incoming(safe: SafeRoot) -> Incoming:
    """The folder of uploads; raises WorkerError when a link stands in its place."""
    try:
        return Incoming(safe)
    except Escape as problem:
        raise WorkerError(f"{safe.path} cannot take files.", f"{problem}.", "Remove the link.") from problem


def read_journal(text: bytes) -> List[List[int]]:
    """The ranges of a journal; a torn last line and what makes no sense are left out."""
    found = [_LINE.fullmatch(line) for line in text.split(b"\n")[:-1]]
    return [[int(match[1]), int(match[2])] for match in found if match]


def merged(ranges: List[List[int]], limit: int) -> List[List[int]]:
    """Sorted, joined where they touch, and cut at `limit`."""
    result: List[List[int]] = []
    for start, end in sorted(ranges):
        end = min(end, limit)
        if start >= end:
            continue
        if result and start <= result[-1][1]:
            result[-1][1] = max(result[-1][1], end)
        else:
            result.append([start, end])
    return result
