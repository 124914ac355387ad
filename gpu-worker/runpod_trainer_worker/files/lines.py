"""The lines that the `files` commands read: one JSON object each."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
import time
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

from ..base.errors import WorkerError
from .safe_root import Escape, parts_of

OWN_FOLDER = ".runpod-trainer"
EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_SHA = re.compile(r"^[0-9a-f]{64}$")

Answer = Callable[[Dict[str, Any]], None]


class AnswerWriter:
    """Lines that go out together: a system call and a packet for each file would cost more than the file.

    As a context it sends what waits at its end, also when that is an error.
    """

    def __init__(self) -> None:
        self._lines: List[str] = []
        self._since = time.monotonic()

    def add(self, value: Dict[str, Any]) -> None:
        """Adds one line, ASCII only, so that any file name survives any locale."""
        self._lines.append(json.dumps(value) + "\n")
        if len(self._lines) >= 100 or time.monotonic() - self._since > 0.1:
            self.flush()

    def flush(self) -> None:
        """Writes what waits."""
        sys.stdout.write("".join(self._lines))
        sys.stdout.flush()
        self._lines, self._since = [], time.monotonic()

    def __enter__(self) -> AnswerWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.flush()


@dataclasses.dataclass(frozen=True)
class Wanted:
    """One line of a plan or a commit."""

    path: str
    size: int
    sha256: str
    mode: Optional[int]
    #: The list of the project file that names it, where the client tells.
    list: Optional[str] = None


def wanted_of(line: bytes) -> Wanted:
    """Reads `{"path", "size", "sha256", ("mode"), ("list")}`; raises WorkerError."""
    raw = _object(line, "path, size and sha256")
    path, size, digest, mode = raw.get("path"), raw.get("size"), raw.get("sha256"), raw.get("mode")
    good = isinstance(path, str) and isinstance(size, int) and isinstance(digest, str)
    if not good or not (mode is None or isinstance(mode, int)):
        raise _not_understood(line, "path, size and sha256")
    name = raw.get("list")
    return Wanted(str(path), int(size or 0), str(digest), mode, name if isinstance(name, str) else None)


def path_of(line: bytes) -> str:
    """Reads `{"path"}`; raises WorkerError."""
    path = _object(line, "path").get("path")
    if not isinstance(path, str):
        raise _not_understood(line, "path")
    return path


def asked_of(line: bytes) -> Tuple[str, int]:
    """Reads `{"path", "size"}`; raises WorkerError."""
    path, size = path_of(line), _object(line, "path and size").get("size")
    if not isinstance(size, int):
        raise _not_understood(line, "path and size")
    return path, size


def check(wanted: Wanted) -> None:
    """Raises Escape for a name or a value that no transfer may have."""
    check_path(wanted.path)
    if not is_sha256(wanted.sha256) or wanted.size < 0:
        raise Escape(f"size or sha256 of {wanted.path!r} is not valid")


def check_path(path: str) -> None:
    """Raises Escape for a name that leaves the root or lies in the engine's own folder."""
    if OWN_FOLDER in parts_of(path):
        raise Escape(f"{path!r} lies in {OWN_FOLDER}, which is not transferred")


def is_sha256(text: Any) -> bool:
    """Whether it is a sha256 in lower-case hex."""
    return isinstance(text, str) and _SHA.match(text) is not None


def stdin_lines() -> Iterable[bytes]:
    """Lines of standard input that are not empty."""
    return (line for line in sys.stdin.buffer if line.strip())


def _object(line: bytes, fields: str) -> Dict[str, Any]:
    try:
        raw = json.loads(line)
    except ValueError as problem:
        raise _not_understood(line, fields) from problem
    if not isinstance(raw, dict):
        raise _not_understood(line, fields)
    return raw


def _not_understood(line: bytes, fields: str) -> WorkerError:
    return WorkerError(
        "A line of the file list was not understood.",
        f"{line[:200]!r} is not an object with {fields}.",
        "Use a client of the same release as this worker.",
    )
