"""The file with what a step printed. It is a copy, so what it cannot take ends nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable, Optional


class OutputCopy:
    """After a failure the next bytes are tried again, and the file says how many are missing between.

    `on_problem` hears once why it cannot be written; `write` is how it is written.
    """

    def __init__(self, path: Path, on_problem: Callable[[str], None], write: Callable[[int, bytes], int] = os.write) -> None:
        self._path = path
        self._on_problem = on_problem
        self._write = write
        self._descriptor: Optional[int] = None
        self._missing = 0
        self._told = False

    def add(self, data: bytes) -> None:
        """Appends, or counts what is lost."""
        rest = data
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            gap = f"\n[{self._missing} bytes that could not be written are missing here]\n".encode()
            while self._missing and gap:
                gap = gap[self._write(self._descriptor, gap) :]
            self._missing = 0
            while rest:
                rest = rest[self._write(self._descriptor, rest) :]
        except OSError as problem:
            self._missing += len(rest)
            if not self._told:
                self._told = True
                self._on_problem(f"{self._path}: {problem.strerror}")

    def close(self) -> None:
        """Lets the file go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
