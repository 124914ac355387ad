"""Small file helpers: atomic replacement, lenient reading, hashing."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any, Dict, Optional

CHUNK = 1 << 20
#: What writing fails with where no space is left, on the disk or of the quota.
FULL = (errno.ENOSPC, errno.EDQUOT)


def dumps(value: Any) -> str:
    """JSON on one line; a number that is not finite is refused, as other readers refuse it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def encode(text: str) -> bytes:
    """UTF-8; what cannot be encoded (a half surrogate from a file name) becomes `?`."""
    return text.encode("utf-8", "replace")


def write_atomic(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Replaces `path` in one step; `durable` waits until the disk has it."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=str(path.parent))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise


def sync_volume(descriptor: int) -> None:
    """Waits until the disk below the descriptor has everything: for many files far quicker than one by one."""
    try:
        import ctypes

        if ctypes.CDLL(None).syncfs(descriptor) == 0:
            return
    except (ImportError, OSError, AttributeError):
        pass
    os.sync()


def write_json(path: Path, value: Any, *, durable: bool = False) -> None:
    """Replaces `path` with `value` as JSON."""
    write_atomic(path, encode(dumps(value) + "\n"), durable=durable)


def read_json(path: Path) -> Optional[Dict[str, Any]]:
    """The JSON object in `path`, or None when it is missing or damaged."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def sha256_of(descriptor: int) -> str:
    """Hash of everything from the descriptor's position on."""
    digest = hashlib.sha256()
    while True:
        chunk = os.read(descriptor, CHUNK)
        if not chunk:
            return digest.hexdigest()
        digest.update(chunk)


def sha256_text(text: str) -> str:
    """Hash of a text in UTF-8."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
