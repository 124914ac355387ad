"""What lies on a volume, as a move to another volume sees it: files with their content, folders, links."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

from ..base.errors import WorkerError
from ..files.hashes import EARLIER_NAME, NAME, HashCache, digest_of
from ..files.lines import OWN_FOLDER, Answer, is_sha256
from ..files.safe_root import Escape, SafeRoot, parts_of

#: Below any `.runpod-trainer`: what a volume knows of itself alone, or what is not verified yet.
_NOT_MOVED = {"incoming", NAME, EARLIER_NAME, "files.lock"}
#: Below the volume's own `.runpod-trainer`: of pods that carried files, and of moves to this volume.
_NOT_MOVED_TOP = {"gateways", "moves", "pods"}
_SAVE_EVERY = 30.0


@dataclasses.dataclass(frozen=True)
class Entry:
    """One name of a volume. `mtime` in ns; `size` and `sha256` are a file's, `target` is a link's."""

    path: str
    kind: str
    mode: int = 0
    mtime: int = 0
    size: int = 0
    sha256: str = ""
    target: str = ""

    def __post_init__(self) -> None:
        parts_of(self.path)
        if self.kind not in ("file", "folder", "link"):
            raise Escape(f"{self.path!r} is of the unknown kind {self.kind!r}")
        if self.kind == "file" and (not is_sha256(self.sha256) or self.size < 0):
            raise Escape(f"size or sha256 of {self.path!r} is not valid")
        if self.kind == "link" and not self.target:
            raise Escape(f"{self.path!r} is a link to nothing")

    def line(self) -> Dict[str, Any]:
        """As it travels; times are text, since they are too large for other readers' numbers."""
        if self.kind == "link":
            return {"path": self.path, "kind": "link", "target": self.target}
        common: Dict[str, Any] = {"path": self.path, "kind": self.kind, "mode": self.mode, "mtime": str(self.mtime)}
        return common if self.kind == "folder" else {**common, "size": self.size, "sha256": self.sha256}


def entry_of(line: bytes) -> Entry:
    """Reads what `Entry.line` wrote; raises WorkerError, or Escape for a name or value that must not be used."""
    try:
        raw = json.loads(line)
        mode, mtime, size = (int(raw.get(name, 0)) for name in ("mode", "mtime", "size"))
        path, kind = str(raw["path"]), str(raw["kind"])
        sha256, target = str(raw.get("sha256", "")), str(raw.get("target", ""))
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise WorkerError(
            "A line of the file list was not understood.",
            f"{line[:200]!r} is not an entry of a volume.",
            "Use a client of the same release as this worker.",
        ) from problem
    return Entry(path, kind, mode, mtime, size, sha256, target)


def is_moved(path: str) -> bool:
    """Whether the name belongs to what a move brings along."""
    parts = path.split("/")
    if parts[0] == OWN_FOLDER and len(parts) > 1 and parts[1] in _NOT_MOVED_TOP:
        return False
    return not any(part == OWN_FOLDER and following in _NOT_MOVED for part, following in zip(parts, parts[1:]))


def _walk(root: Path, answer: Answer) -> Iterator[os.DirEntry[str]]:
    """Every name below the root, folders before what is in them."""
    waiting: List[str] = [""]
    while waiting:
        folder = waiting.pop()
        try:
            entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name, reverse=True)
        except OSError as problem:
            answer({"path": folder, "error": f"{problem.strerror}."})
            continue
        for entry in entries:
            path = os.path.relpath(entry.path, root)
            if not is_moved(path):
                continue
            yield entry
            if entry.is_dir(follow_symlinks=False):
                waiting.append(path)


def list_entries(root: Path, answer: Answer) -> None:
    """Answers `Entry.line` for everything below the root, and `{"path", "error"}` for what cannot be read or moved."""
    safe, cache = SafeRoot(root), HashCache(root)
    saved = time.monotonic()
    try:
        for found in _walk(safe.path, answer):
            path = os.path.relpath(found.path, safe.path)
            try:
                entry = _look(safe, cache, path)
                answer(entry.line() if entry is not None else {"path": path, "error": "It is no file, folder or link."})
            except (Escape, OSError) as problem:
                answer({"path": path, "error": f"{getattr(problem, 'strerror', None) or problem}."})
            # A listing that is cut must not have read everything in vain.
            if time.monotonic() - saved > _SAVE_EVERY:
                cache.save()
                saved = time.monotonic()
    finally:
        cache.save()
        safe.close()


def _look(safe: SafeRoot, cache: HashCache, path: str) -> Optional[Entry]:
    info = os.lstat(safe.path / path)
    mode, mtime = stat.S_IMODE(info.st_mode) & 0o777, info.st_mtime_ns
    if stat.S_ISLNK(info.st_mode):
        return Entry(path, "link", target=os.readlink(safe.path / path))
    if stat.S_ISDIR(info.st_mode):
        return Entry(path, "folder", mode, mtime)
    if not stat.S_ISREG(info.st_mode):
        return None
    digest = digest_of(safe, cache, path, None)
    if digest is None:
        raise Escape("It changed while it was read")
    return Entry(path, "file", mode, mtime, info.st_size, digest)
