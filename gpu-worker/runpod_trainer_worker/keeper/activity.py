"""Who says that a job still does something: its journal, its processes' CPU time and files, the GPUs."""

from __future__ import annotations

import dataclasses
import os
import shutil
import threading
from pathlib import Path
from typing import Iterable, Optional, Tuple

from ..base.limited import run_limited

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_GPU_TIMEOUT = 15.0


@dataclasses.dataclass(frozen=True)
class Use:
    """What processes have used so far: CPU seconds, and bytes that they read or wrote."""

    cpu: float = 0.0
    bytes: int = 0


def use_of(pids: Iterable[int]) -> Use:
    """The sum over processes and the children that they have waited for."""
    cpu, moved = 0.0, 0
    for pid in pids:
        cpu += _cpu(pid)
        moved += _bytes(pid)
    return Use(cpu, moved)


def _cpu(pid: int) -> float:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0.0
    fields = text[text.rindex(")") + 2 :].split()
    return sum(int(value) for value in fields[11:15]) / _TICKS


def _bytes(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "io").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(("rchar:", "wchar:")))


class Gpus:
    """What the driver says about the GPUs; a driver that hangs leaves the answer unknown and holds nobody up."""

    def __init__(self) -> None:
        self._tool = shutil.which("nvidia-smi")
        self._thread: Optional[threading.Thread] = None
        self._busy: Optional[bool] = None
        self.present = self._tool is not None or any(Path("/dev").glob("nvidia[0-9]*"))

    def ask(self) -> None:
        """Asks in the background, unless an earlier question is still open."""
        if self._tool is None or (self._thread is not None and self._thread.is_alive()):
            return
        self._thread = threading.Thread(target=self._ask, name="gpus", daemon=True)
        self._thread.start()

    def busy(self) -> Optional[bool]:
        """The answer to the last question; None when it is unknown."""
        return None if self._thread is None or self._thread.is_alive() else self._busy

    def _ask(self) -> None:
        assert self._tool is not None
        argv = [self._tool, "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
        try:
            done = run_limited(argv, _GPU_TIMEOUT)
            lines = [line for line in done.stdout.split("\n") if line.strip()]
            self._busy = any(int(line) > 0 for line in lines) if done.returncode == 0 else None
        except (OSError, ValueError):
            self._busy = None


def file_mark(path: Path) -> Tuple[int, int]:
    """Changes whenever something is appended to the file."""
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_size, status.st_mtime_ns)
