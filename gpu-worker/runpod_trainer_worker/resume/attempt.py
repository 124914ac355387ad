"""An attempt at a step that has not passed: what it depends on, and what lay there before it (R3.5)."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Optional

from ..base import fsutil
from ..base.clock import now_iso
from ..journal.spec import Spec, Step
from .before import Before
from .fingerprint import Parts


class Attempt(NamedTuple):
    """`before` is from before the first of the attempts of which each went on from the one before it."""

    parts: Parts
    before: Before


def _path(project: Path, name: str) -> Path:
    return project / ".runpod-trainer" / "attempts" / f"{name}.json"


def last_attempt(project: Path, name: str) -> Optional[Attempt]:
    """The attempt that did not come to a good end; None when there is none that can be read."""
    raw = fsutil.read_json(_path(project, name))
    if raw is None or raw.get("schema") != 1 or not isinstance(raw.get("parts"), dict):
        return None
    try:
        return Attempt(raw["parts"], Before.from_json(project, raw["before"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def begin_attempt(spec: Spec, step: Step, attempt: Attempt) -> None:
    """Notes that an attempt begins; raises OSError when the volume does not take it."""
    path = _path(spec.project_path, step.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    value = {"schema": 1, "step": step.name, "job": spec.job, "time": now_iso(), "parts": attempt.parts}
    fsutil.write_json(path, {**value, "before": attempt.before.to_json()}, durable=True)


def end_attempt(project: Path, name: str) -> None:
    """The step has passed, or starts anew."""
    try:
        _path(project, name).unlink()
    except FileNotFoundError:
        pass
