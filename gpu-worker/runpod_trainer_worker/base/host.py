"""What machine this is, and what its kernel says about memory."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Dict, List, Optional

from .limited import run_limited

_GPU_TIMEOUT = 15.0
_CGROUP = Path("/sys/fs/cgroup")


def _read(path: Path) -> Optional[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None


def cpu_count() -> int:
    """CPUs that this container may use: its quota, else its affinity."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, period = None, None
    text = _read(_CGROUP / "cpu.max")
    if text is not None:
        quota, _, period = text.partition(" ")
    else:
        quota = _read(_CGROUP / "cpu" / "cpu.cfs_quota_us")
        period = _read(_CGROUP / "cpu" / "cpu.cfs_period_us")
    try:
        limit = int(int(quota or "x") / int(period or "x"))
    except (ValueError, ZeroDivisionError):
        return available
    return max(1, min(available, limit)) if limit > 0 else available


def memory_bytes() -> int:
    """Memory that this container may use, in bytes."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in (_CGROUP / "memory.max", _CGROUP / "memory" / "memory.limit_in_bytes"):
        text = _read(path)
        if text is not None and text.isdigit():
            return min(total, int(text))
    return total


def oom_kills() -> Optional[int]:
    """How often the kernel killed a process of this container for lack of memory; None when it does not tell."""
    for path in (_CGROUP / "memory.events", _CGROUP / "memory" / "memory.oom_control"):
        for line in (_read(path) or "").splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill" and value.isdigit():
                return int(value)
    return None


def gpu_names(path: Optional[str]) -> List[str]:
    """Names of the GPUs that the driver shows; empty without a driver."""
    tool = shutil.which("nvidia-smi", path=path)
    if tool is None:
        return []
    try:
        answer = run_limited([tool, "--query-gpu=name", "--format=csv,noheader"], _GPU_TIMEOUT)
    except OSError:
        return []
    if answer.returncode != 0:
        return []
    return [line.strip() for line in answer.stdout.splitlines() if line.strip()]


def describe(python: str, path: Optional[str]) -> Dict[str, Any]:
    """The `host` of `job.started`; `python` is the version that runs the steps."""
    return {"python": python, "cpus": cpu_count(), "memoryBytes": memory_bytes(), "gpus": gpu_names(path)}
