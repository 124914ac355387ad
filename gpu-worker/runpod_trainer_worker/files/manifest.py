"""`.runpod-trainer/files.json`: what transfers put there, what is there now, and taking it away again."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Set

from ..base import fsutil
from ..base.clock import iso
from ..base.contract import LIMITS
from .hashes import HashCache, digest_of
from .lines import OWN_FOLDER, Answer, asked_of, check_path, is_sha256, path_of
from .safe_root import Escape, SafeRoot, parts_of

Entry = Dict[str, Any]


class Manifest:
    """The record of one root, and beside it the folders that were made for its files."""

    def __init__(self, safe: SafeRoot) -> None:
        self._own = safe.path / OWN_FOLDER

    def files(self) -> Dict[str, Entry]:
        """Path to `{"size", "sha256", "mtime", ("list")}`; entries that are damaged are left out."""
        files = (fsutil.read_json(self._own / "files.json") or {}).get("files")
        return {p: e for p, e in files.items() if _sound(e)} if isinstance(files, dict) else {}

    def folders(self) -> Set[str]:
        """The folders that were made for files, relative."""
        folders = (fsutil.read_json(self._own / "folders.json") or {}).get("folders")
        return {f for f in folders if isinstance(f, str)} if isinstance(folders, list) else set()

    def change(
        self,
        put: Optional[Dict[str, Entry]] = None,
        gone: Iterable[str] = (),
        made: Iterable[str] = (),
        pruned: Iterable[str] = (),
    ) -> None:
        """Adds and takes away; several connections may do so at once."""
        removed, added, away = set(gone), set(made), set(pruned)
        with self._locked():
            if put or removed:
                kept = {path: entry for path, entry in self.files().items() if path not in removed}
                fsutil.write_json(
                    self._own / "files.json",
                    {"schema": LIMITS.manifest_schema_number, "files": {**kept, **(put or {})}},
                    durable=True,
                )
            if added or away:
                folders = sorted((self.folders() | added) - away)
                fsutil.write_json(self._own / "folders.json", {"schema": 1, "folders": folders})

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with open(self._own / "files.lock", "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _sound(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("size"), int)
        and is_sha256(entry.get("sha256"))
        and isinstance(entry.get("mtime"), str)
    )


def present(safe: SafeRoot, cache: HashCache, path: str, entry: Optional[Entry]) -> Optional[Entry]:
    """What is under the path now; None when there is no regular file. The content is read only when it may differ.

    Times are compared for equality only, so a clock that is wrong does no harm.
    """
    descriptor = safe.open_file(path)
    if descriptor is None:
        return None
    info = os.fstat(descriptor)
    os.close(descriptor)
    mtime = iso(info.st_mtime)
    if entry is not None and entry["size"] == info.st_size and entry["mtime"] == mtime:
        return entry
    return {"size": info.st_size, "sha256": digest_of(safe, cache, path, None), "mtime": mtime}


def state(safe: SafeRoot, lines: Iterable[bytes], answer: Answer) -> None:
    """Answers each file of the manifest with `changed` and `missing`, and `now` when it changed.

    Then, of the files `{"path", "size"}` that it is asked about, those that are there without the manifest knowing them:
    `{"path", "stranger", "now"}`, with a sha256 where the size is the one that was told.
    """
    cache = HashCache(safe.path)
    files = Manifest(safe).files()
    try:
        for path, entry in files.items():
            line = {"path": path, **entry}
            try:
                now = present(safe, cache, path, entry)
            except Escape:
                now = None
            except OSError as problem:
                answer({**line, "changed": True, "missing": False, "error": f"{problem.strerror}."})
                continue
            changed = now is not None and now["sha256"] != entry["sha256"]
            more = {"now": now} if changed else {}
            answer({**line, "changed": changed, "missing": now is None, **more})
        for asked in lines:
            path, size = asked_of(asked)
            found = None if path in files else _stranger(safe, cache, path, size)
            if found is not None:
                answer({"path": path, "stranger": True, "now": found})
    finally:
        cache.save()


def _stranger(safe: SafeRoot, cache: HashCache, path: str, size: int) -> Optional[Dict[str, Any]]:
    try:
        check_path(path)
        descriptor = safe.open_file(path)
        if descriptor is None:
            return None
        info = os.fstat(descriptor)
        os.close(descriptor)
        digest = digest_of(safe, cache, path, size)
    except (Escape, OSError):
        return None
    return {"size": info.st_size, "sha256": digest, "mtime": iso(info.st_mtime)}


def remove(safe: SafeRoot, lines: Iterable[bytes], answer: Answer) -> None:
    """Removes files that a transfer put there and nobody changed since, and the folders it made when they are empty."""
    manifest, cache = Manifest(safe), HashCache(safe.path)
    files, gone = manifest.files(), []

    def unlink(path: str) -> Dict[str, str]:
        if is_as_put(safe, cache, path, files.get(path)):
            safe.unlink(path)
        gone.append(path)
        return {}

    try:
        answer_each(lines, answer, unlink)
    finally:
        if gone:
            manifest.change(gone=gone, pruned=_prune(safe, manifest.folders(), gone))
        cache.save()


def answer_each(lines: Iterable[bytes], answer: Answer, act: Callable[[str], Dict[str, str]]) -> None:
    """Does something to the path of each line, and answers what `act` answers besides or why it did not work."""
    for line in lines:
        path = path_of(line)
        try:
            check_path(path)
            answer({"path": path, "ok": True, **act(path)})
        except Escape as problem:
            answer({"path": path, "ok": False, "error": f"Refused: {problem}."})
        except OSError as problem:
            answer({"path": path, "ok": False, "error": f"{problem.strerror or problem}."})


def is_as_put(safe: SafeRoot, cache: HashCache, path: str, entry: Optional[Entry]) -> bool:
    """Whether a transfer put the file there and nobody changed it; False when nothing is there; raises Escape."""
    if entry is None:
        raise Escape("no transfer put it there")
    now = present(safe, cache, path, entry)
    if now is None:
        if safe.exists(path):
            raise Escape("it is not a regular file any more")
        return False
    if now["sha256"] != entry["sha256"]:
        raise Escape("it was changed there since it was put there")
    return True


def _prune(safe: SafeRoot, made: Set[str], gone: Iterable[str]) -> List[str]:
    above = {"/".join(parts_of(path)[:n]) for path in gone for n in range(1, len(parts_of(path)))}
    pruned = []
    for folder in sorted(above & made, key=len, reverse=True):
        try:
            safe.rmdir(folder)
            pruned.append(folder)
        except (Escape, OSError):
            continue
    return pruned
