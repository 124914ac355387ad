"""`files unpack`: an archive of unknown origin becomes a new folder, whole or not at all."""

from __future__ import annotations

import argparse
import os
import shutil
import stat
from pathlib import Path
from typing import IO, Any, Callable, Dict, List, Tuple

from ..base import fsutil
from ..base.errors import WorkerError
from .archives import Entry, Refused, entries
from .lines import OWN_FOLDER, check_path
from .safe_root import Escape, SafeRoot, open_root, parts_of

_MEMORY = 2 << 30
_RATIO, _LEAST = 100, 1 << 30


def unpack(options: argparse.Namespace, answer: Callable[[Dict[str, Any]], None]) -> None:
    """Answers `{"into", "entries", "bytes"}`; raises WorkerError for what is refused, and then nothing is there."""
    if not options.archive or not options.into:
        raise WorkerError("The command was not understood.", "--archive and --into are needed.", "Run it with --help.")
    _limit_memory()
    safe = open_root(options.root, make=False)
    try:
        answer(_unpack(safe, options))
    except (Refused, Escape, MemoryError) as problem:
        why = "It needs more memory than 2 GiB." if isinstance(problem, MemoryError) else f"{problem}."
        raise WorkerError(
            f"{options.archive} was not unpacked.",
            f"{why[0].upper()}{why[1:]}",
            "Nothing of it was put in place. Look into the archive before you trust it.",
        ) from problem
    finally:
        safe.close()


def _limit_memory() -> None:
    """What unpacks to gigabytes at once must not take the memory that the training needs."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = _MEMORY if hard == resource.RLIM_INFINITY else min(_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _unpack(safe: SafeRoot, options: argparse.Namespace) -> Dict[str, Any]:
    check_path(options.into)
    if safe.exists(options.into):
        raise Refused(f"{options.into!r} is there already")
    descriptor = safe.open_file(options.archive)
    if descriptor is None:
        raise Refused("it is not a regular file below the root")
    with os.fdopen(descriptor, "rb") as source:
        size = os.fstat(descriptor).st_size
        limit = options.max_bytes if options.max_bytes is not None else max(_LEAST, _RATIO * size)
        os.close(safe.folder([OWN_FOLDER, "incoming"], make=True))
        temporary = f"{OWN_FOLDER}/incoming/{os.getpid()}.unpack"
        place = safe.path / temporary
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        try:
            work = _Unpack(place, options.max_entries, limit)
            for entry in entries(source, limit):
                work.take(entry)
            work.finish()
            fsutil.sync_volume(descriptor)
            safe.rename(temporary, options.into)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
    return {"into": options.into, "entries": work.entries, "bytes": work.bytes}


class _Unpack:
    """Fills one fresh folder. Links are made when all files are there, so that nothing is ever written through one."""

    def __init__(self, place: Path, max_entries: int, max_bytes: int) -> None:
        self._place = place
        self._root = SafeRoot(place)
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._links: List[Tuple[str, str]] = []
        self.entries = 0
        self.bytes = 0

    def take(self, entry: Entry) -> None:
        """Unpacks one entry, or notes a link for later."""
        self.entries += 1
        if self.entries > self._max_entries:
            raise Refused(f"it has more than {self._max_entries} entries")
        name = entry.name[2:] if entry.name.startswith("./") else entry.name
        if entry.kind == "folder" and name in ("", "."):
            return
        parts = parts_of(name)
        if "\\" in name and any(part == ".." for part in name.replace("\\", "/").split("/")):
            raise Refused(f"{name!r} has '..' between backslashes")
        if any(len(os.fsencode(part)) > 255 for part in parts):
            raise Refused(f"{name[:80]!r}… has a part of more than 255 bytes")
        if entry.kind == "folder":
            os.close(self._root.folder(parts, make=True))
        elif entry.kind == "link":
            self._links.append((name, entry.target))
        elif entry.kind == "hardlink":
            self._copy_of(name, entry)
        elif entry.open is not None:
            with entry.open() as content:
                self._write(name, entry.mode, content)

    def finish(self) -> None:
        """Makes the links and refuses those that lead out, also by way of others."""
        for name, target in self._links:
            if not target or "\0" in target or target.startswith("/"):
                raise Refused(f"{name!r} is a link to {target!r}, which is outside")
            parts = parts_of(name)
            folder = self._folder(parts[:-1])
            try:
                os.symlink(target, parts[-1], dir_fd=folder)
            except FileExistsError as problem:
                raise Refused(f"{name!r} is in it twice") from problem
            finally:
                os.close(folder)
        root = os.path.realpath(self._place)
        for name, target in self._links:
            real = os.path.realpath(self._place / name)
            if real != root and not real.startswith(root + os.sep):
                raise Refused(f"{name!r} is a link to {target!r}, which is outside")
        self._root.close()

    def _folder(self, parts: List[str]) -> int:
        """The folder of a link; another link on the way is refused, for it would decide where this one lies."""
        for number in range(1, len(parts) + 1):
            if os.path.islink(self._place.joinpath(*parts[:number])):
                raise Refused(f"{'/'.join(parts[:number])!r} is a link and a folder")
        return self._root.folder(parts, make=True)

    def _copy_of(self, name: str, entry: Entry) -> None:
        """A hard link becomes a copy: one file under two names would change under both."""
        source = entry.target[2:] if entry.target.startswith("./") else entry.target
        descriptor = self._root.open_file(source)
        if descriptor is None:
            raise Refused(f"{name!r} is a link to {entry.target!r}, which is not in it")
        with os.fdopen(descriptor, "rb") as content:
            self._write(name, stat.S_IMODE(os.fstat(descriptor).st_mode), content)

    def _write(self, name: str, mode: int, content: IO[bytes]) -> None:
        parts = parts_of(name)
        folder = self._root.folder(parts[:-1], make=True)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            try:
                target = os.open(parts[-1], flags, 0o600, dir_fd=folder)
            except FileExistsError as problem:
                raise Refused(f"{name!r} is in it twice") from problem
        finally:
            os.close(folder)
        with os.fdopen(target, "wb") as writer:
            while True:
                data = content.read(fsutil.CHUNK)
                if not data:
                    break
                self.bytes += len(data)
                if self.bytes > self._max_bytes:
                    raise Refused(f"it unpacks to more than {self._max_bytes} bytes")
                writer.write(data)
            # A file that a step could not read is of no use, and no bit of another user's rights is taken over.
            os.fchmod(writer.fileno(), (mode & 0o755) | 0o600)
