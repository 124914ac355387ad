"""What of another volume is missing on this one, and what a move would overwrite here."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any, Dict, Iterable, Optional

from ..base import fsutil
from ..base.errors import WorkerError
from ..files.hashes import HashCache, digest_of
from ..files.incoming import open_incoming
from ..files.lines import OWN_FOLDER, Answer
from ..files.safe_root import Escape, SafeRoot, open_root
from .entries import Entry, entry_of


class MoveRecord:
    """What moves from one volume have put here: path to sha256, or `link:` and a link's target.

    It tells the leftovers of a move that was cut from what somebody else wrote.
    """

    def __init__(self, safe: SafeRoot, source: str) -> None:
        if not source.isalnum():
            raise WorkerError(f"{source!r} is not the id of a volume.", "It has other characters.", "Use the volume's id.")
        self._file = safe.path / OWN_FOLDER / "moves" / f"{source}.json"
        files = (fsutil.read_json(self._file) or {}).get("files")
        self.files: Dict[str, str] = {}
        if isinstance(files, dict):
            self.files = {path: what for path, what in files.items() if isinstance(what, str)}

    def save(self) -> None:
        """Writes it anew."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fsutil.write_json(self._file, {"schema": 1, "files": self.files}, durable=True)


def content_of(entry: Entry) -> str:
    """What a record keeps of an entry."""
    return f"link:{entry.target}" if entry.kind == "link" else entry.sha256


def plan(root: Path, source: str, lines: Iterable[bytes], answer: Answer) -> None:
    """Answers `{"path", ("have"), ("conflict"), ("error")}` for each entry that is not here as it should be.

    `have`: ranges of a file that lie in `incoming`; `conflict`: something else has the name, and no move from this
    source put it there.
    """
    safe = open_root(root)
    cache, incoming, record = HashCache(root), open_incoming(safe), MoveRecord(safe, source)
    incoming.sweep()
    try:
        for line in lines:
            try:
                entry = entry_of(line)
                needed = _compare(safe, cache, record, entry)
                if needed is not None:
                    have = incoming.have(entry.sha256, entry.size) if entry.kind == "file" else []
                    answer({"path": entry.path, **needed, **({"have": have} if have else {})})
            except Escape as problem:
                answer({"path": _path_of(line), "error": f"Refused: {problem}."})
            except OSError as problem:
                answer({"path": _path_of(line), "error": f"{problem.strerror}."})
    finally:
        cache.save()
        incoming.close()
        safe.close()


def _path_of(line: bytes) -> str:
    return str(json.loads(line)["path"])


def _compare(safe: SafeRoot, cache: HashCache, record: MoveRecord, entry: Entry) -> Optional[Dict[str, Any]]:
    """None when it is here; else whether another thing is here in its place."""
    kind, content = _present(safe, cache, entry)
    if kind == "":
        return {}
    if kind == entry.kind and (kind == "folder" or content == content_of(entry)):
        return None
    ours = kind == entry.kind and record.files.get(entry.path) == content
    return {} if ours else {"conflict": kind}


def _present(safe: SafeRoot, cache: HashCache, entry: Entry) -> "tuple[str, str]":
    """Kind and content of what has the name now."""
    if not safe.exists(entry.path):
        return "", ""
    place = safe.path / entry.path
    info = os.lstat(place)
    if stat.S_ISLNK(info.st_mode):
        return "link", f"link:{os.readlink(place)}"
    if stat.S_ISDIR(info.st_mode):
        return "folder", ""
    if not stat.S_ISREG(info.st_mode):
        return "other", ""
    return "file", digest_of(safe, cache, entry.path, None) or ""
