"""`.runpod-trainer/removed`: what a transfer put there and the project does not have any more, for some days."""

from __future__ import annotations

import os
import shutil
from typing import Dict, Iterable, List, Optional, Set

from ..base.clock import now_iso
from ..base.contract import LIMITS
from .hashes import HashCache
from .lines import OWN_FOLDER, Answer
from .manifest import Entry, Manifest, answer_each, is_as_put
from .safe_root import Escape, SafeRoot, parts_of

FOLDER = f"{OWN_FOLDER}/removed"
_STALE_SECONDS = LIMITS.removed_days * 24 * 3600.0


def set_aside(safe: SafeRoot, lines: Iterable[bytes], answer: Answer) -> None:
    """Moves each file `{"path"}` to `removed/<time>/<path>`: `{"path", "ok", ("to"), ("error")}`.

    Only what the manifest has and nobody changed since; what is not there any more is forgotten. With a module goes what
    Python compiled of it, and folders that are empty then, since a folder alone can be imported too.
    """
    manifest, cache = Manifest(safe), HashCache(safe.path)
    files, gone = manifest.files(), []
    folder = f"{FOLDER}/{now_iso().replace(':', '-')}"

    def move(path: str) -> Dict[str, str]:
        moved = _move(safe, cache, path, files.get(path), f"{folder}/{path}")
        gone.append(path)
        return {"to": f"{folder}/{path}"} if moved else {}

    try:
        answer_each(lines, answer, move)
    finally:
        if gone:
            for path in gone:
                _drop_compiled(safe, path)
            manifest.change(gone=gone, pruned=_drop_empty(safe, gone))
        cache.save()


def sweep(safe: SafeRoot) -> None:
    """Removes what was set aside longer ago than it is kept, by the clock of the volume itself."""
    try:
        descriptor = safe.folder(parts_of(FOLDER))
    except (Escape, OSError):
        return
    try:
        kept = [name for name in os.listdir(descriptor) if not name.startswith("clock.")]
        if not kept:
            return
        now = _clock(descriptor)
        for name in kept:
            if now - os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mtime > _STALE_SECONDS:
                shutil.rmtree(safe.path / FOLDER / name, ignore_errors=True)
    except OSError:
        return
    finally:
        os.close(descriptor)


def _clock(folder: int) -> float:
    name = f"clock.{os.getpid()}"
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=folder)
    try:
        return os.fstat(descriptor).st_mtime
    finally:
        os.close(descriptor)
        os.unlink(name, dir_fd=folder)


def _move(safe: SafeRoot, cache: HashCache, path: str, entry: Optional[Entry], target: str) -> bool:
    """False when nothing is there any more."""
    if not is_as_put(safe, cache, path, entry):
        return False
    safe.rename(path, target)
    return True


def _drop_compiled(safe: SafeRoot, path: str) -> None:
    """Bytecode of a module that is gone."""
    *above, name = parts_of(path)
    if not name.endswith(".py"):
        return
    try:
        folder = safe.folder([*above, "__pycache__"])
    except (Escape, OSError):
        return
    try:
        for compiled in os.listdir(folder):
            if compiled.startswith(f"{name[:-3]}.") and compiled.endswith(".pyc"):
                os.unlink(compiled, dir_fd=folder)
        if not os.listdir(folder):
            safe.rmdir("/".join([*above, "__pycache__"]))
    except OSError:
        pass
    finally:
        os.close(folder)


def _drop_empty(safe: SafeRoot, gone: Iterable[str]) -> List[str]:
    """Removes the folders of these files that are empty, whoever made them: over S3 nobody notes that."""
    above: Set[str] = {"/".join(parts_of(path)[:n]) for path in gone for n in range(1, len(parts_of(path)))}
    dropped = []
    for folder in sorted(above, key=lambda name: name.count("/"), reverse=True):
        try:
            safe.rmdir(folder)
            dropped.append(folder)
        except (Escape, OSError):
            continue
    return dropped
