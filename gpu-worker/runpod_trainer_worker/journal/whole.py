"""The whole journal of a job: one file an epoch, read one after the other.

Each epoch that begins writes down how many bytes of the earlier files count (`before` in its `owner.json`), and until it
has, nothing is read. So what is read grows at its end only, also when the worker of an earlier epoch comes back and
appends what it still had: that lies beyond the bytes that count.
"""

from __future__ import annotations

import dataclasses
import errno
import json
import os
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

from ..base import fsutil
from ..base.succession import Succession, Term
from .directory import JobDir, newest_epoch, old_lock

_CHUNK = 1 << 20
#: What fsync fails with when the disk does not have the bytes; other failures say that there is nothing to wait for.
_NOT_ON_DISK = (errno.EIO, *fsutil.FULL)


@dataclasses.dataclass(frozen=True)
class Part:
    """The file of one epoch; `size` is how many of its bytes count, None for the newest one, which grows."""

    path: Path
    size: Optional[int]


@dataclasses.dataclass(frozen=True)
class Layout:
    """The parts in their order; the last one is the newest epoch's."""

    epoch: int
    parts: Tuple[Part, ...]

    def begin(self) -> int:
        """Where the newest epoch's part begins, in bytes of the whole."""
        return sum(part.size or 0 for part in self.parts)

    def size(self) -> int:
        """Bytes of the whole journal, whole lines only; raises OSError."""
        return self.begin() + whole_size(self.parts[-1].path)

    def is_finished(self) -> bool:
        """Whether the newest epoch has its last event."""
        event = last_event(self.parts[-1].path) or {}
        return event.get("type") == "job.finished" and int(event.get("epoch", 0)) >= self.epoch

    def whole_lines(self, offset: int, most: int) -> bytes:
        """About `most` bytes from the offset on, cut after a whole line, as the disk has them; raises OSError."""
        for part in self.parts:
            if part.size is None or offset < part.size:
                return _whole_lines(part, offset, most)
            offset -= part.size
        return b""

    def is_line_start(self, offset: int) -> bool:
        """Whether a line of the whole journal begins or will begin at the offset; raises OSError."""
        for part in self.parts:
            if part.size is None or offset < part.size:
                return offset == 0 or _bytes(part.path, offset - 1, 1) == b"\n"
            offset -= part.size
        return offset == 0


def layout_of(job: JobDir) -> Optional[Layout]:
    """How the journal lies at this moment; None while an epoch begins. Raises OSError when the volume cannot tell."""
    term = Succession(job.epochs).newest()
    if term is None:
        lock = old_lock(job)
        return Layout(0 if lock is None else lock.epoch, (Part(job.first_journal, None),))
    before = sizes_before(term)
    if before is None:
        return None
    numbers = sorted(before)
    parts = [Part(_name(job, number, numbers[0]), before[number]) for number in numbers]
    return Layout(term.number, (*parts, Part(_name(job, term.number, min([term.number, *numbers])), None)))


def sizes_before(term: Term) -> Optional[Dict[int, int]]:
    """How many bytes of the files of earlier epochs count, by their numbers; None while the term does not say so."""
    raw = term.owner.get("before")
    try:
        return {int(number): int(size) for number, size in raw.items()} if isinstance(raw, dict) else None
    except (TypeError, ValueError):
        return None


def file_of(job: JobDir, epoch: int) -> Path:
    """The file of an epoch's events; raises OSError."""
    line = Succession(job.epochs)
    numbers = line.numbers()
    for number in reversed(numbers):
        before = sizes_before(line.term(number))
        if before is not None:
            return _name(job, epoch, min([number, *before]))
    lock = old_lock(job)
    return _name(job, epoch, numbers[0] if numbers else 1 if lock is None else lock.epoch)


def _name(job: JobDir, epoch: int, first: int) -> Path:
    return job.first_journal if epoch <= first else job.path / f"events-{epoch}.jsonl"


class JournalReader:
    """Gives the bytes of the whole journal from an offset on, up to the end of the last whole line.

    Nothing is given that a new epoch could leave out: what was read counts only when no epoch has begun since, and only
    when the disk has it, so that another pod that measures it sees it too.
    """

    def __init__(self, job: JobDir, offset: int) -> None:
        self._job = job
        self._checked: Optional[int] = None
        self.offset = offset

    def fits(self, layout: Layout) -> bool:
        """Whether what was read until the offset can be the beginning of this journal; raises OSError."""
        if self._checked != layout.epoch:
            if self.offset > layout.size() or not layout.is_line_start(self.offset):
                return False
            self._checked = layout.epoch
        return True

    def copy(self, write: Callable[[bytes], None]) -> bool:
        """Writes what is there; True when there was something. Raises OSError."""
        moved = False
        while True:
            layout = layout_of(self._job)
            data = b"" if layout is None else layout.whole_lines(self.offset, _CHUNK)
            if layout is None or not data or newest_epoch(self._job) != layout.epoch:
                return moved
            write(data)
            self.offset += len(data)
            moved = True


def _whole_lines(part: Part, offset: int, most: int) -> bytes:
    end = None if part.size is None else part.size - offset
    while True:
        data = _bytes(part.path, offset, most if end is None else min(most, end), durable=end is None)
        whole = data[: data.rfind(b"\n") + 1]
        if whole or len(data) < most:
            break
        most *= 2
    if end is not None and not whole:
        raise OSError(errno.EIO, f"{end} bytes of the journal are missing", str(part.path))
    return whole


def _bytes(path: Path, offset: int, most: int, durable: bool = False) -> bytes:
    """Bytes of a file that may not be there yet; `durable`: only once the disk has them."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        data = os.pread(descriptor, most, offset)
        if data and durable:
            try:
                os.fsync(descriptor)
            except OSError as problem:
                return b"" if problem.errno in _NOT_ON_DISK else data
        return data
    finally:
        os.close(descriptor)


def events_of(data: bytes) -> List[Dict[str, Any]]:
    """The events of whole lines; what is none, such as a line that a death tore, is passed over."""
    events = []
    for line in data.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            events.append(value)
    return events


def last_event(path: Path) -> Optional[Dict[str, Any]]:
    """The last whole line of a file of events, or None."""
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
    """Bytes of a file of events up to the end of its last whole line; 0 when there is none. Raises OSError."""
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
    """Cuts a last line without its end; answers the file's size in bytes."""
    size = whole_size(path)
    if path.exists() and path.stat().st_size != size:
        os.truncate(path, size)
    return size
