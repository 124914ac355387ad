"""What of a folder a list of patterns means, links to places inside of it included."""

from __future__ import annotations

import dataclasses
import errno
import os
import stat
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple

from ..base.globs import SKIPPED, Glob


@dataclasses.dataclass(frozen=True)
class Found:
    """One name that a pattern means: a file that can be brought home, or why it cannot."""

    path: str
    #: Of the file itself, also when a link leads to it.
    info: Optional[os.stat_result] = None
    #: Where the file lies, relative to the folder, when a link leads to it.
    target: Optional[str] = None
    #: Why it is left where it is; it has no `info` then.
    left: Optional[str] = None
    #: Whether it is left since nothing is there: a link whose target does not exist.
    nothing: bool = False

    def left_line(self) -> Dict[str, Any]:
        return {"path": self.path, "left": self.left, **({"nothing": True} if self.nothing else {})}


def find(root: Path, patterns: Iterable[str]) -> List[Found]:
    """All that the patterns mean, sorted by name, each once; raises nothing for what cannot be read."""
    search = _Search(os.path.realpath(root), [Glob(pattern) for pattern in patterns])
    return sorted(search.run(), key=lambda found: found.path)


@dataclasses.dataclass(frozen=True)
class _Folder:
    path: str
    #: Where it lies, relative to the root; another place than `path` below a linked folder.
    real: str
    #: The places of it and of what it is in, so that no link leads round and round.
    trail: Tuple[str, ...]


class _Search:
    def __init__(self, root: str, globs: List[Glob]) -> None:
        self._root = root
        self._globs = globs
        self._waiting = [_Folder("", "", ("",))]

    def run(self) -> Iterator[Found]:
        while self._waiting:
            folder = self._waiting.pop()
            try:
                entries = list(os.scandir(f"{self._root}/{folder.real}"))
            except FileNotFoundError:
                continue
            except OSError as problem:
                yield Found(folder.path or ".", left=f"the folder cannot be read: {problem.strerror}")
                continue
            for entry in entries:
                yield from self._entry(folder, entry)

    def _entry(self, folder: _Folder, entry: "os.DirEntry[str]") -> Iterator[Found]:
        path, real = _below(folder.path, entry.name), _below(folder.real, entry.name)
        if entry.is_symlink():
            if self._is_meant(path) or self._is_entered(path):
                yield from self._link(folder, path, real)
        elif entry.is_dir(follow_symlinks=False):
            if self._is_entered(path):
                self._waiting.append(_Folder(path, real, (*folder.trail, real)))
        elif self._is_meant(path):
            yield from self._file(path, real)

    def _link(self, folder: _Folder, path: str, link: str) -> Iterator[Found]:
        place = os.path.realpath(f"{self._root}/{link}")
        try:
            info = os.stat(place)
        except OSError as problem:
            if self._is_meant(path) and problem.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                yield Found(path, left="it is a link to nothing", nothing=True)
            elif self._is_meant(path):
                yield Found(path, left=f"it is a link to what cannot be read: {problem.strerror}")
            return
        if not f"{place}/".startswith(f"{self._root}/"):
            yield Found(path, left=f"it is a link out of the project, to {place}")
            return
        real = place[len(self._root) + 1 :]
        if any(part in SKIPPED for part in real.split("/")):
            yield Found(path, left=f"it is a link to {real}, which is never brought home")
        elif not stat.S_ISDIR(info.st_mode):
            if self._is_meant(path):
                yield from self._file(path, real)
        elif real and not any(f"{passed}/".startswith(f"{real}/") for passed in folder.trail):
            self._waiting.append(_Folder(path, real, (*folder.trail, real)))

    def _file(self, path: str, real: str) -> Iterator[Found]:
        try:
            info = os.stat(f"{self._root}/{real}", follow_symlinks=False)
        except OSError as problem:
            yield Found(path, left=f"it cannot be read: {problem.strerror}")
            return
        # Pipes, sockets and devices hold nothing that could be kept.
        if stat.S_ISREG(info.st_mode):
            yield Found(path, info=info, target=None if real == path else real)

    def _is_meant(self, path: str) -> bool:
        return any(glob.matches(path) for glob in self._globs)

    def _is_entered(self, path: str) -> bool:
        if path.rpartition("/")[2] in SKIPPED:
            # Only where it is named letter by letter.
            return any(not glob.is_magic and f"{glob.plain}/".startswith(f"{path}/") for glob in self._globs)
        return any(glob.may_match_below(path) for glob in self._globs)


def _below(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
