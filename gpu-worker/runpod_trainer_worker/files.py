"""`files plan|commit|list`: what a transfer asks about one root."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Optional

from . import fsutil
from .clock import iso
from .errors import WorkerError
from .globs import match_all
from .hashes import HashCache
from .saferoot import Escape, SafeRoot, parts_of

OWN = ".runpod-trainer"
_SHA = re.compile(r"^[0-9a-f]{64}$")
_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_RECORD_EVERY = 500

Answer = Callable[[Dict[str, Any]], None]


@dataclasses.dataclass(frozen=True)
class Wanted:
    """One line of a plan or a commit."""

    path: str
    size: int
    sha256: str
    mode: Optional[int]


def _wanted(line: bytes) -> Wanted:
    try:
        raw = json.loads(line)
        path, size, digest, mode = raw["path"], raw["size"], raw["sha256"], raw.get("mode")
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise WorkerError(
            "A line of the file list was not understood.",
            f"{line[:200]!r} is not an object with path, size and sha256.",
            "Use a client of the same release as this worker.",
        ) from problem
    good = isinstance(path, str) and isinstance(size, int) and isinstance(digest, str)
    if not good or not (mode is None or isinstance(mode, int)):
        raise WorkerError("A line of the file list was not understood.", f"{line[:200]!r} has a wrong type.", "")
    return Wanted(path, size, digest, mode)


def _check(wanted: Wanted) -> None:
    parts = parts_of(wanted.path)
    if OWN in parts:
        raise Escape(f"{wanted.path!r} lies in {OWN}, which is not transferred")
    if not _SHA.match(wanted.sha256) or wanted.size < 0:
        raise Escape(f"size or sha256 of {wanted.path!r} is not valid")


def plan(root: Path, lines: Iterable[bytes], answer: Answer) -> None:
    """Answers each file whose content is not there; a refused name also has `error`."""
    root.mkdir(parents=True, exist_ok=True)
    safe, cache = SafeRoot(root), HashCache(root)
    try:
        for line in lines:
            wanted = _wanted(line)
            try:
                _check(wanted)
                if _digest(safe, cache, wanted.path, wanted.size) != wanted.sha256:
                    answer({"path": wanted.path})
            except Escape as problem:
                answer({"path": wanted.path, "error": f"Refused: {problem}."})
            except OSError as problem:
                answer({"path": wanted.path, "error": f"{problem.strerror}."})
    finally:
        cache.save()
        safe.close()


def _digest(safe: SafeRoot, cache: HashCache, path: str, size: Optional[int]) -> Optional[str]:
    """sha256 of a regular file; None when there is none, or not one of this size."""
    descriptor = safe.open_file(path)
    if descriptor is None:
        return None
    try:
        info = os.fstat(descriptor)
        if size is not None and info.st_size != size:
            return None
        known = cache.known(path, info)
        if known is not None:
            return known
        read_at = time.time_ns()
        digest = fsutil.sha256_of(descriptor)
        cache.remember(path, info, digest, read_at)
        return digest
    finally:
        os.close(descriptor)


class _Commit:
    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._safe = SafeRoot(root)
        self._cache = HashCache(root)
        self._own = self._safe.path / OWN
        os.close(self._safe.folder([OWN, "incoming"], make=True))
        self._done: Dict[str, Dict[str, Any]] = {}
        self._last: Dict[str, str] = {}

    def close(self) -> None:
        self.record()
        self._cache.save()
        self._safe.close()

    def file(self, wanted: Wanted, again: bool) -> None:
        """Verifies and renames; `again` says that the same content is needed for a later name too."""
        _check(wanted)
        incoming = f"{OWN}/incoming/{wanted.sha256}"
        descriptor = self._safe.open_file(incoming)
        if descriptor is None:
            if _digest(self._safe, self._cache, wanted.path, wanted.size) == wanted.sha256:
                self._note(wanted)
                return
            if wanted.sha256 != _EMPTY or wanted.size != 0:
                raise Escape(f"it was not uploaded: {incoming} is not a file")
            descriptor = self._create(f"{incoming}.empty")
            incoming += ".empty"
        try:
            info = os.fstat(descriptor)
            if info.st_size != wanted.size:
                raise Escape(f"the upload has {info.st_size} bytes, expected {wanted.size}: send it again")
            read_at = time.time_ns()
            found = fsutil.sha256_of(descriptor)
            if found != wanted.sha256:
                raise Escape(f"the upload has sha256 {found}, expected {wanted.sha256}: send it again")
            if again:
                incoming = self._copy(descriptor, f"{incoming}.copy")
            else:
                if wanted.mode is not None:
                    os.fchmod(descriptor, wanted.mode & 0o777)
                os.fsync(descriptor)
            if again and wanted.mode is not None:
                self._chmod(incoming, wanted.mode)
        finally:
            os.close(descriptor)
        self._safe.rename(incoming, wanted.path)
        self._note(wanted, read_at)

    def _create(self, name: str) -> int:
        parts = parts_of(name)
        folder = self._safe.folder(parts[:-1])
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            return os.open(parts[-1], flags, 0o644, dir_fd=folder)
        finally:
            os.close(folder)

    def _copy(self, source: int, name: str) -> str:
        os.lseek(source, 0, os.SEEK_SET)
        target = self._create(name)
        with os.fdopen(os.dup(source), "rb") as reader, os.fdopen(target, "wb") as writer:
            shutil.copyfileobj(reader, writer, fsutil.CHUNK)
            writer.flush()
            os.fsync(writer.fileno())
        return name

    def _chmod(self, name: str, mode: int) -> None:
        descriptor = self._safe.open_file(name)
        if descriptor is not None:
            os.fchmod(descriptor, mode & 0o777)
            os.close(descriptor)

    def _note(self, wanted: Wanted, read_at: Optional[int] = None) -> None:
        descriptor = self._safe.open_file(wanted.path)
        if descriptor is None:
            return
        try:
            info = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        if read_at is not None:
            self._cache.remember(wanted.path, info, wanted.sha256, read_at)
        self._done[wanted.path] = {"size": wanted.size, "sha256": wanted.sha256, "mtime": iso(info.st_mtime)}
        if len(self._done) >= _RECORD_EVERY:
            self.record()

    def record(self) -> None:
        """Adds what was committed to files.json; several connections may do so at once."""
        if not self._done:
            return
        path = self._own / "files.json"
        with open(self._own / "files.lock", "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            files = (fsutil.read_json(path) or {}).get("files")
            merged = {**(files if isinstance(files, dict) else {}), **self._done}
            fsutil.write_json(path, {"schema": 1, "files": merged}, durable=True)
        self._done = {}


def commit(root: Path, lines: Iterable[bytes], answer: Answer) -> None:
    """Verifies each upload and gives it its name; one answer for each file."""
    wanted: List[Wanted] = [_wanted(line) for line in lines]
    uses: Dict[str, int] = {}
    for item in wanted:
        uses[item.sha256] = uses.get(item.sha256, 0) + 1
    try:
        work = _Commit(root)
    except Escape as problem:
        raise WorkerError(f"{root} cannot take files.", f"{problem}.", "Remove the link.") from problem
    try:
        for item in wanted:
            uses[item.sha256] -= 1
            try:
                work.file(item, again=uses[item.sha256] > 0)
                answer({"path": item.path, "ok": True})
            except Escape as problem:
                answer({"path": item.path, "ok": False, "error": f"Refused: {problem}."})
            except OSError as problem:
                text = f"{problem.strerror or problem}."
                answer({"path": item.path, "ok": False, "error": text})
    finally:
        work.close()


def list_files(root: Path, request: bytes, answer: Answer) -> None:
    """Answers `{"path", "size", "sha256", "mtime"}` for each regular file that matches."""
    try:
        patterns = json.loads(request)["patterns"]
        if not all(isinstance(pattern, str) for pattern in patterns):
            raise TypeError
    except (ValueError, KeyError, TypeError) as problem:
        raise WorkerError(
            "The patterns were not understood.", 'Standard input is not {"patterns": [text]}.', "Send a list of globs."
        ) from problem
    for pattern in patterns:
        if pattern.startswith("/") or ".." in pattern.split("/"):
            raise WorkerError(f"The pattern {pattern!r} is refused.", "It leaves the folder.", "Use paths below it.")
    if not root.is_dir():
        return
    safe, cache = SafeRoot(root), HashCache(root)
    try:
        for path in match_all(safe.path, patterns):
            try:
                descriptor = safe.open_file(path)
                if descriptor is None:
                    continue
                info = os.fstat(descriptor)
                os.close(descriptor)
                digest = _digest(safe, cache, path, None)
            except (Escape, OSError):
                continue
            if digest is not None:
                answer({"path": path, "size": info.st_size, "sha256": digest, "mtime": iso(info.st_mtime)})
    finally:
        cache.save()
        safe.close()


def stdin_lines() -> Iterable[bytes]:
    """Lines of standard input that are not empty."""
    return (line for line in sys.stdin.buffer if line.strip())
