"""`files plan|list`: what a transfer asks about one root."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Iterable, Optional

from ..base.clock import iso
from ..base.errors import WorkerError
from .hashes import HashCache, digest_of
from .incoming import open_incoming
from .lines import Answer, Wanted, check, wanted_of
from .listing import Found, find
from .manifest import Entry, Manifest, present
from .safe_root import Escape, SafeRoot, open_root
from .set_aside import sweep


class _Plan:
    def __init__(self, root: Path) -> None:
        self._safe = open_root(root)
        self._cache = HashCache(root)
        self._incoming = open_incoming(self._safe)
        self._incoming.sweep()
        sweep(self._safe)
        self._files = Manifest(self._safe).files()

    def close(self) -> None:
        self._cache.save()
        self._incoming.close()
        self._safe.close()

    def file(self, wanted: Wanted) -> Optional[Dict[str, Any]]:
        check(wanted)
        entry = self._files.get(wanted.path)
        if digest_of(self._safe, self._cache, wanted.path, wanted.size) == wanted.sha256:
            return None
        line: Dict[str, Any] = {"path": wanted.path}
        have = self._incoming.have(wanted.sha256, wanted.size)
        if have:
            line["have"] = have
        conflict = self._conflict(wanted, entry)
        if conflict is not None:
            line["conflict"] = conflict
        return line

    def _conflict(self, wanted: Wanted, entry: Optional[Entry]) -> Optional[str]:
        """Why writing the file would lose what somebody else wrote."""
        if entry is None:
            return "unknown" if self._safe.exists(wanted.path) else None
        now = present(self._safe, self._cache, wanted.path, entry)
        return "changed" if now is not None and now["sha256"] != entry["sha256"] else None


def plan(root: Path, lines: Iterable[bytes], answer: Answer) -> None:
    """Answers each file whose content is not there; a refused name also has `error`."""
    work = _Plan(root)
    try:
        for line in lines:
            wanted = wanted_of(line)
            try:
                needed = work.file(wanted)
                if needed is not None:
                    answer(needed)
            except Escape as problem:
                answer({"path": wanted.path, "error": f"Refused: {problem}."})
            except OSError as problem:
                answer({"path": wanted.path, "error": f"{problem.strerror}."})
    finally:
        work.close()


def list_files(root: Path, request: bytes, answer: Answer) -> None:
    """Answers `{"path", "size", "sha256", "mtime"}` for each file that matches, and `{"path", "left"}` for what stays.

    A link counts as the file that it leads to, and a linked folder as its files, where those lie below the root.
    """
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
        for found in find(safe.path, patterns):
            line = _listed(safe, cache, found)
            if line is not None:
                answer(line)
    finally:
        cache.save()
        safe.close()


def _listed(safe: SafeRoot, cache: HashCache, found: Found) -> Optional[Dict[str, Any]]:
    if found.left is not None or found.info is None:
        return found.left_line()
    try:
        digest = digest_of(safe, cache, found.target or found.path, None)
    except (Escape, OSError) as problem:
        why = str(problem) if isinstance(problem, Escape) else problem.strerror
        return {"path": found.path, "left": f"it cannot be read: {why}"}
    if digest is None:
        return None
    size, mtime = found.info.st_size, iso(found.info.st_mtime)
    return {"path": found.path, "size": size, "sha256": digest, "mtime": mtime}
