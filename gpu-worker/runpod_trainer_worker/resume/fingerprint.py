"""What a step's result depends on, as hashes, and the record of the last run that passed."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional

from ..base import fsutil
from ..base.clock import now_iso
from ..base.globs import match, match_all
from ..files.hashes import HashCache
from ..journal.spec import Spec, Step
from ..sources.notebooks import code_cells
from .code import code_of
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
    environment = dict(python)
    if spec.image is not None:
        environment["image"] = spec.image
    parts = {
        "command": command,
        "env": {name: _short(value) for name, value in variables.items()},
        "inputs": _hashes(cache, match_all(project, step.inputs, through_links=True), check),
        "code": _hashes(cache, code_of(spec, step, scan), check),
        "environment": environment,
    }
    cache.save()
    return parts


def unmatched(project: Path, step: Step) -> Optional[str]:
    """The first pattern of the step's inputs that no file matches."""
    return next((pattern for pattern in step.inputs if not match(project, pattern, through_links=True)), None)


def outputs_of(project: Path, step: Step) -> Dict[str, List[int]]:
    """Size and time of change of each declared output that is there."""
    found = {}
    for path in match_all(project, step.outputs, through_links=True):
        try:
            info = (project / path).stat()
        except OSError:
            continue
        found[path] = [info.st_size, info.st_mtime_ns]
    return found


def links_of(project: Path, outputs: Iterable[str]) -> List[str]:
    """Those that are links, or that lie below one."""
    root = os.path.realpath(project)
    return [path for path in outputs if os.path.realpath(f"{root}/{path}") != f"{root}/{path}"]


@dataclasses.dataclass(frozen=True)
class Record:
    """The last run of a step that passed: `run` names it, `after` the runs of the steps before it that it came after.

    `outputs` has size in bytes and time of change in ns of each file, `patterns` what was declared. `run` is None where an
    earlier release kept the record, which did not know of the rest.
    """

    parts: Parts
    outputs: Dict[str, List[int]]
    metrics: Dict[str, Dict[str, Any]]
    run: Optional[str]
    after: Dict[str, Optional[str]]
    patterns: List[str]
    gpu: Optional[str]
    #: Outputs that a link leads to: S3 does not show them.
    links: List[str] = dataclasses.field(default_factory=list)


def _path(project: Path, name: str) -> Path:
    return project / ".runpod-trainer" / "steps" / f"{name}.json"


def load(project: Path, name: str) -> Optional[Record]:
    """The record, or None when there is none that can be read."""
    raw = fsutil.read_json(_path(project, name))
    if raw is None or raw.get("schema") != 1:
        return None
    run, gpu = raw.get("run"), raw.get("gpu")
    if not isinstance(run, str):
        return Record({}, {}, {}, None, {}, [], None)
    kinds = (("parts", dict), ("outputs", dict), ("metrics", dict), ("after", dict), ("patterns", list))
    if not all(isinstance(raw.get(key), kind) for key, kind in kinds):
        return None
    gpu = gpu if isinstance(gpu, str) else None
    links = raw.get("links")
    links = links if isinstance(links, list) else []
    return Record(raw["parts"], raw["outputs"], raw["metrics"], run, raw["after"], raw["patterns"], gpu, links)


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
