"""What a step's result depends on, as hashes, and the record of the last run that passed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional

from ..base import fsutil
from ..base.clock import now_iso
from ..base.globs import match_all
from ..files.hashes import HashCache
from ..journal.spec import Spec, Step
from ..sources.notebooks import code_cells
from .imports import ImportScan, source_roots

Parts = Dict[str, Dict[str, str]]


def _short(value: Any) -> str:
    return fsutil.sha256_text(json.dumps(value, sort_keys=True))


def _hashes(cache: HashCache, paths: List[str], check: Callable[[], None]) -> Dict[str, str]:
    result = {}
    for path in paths:
        try:
            result[path] = cache.sha256(path, check)
        except OSError as problem:
            result[path] = f"unreadable: {problem.strerror}"
    return result


def compute(spec: Spec, step: Step, python: Mapping[str, str], cache: HashCache, check: Callable[[], None]) -> Parts:
    """The named parts of a step's fingerprint, each as {key: hash}.

    `python` describes the interpreter and requirements; `check` may raise to stop a long hashing.
    """
    run, project = step.run, spec.project_path
    variables = {**spec.env, **step.env}
    scan = ImportScan(project, source_roots(project, variables))
    command: Dict[str, str] = {"what": _short([run.kind, run.target])}
    if run.kind == "notebook":
        try:
            cells = code_cells(project / run.target)
        except (OSError, ValueError) as problem:
            command["notebook"] = str(problem)
            cells = []
        command.update({f"cell {number}": _short(cell) for number, cell in enumerate(cells, 1)})
        command.update({f"parameter {name}": _short(value) for name, value in run.parameters.items()})
        scan.notebook(cells)
    elif run.kind == "module":
        scan.module(run.target)
    elif run.kind == "script":
        scan.script(project / run.target)
    else:
        scan.shell(run.target)
    if run.args:
        command["arguments"] = _short(run.args)
    parts = {
        "command": command,
        "env": {name: _short(value) for name, value in variables.items()},
        "inputs": _hashes(cache, match_all(project, step.inputs), check),
        "code": _hashes(cache, scan.relative(), check),
        "environment": dict(python),
    }
    cache.save()
    return parts


@dataclasses.dataclass(frozen=True)
class Record:
    """The last run of a step that passed."""

    parts: Parts
    outputs: List[str]
    metrics: Dict[str, Dict[str, Any]]


def _path(project: Path, name: str) -> Path:
    return project / ".runpod-trainer" / "steps" / f"{name}.json"


def load(project: Path, name: str) -> Optional[Record]:
    """The record, or None when there is none that can be read."""
    raw = fsutil.read_json(_path(project, name))
    if raw is None or raw.get("schema") != 1:
        return None
    parts, outputs, metrics = raw.get("parts"), raw.get("outputs"), raw.get("metrics")
    if not isinstance(parts, dict) or not isinstance(outputs, list) or not isinstance(metrics, dict):
        return None
    return Record(parts, outputs, metrics)


def store(spec: Spec, step: Step, record: Record) -> None:
    """Keeps the record; raises OSError when the volume does not take it."""
    path = _path(spec.project_path, step.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    value = {"schema": 1, "step": step.name, "job": spec.job, "time": now_iso(), **dataclasses.asdict(record)}
    fsutil.write_json(path, value)


def forget(project: Path, name: str) -> None:
    """Drops the record: from the start of a run until it passes, there is none."""
    try:
        _path(project, name).unlink()
    except FileNotFoundError:
        pass
