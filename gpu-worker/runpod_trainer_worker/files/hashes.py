"""Remembers file hashes by size, mtime, ctime and inode, so that large files are read once."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

from ..base.contract import LIMITS
from ..base.fsutil import read_json, sha256_of, write_json
from .safe_root import SafeRoot

#: A file changed this recently may change again without a new mtime.
_SETTLED_NS = LIMITS.settle_milliseconds * 1_000_000


def _key(info: os.stat_result) -> List[int]:
    # ctime: content that was changed in place and given its old mtime again is not taken for the old one.
    return [info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino]


#: Not `hashes.json`: of a folder of the client's machine that is the client's, in a form of its own.
NAME = "worker-hashes.json"
#: Where earlier releases kept it on volumes.
EARLIER_NAME = "hashes.json"


class HashCache:
    """sha256 of files below one root; kept in `.runpod-trainer/worker-hashes.json`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._file = root / ".runpod-trainer" / NAME
        stored = read_json(self._file) or read_json(self._file.with_name(EARLIER_NAME)) or {}
        files = stored.get("files")
        known = files.items() if isinstance(files, dict) else ()
        self._known: Dict[str, List[Any]] = {
            path: entry for path, entry in known if isinstance(entry, list) and len(entry) == 6
        }
        self._changed = False

    def sha256(self, path: str, check: Optional[Callable[[], None]] = None) -> str:
        """Hash of a regular file given by its relative path.

        `check` is called before each file that must be read; it may raise to stop. Raises OSError when the file
        cannot be read or is not a regular file.
        """
        # Most files are known, and opening one costs a network disk more than looking at it.
        seen = self.known(path, os.stat(f"{self._root}/{path}"))
        if seen is not None:
            return seen
        descriptor = os.open(self._root / path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            info = os.fstat(descriptor)
            if not stat.S_ISREG(info.st_mode):
                raise OSError(f"{path} is not a regular file")
            if check is not None:
                check()
            read_at = time.time_ns()
            digest = sha256_of(descriptor)
            after = os.fstat(descriptor)
            if (after.st_size, after.st_mtime_ns) == (info.st_size, info.st_mtime_ns):
                self.remember(path, info, digest, read_at)
            return digest
        finally:
            os.close(descriptor)

    def known(self, path: str, info: os.stat_result) -> Optional[str]:
        """The remembered hash when size, times and inode are the same."""
        entry = self._known.get(path)
        if entry is not None and entry[:4] == _key(info) and info.st_mtime_ns + _SETTLED_NS < entry[4]:
            return str(entry[5])
        return None

    def remember(self, path: str, info: os.stat_result, digest: str, read_at_ns: int) -> None:
        """Notes a hash that was computed when the file looked like `info`."""
        self._known[path] = [*_key(info), read_at_ns, digest]
        self._changed = True

    def save(self) -> None:
        """Writes the cache; it is only a cache, so a failure is not an error."""
        if not self._changed:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_json(self._file, {"schema": 1, "files": self._known})
            self._changed = False
        except OSError:
            pass


def digest_of(safe: SafeRoot, cache: HashCache, path: str, size: Optional[int]) -> Optional[str]:
    """sha256 of a regular file below the root; None when there is none, or not one of this size."""
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
        digest = sha256_of(descriptor)
        cache.remember(path, info, digest, read_at)
        return digest
    finally:
        os.close(descriptor)
