"""`volume commit`: verifies what came from another volume and gives it name, mode and time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, Iterable, List, Optional

from ..files.commit import Commit, commit_all
from ..files.lines import Answer, Wanted
from ..files.safe_root import Escape, SafeRoot, parts_of
from .entries import Entry, entry_of
from .plan import MoveRecord, content_of


class _VolumeCommit(Commit):
    """As a commit of a project's files, but of any name of the volume, and recorded as moved."""

    def __init__(self, root: Path, source: str, entries: List[Entry]) -> None:
        super().__init__(root)
        self._entries: Dict[str, Entry] = {entry.path: entry for entry in entries}
        self._record = MoveRecord(self._safe, source)

    def allow(self, wanted: Wanted) -> None:
        parts_of(wanted.path)

    def note(self, wanted: Wanted, read_at: Optional[int]) -> None:
        entry = self._entries[wanted.path]
        descriptor = self._safe.open_file(wanted.path)
        if descriptor is None:
            return
        try:
            os.fchmod(descriptor, entry.mode & 0o777)
            os.utime(descriptor, ns=(entry.mtime, entry.mtime))
            if read_at is not None:
                self._cache.remember(wanted.path, os.fstat(descriptor), wanted.sha256, read_at)
        finally:
            os.close(descriptor)
        self._record.files[wanted.path] = wanted.sha256

    def record(self) -> None:
        self._record.save()

    @property
    def safe(self) -> SafeRoot:
        """The root."""
        return self._safe

    @property
    def moved(self) -> MoveRecord:
        """What moves put here."""
        return self._record


def commit(root: Path, source: str, lines: Iterable[bytes], answer: Answer) -> None:
    """Puts the entries in place; one answer `{"path", "ok", ("error")}` for each.

    Folders come first and links last, so that no file is written through a link; folders get mode and time at the end,
    deepest first, since every name that is written in them changes both.
    """
    entries: List[Entry] = []
    for line in lines:
        try:
            entries.append(entry_of(line))
        except Escape as problem:
            answer({"path": "", "ok": False, "error": f"Refused: {problem}."})
    work = _VolumeCommit(root, source, entries)
    try:
        for entry in entries:
            if entry.kind == "folder":
                _guarded(entry, answer, lambda entry=entry: os.close(work.safe.folder(parts_of(entry.path), make=True)))
        files = [Wanted(e.path, e.size, e.sha256, e.mode) for e in entries if e.kind == "file"]
        commit_all(work, files, answer)
        for entry in entries:
            if entry.kind == "link":
                _guarded(entry, answer, lambda entry=entry: _link(work, entry))
        for entry in sorted(entries, key=lambda entry: entry.path.count("/"), reverse=True):
            if entry.kind == "folder":
                _finish_folder(work.safe, entry)
    finally:
        work.close()


def _guarded(entry: Entry, answer: Answer, step: object) -> None:
    assert callable(step)
    try:
        step()
        answer({"path": entry.path, "ok": True})
    except Escape as problem:
        answer({"path": entry.path, "ok": False, "error": f"Refused: {problem}."})
    except OSError as problem:
        answer({"path": entry.path, "ok": False, "error": f"{problem.strerror or problem}."})


def _link(work: _VolumeCommit, entry: Entry) -> None:
    parts = parts_of(entry.path)
    folder = work.safe.folder(parts[:-1], make=True)
    temporary = f".{parts[-1][:100]}.{os.getpid()}.link"
    try:
        os.symlink(entry.target, temporary, dir_fd=folder)
        try:
            os.replace(temporary, parts[-1], src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            os.unlink(temporary, dir_fd=folder)
            raise
    finally:
        os.close(folder)
    work.moved.files[entry.path] = content_of(entry)


def _finish_folder(safe: SafeRoot, entry: Entry) -> None:
    try:
        descriptor = safe.folder(parts_of(entry.path))
    except (Escape, OSError):
        return
    try:
        os.fchmod(descriptor, entry.mode & 0o777)
        os.utime(descriptor, ns=(entry.mtime, entry.mtime))
    finally:
        os.close(descriptor)
