"""Times: UTC for people, seconds since boot for durations and deadlines."""

from __future__ import annotations

import datetime as _dt
import time
from pathlib import Path
from typing import Optional


def iso(moment: float) -> str:
    """A Unix time as `2026-11-22T09:30:12.123Z`."""
    text = _dt.datetime.fromtimestamp(moment, tz=_dt.timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def now_iso() -> str:
    """The current UTC time with milliseconds."""
    return iso(time.time())


def boot_seconds() -> float:
    """Seconds since the machine booted: equal in all processes, and no clock change moves it."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(clock) if clock is not None else time.monotonic()


def boot_id() -> Optional[str]:
    """Which boot of which machine `boot_seconds` counts from; None where that cannot be told."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None


def container_start() -> Optional[int]:
    """What is another number after each start of this container: when its first process began; None if untold."""
    try:
        text = Path("/proc/1/stat").read_text(encoding="utf-8", errors="replace")
        return int(text[text.rindex(")") + 2 :].split()[19])
    except (OSError, ValueError, IndexError):
        return None
