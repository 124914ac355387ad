"""What clients ask of a job: one small file a request in `control/`, on the pod's own disk where the volume is full."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

from ..base import fsutil
from ..base.clock import boot_id, boot_seconds, now_iso
from .directory import JobDir


@dataclasses.dataclass(frozen=True)
class Moment:
    """A moment by the clocks of one machine: Unix time, seconds since boot, and which boot that was."""

    wall: float
    boot: float
    boot_id: Optional[str]

    @classmethod
    def now(cls) -> Moment:
        """This moment."""
        return cls(time.time(), boot_seconds(), boot_id())

    def to_json(self) -> Dict[str, Any]:
        """As an object."""
        return {"wall": self.wall, "boot": self.boot, "bootId": self.boot_id}

    @classmethod
    def from_json(cls, raw: Dict[str, Any]) -> Moment:
        """What `to_json` made; raises KeyError or TypeError."""
        return cls(float(raw["wall"]), float(raw["boot"]), raw["bootId"])

    def is_before(self, other: Moment) -> bool:
        """By the boot clock where it is the same, since a clock of the day may be set."""
        if self.boot_id is not None and self.boot_id == other.boot_id:
            return self.boot < other.boot
        return self.wall < other.wall


class Requests:
    """`spool` is where the job's folder on the pod's own disk is or would be; None when there can be none."""

    def __init__(self, job: JobDir, spool: Optional[Path]) -> None:
        self._job = job
        self._spool = spool

    def put(self, request: str) -> None:
        """Leaves a request. A full volume is when a job has to be cancelled and its log brought home."""
        value = {"time": now_iso(), **Moment.now().to_json()}
        try:
            self._job.control.mkdir(exist_ok=True)
            fsutil.write_json(self._job.control / request, value)
        except OSError as problem:
            if problem.errno not in fsutil.FULL or self._spool is None:
                raise
            self._spool.mkdir(mode=0o700, exist_ok=True)
            fsutil.write_json(_spooled(self._spool, request), value)

    def has(self, request: str) -> bool:
        """Whether a request is there."""
        return any(place.exists() for place in self._places(request))

    def read(self, request: str) -> Dict[str, Any]:
        """The newest of a request; empty when there is none."""
        found = [value for value in map(fsutil.read_json, self._places(request)) if value is not None]
        return max(found, key=_age, default={})

    def withdraw(self, request: str, before: Optional[Moment] = None) -> None:
        """Takes a request back; with `before` only one that is older."""
        for place in self._places(request):
            if before is None or _moment(fsutil.read_json(place)).is_before(before):
                place.unlink(missing_ok=True)

    def _places(self, request: str) -> List[Path]:
        own = [] if self._spool is None else [_spooled(self._spool, request)]
        return [self._job.control / request, *own]


def _moment(request: Optional[Dict[str, Any]]) -> Moment:
    """When a request was made; what cannot be read is as old as can be."""
    try:
        return Moment.from_json(request or {})
    except (KeyError, TypeError, ValueError):
        return Moment(0.0, 0.0, None)


def _age(request: Dict[str, Any]) -> float:
    """Seconds since the pod booted, finer than the time; what is no number is the oldest."""
    boot = request.get("boot")
    return float(boot) if isinstance(boot, (int, float)) else 0.0


def _spooled(folder: Path, request: str) -> Path:
    return folder / f"request-{request}.json"
