"""`files commit`: verifies uploads and gives them their names."""

from __future__ import annotations

import dataclasses
import os
import shutil
import time
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional

from ..base import fsutil
from ..base.clock import iso
from .hashes import HashCache, digest_of
from .incoming import FOLDER, open_incoming
from .lines import EMPTY_SHA256, Answer, Wanted, check, wanted_of
from .manifest import Manifest
from .safe_root import Escape, open_root

#: Files whose content is brought to the disk at one time, before any of them gets its name.
_BATCH = 4000
_FEW = 8


@dataclasses.dataclass(frozen=True)
class Ready:
    """A verified upload: its name in `incoming`, and when it was read; no name when the file is in place already."""

    wanted: Wanted
    name: Optional[str]
    read_at: Optional[int]


class Commit:
    """Gives uploads their names below one root, and records them in its manifest."""

    def __init__(self, root: Path) -> None:
        self._safe = open_root(root)
        self._cache = HashCache(root)
        self._incoming = open_incoming(self._safe)
        self._safe.made.clear()
        self._done: Dict[str, Dict[str, Any]] = {}
        self._copies = 0

    def allow(self, wanted: Wanted) -> None:
        """Raises Escape for a name that must not be written."""
        check(wanted)

    def close(self) -> None:
        """Records what was done and gives the root up."""
        self.record()
        self._cache.save()
        self._incoming.close()
        self._safe.close()

    def verify(self, wanted: Wanted, again: bool, durable: bool) -> Ready:
        """Checks size and content; `again` says that the same content is needed for a later name too."""
        self.allow(wanted)
        name = self._incoming.upload(wanted.sha256, wanted.size)
        if name is None:
            if digest_of(self._safe, self._cache, wanted.path, wanted.size) == wanted.sha256:
                return Ready(wanted, None, None)
            if wanted.sha256 != EMPTY_SHA256 or wanted.size != 0:
                raise Escape(f"it was not uploaded: {FOLDER}/{wanted.sha256} is not a file")
            name = self._fresh("empty")
            os.close(self._incoming.create(name))
        descriptor = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._incoming.descriptor)
        try:
            read_at = time.time_ns()
            size = os.fstat(descriptor).st_size
            found = fsutil.sha256_of(descriptor) if size == wanted.size else ""
            if found != wanted.sha256:
                self._incoming.discard(wanted.sha256)
                if size != wanted.size:
                    raise Escape(f"the upload has {size} bytes, expected {wanted.size}: send it again")
                raise Escape(f"the upload has sha256 {found}, expected {wanted.sha256}: send it again")
            if again:
                name = self._copy(descriptor)
            elif name.endswith(".part"):
                self._incoming.remove(f"{wanted.sha256}.ranges")
            self._finish(name, descriptor if not again else None, wanted.mode, durable)
        finally:
            os.close(descriptor)
        return Ready(wanted, name, read_at)

    def place(self, ready: Ready) -> None:
        """Gives the content its name."""
        if ready.name is not None:
            self._safe.rename(f"{FOLDER}/{ready.name}", ready.wanted.path)
        self.note(ready.wanted, ready.read_at)

    def sync(self) -> None:
        """Waits until the disk has everything that was written."""
        fsutil.sync_volume(self._incoming.descriptor)

    def _fresh(self, kind: str) -> str:
        self._copies += 1
        return f"{os.getpid()}.{self._copies}.{kind}"

    def _finish(self, name: str, descriptor: Optional[int], mode: Optional[int], durable: bool) -> None:
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        opened_here = os.open(name, flags, dir_fd=self._incoming.descriptor) if descriptor is None else descriptor
        try:
            if mode is not None:
                os.fchmod(opened_here, mode & 0o777)
            if durable:
                os.fsync(opened_here)
        finally:
            if descriptor is None:
                os.close(opened_here)

    def _copy(self, source: int) -> str:
        name = self._fresh("copy")
        os.lseek(source, 0, os.SEEK_SET)
        target = self._incoming.create(name)
        with os.fdopen(os.dup(source), "rb") as reader, os.fdopen(target, "wb") as writer:
            shutil.copyfileobj(reader, writer, fsutil.CHUNK)
        return name

    def note(self, wanted: Wanted, read_at: Optional[int]) -> None:
        """Remembers a file that is in place; `read_at` is None for one that was before."""
        descriptor = self._safe.open_file(wanted.path)
        if descriptor is None:
            return
        info = os.fstat(descriptor)
        os.close(descriptor)
        if read_at is not None:
            self._cache.remember(wanted.path, info, wanted.sha256, read_at)
        under = {} if wanted.list is None else {"list": wanted.list}
        self._done[wanted.path] = {"size": wanted.size, "sha256": wanted.sha256, "mtime": iso(info.st_mtime), **under}

    def record(self) -> None:
        """Adds what was committed to the manifest."""
        if self._done:
            Manifest(self._safe).change(put=self._done, made=self._safe.made)
        self._done = {}
        self._safe.made.clear()


def commit(root: Path, lines: Iterable[bytes], answer: Answer) -> None:
    """Verifies each upload and gives it its name; one answer for each file."""
    wanted: List[Wanted] = [wanted_of(line) for line in lines]
    work = Commit(root)
    try:
        commit_all(work, wanted, answer)
    finally:
        work.close()


def commit_all(work: Commit, wanted: List[Wanted], answer: Answer) -> None:
    """Does it in batches; one answer for each file."""
    uses: Dict[str, int] = {}
    for item in wanted:
        uses[item.sha256] = uses.get(item.sha256, 0) + 1
    for start in range(0, len(wanted), _BATCH):
        _batch(work, wanted[start : start + _BATCH], uses, answer)


def _batch(work: Commit, wanted: List[Wanted], uses: Dict[str, int], answer: Answer) -> None:
    ready: List[Ready] = []
    few = len(wanted) <= _FEW

    def guarded(item: Wanted, step: Any) -> None:
        try:
            step()
        except Escape as problem:
            answer({"path": item.path, "ok": False, "error": f"Refused: {problem}."})
        except OSError as problem:
            answer({"path": item.path, "ok": False, "error": f"{problem.strerror or problem}."})

    for item in wanted:
        uses[item.sha256] -= 1
        again = uses[item.sha256] > 0
        guarded(item, lambda item=item, again=again: ready.append(work.verify(item, again, few)))
    if not few:
        work.sync()
    for one in ready:

        def place(one: Ready = one) -> None:
            work.place(one)
            answer({"path": one.wanted.path, "ok": True})

        guarded(one.wanted, place)
    work.record()
