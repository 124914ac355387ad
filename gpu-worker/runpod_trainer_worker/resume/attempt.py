"""An attempt at a step that has not passed: what it depends on, and what lay there before it (R3.5)."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, NamedTuple, Optional

from ..base import fsutil
from ..base.clock import now_iso
from ..journal.spec import Spec, Step
from .before import Before
from .fingerprint import Parts


class Attempt(NamedTuple):
    """`before` is from before the first of the attempts of which each went on from the one before it.

    `start` is the checkpoint that it goes on from, with the time of its last change (ns); `tried` those from which earlier
    attempts went on and failed.
    """

    parts: Parts
    before: Before
    start: Dict[str, int]
    tried: Dict[str, int]


def _path(project: Path, name: str) -> Path:
    return project / ".runpod-trainer" / "attempts" / f"{name}.json"


def last_attempt(project: Path, name: str) -> Optional[Attempt]:
    """The attempt that did not come to a good end; None when there is none that can be read."""
    raw = fsutil.read_json(_path(project, name))
    if raw is None or raw.get("schema") != 1 or not isinstance(raw.get("parts"), dict):
        return None
    try:
        start, tried = (_checkpoints(raw.get(key) or {}) for key in ("start", "tried"))
        return Attempt(raw["parts"], Before.from_json(project, raw["before"]), start, tried)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _checkpoints(raw: Dict[str, int]) -> Dict[str, int]:
    return {str(path): int(written) for path, written in raw.items()}


def begin_attempt(spec: Spec, step: Step, attempt: Attempt) -> None:
    """Notes that an attempt begins; raises OSError when the volume does not take it."""
    path = _path(spec.project_path, step.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    value = {"schema": 1, "step": step.name, "job": spec.job, "time": now_iso(), "parts": attempt.parts}
    more = {"before": attempt.before.to_json(), "start": attempt.start, "tried": attempt.tried}
    fsutil.write_json(path, {**value, **more}, durable=True)


def fail_attempt(project: Path, name: str) -> None:
    """The attempt has failed by itself; raises OSError when the volume does not take it."""
    raw = fsutil.read_json(_path(project, name))
    if raw is not None and raw.get("start"):
        tried = {**(raw.get("tried") or {}), **raw["start"]}
        fsutil.write_json(_path(project, name), {**raw, "start": {}, "tried": tried}, durable=True)


def end_attempt(project: Path, name: str) -> None:
    """The step has passed, or starts anew."""
    try:
        _path(project, name).unlink()
    except FileNotFoundError:
        pass
