"""The job that the client wrote: `spec.json`, checked."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path, PurePosixPath
from typing import Any, Dict, List, Optional, Tuple

from ..base.contract import LIMITS
from ..base.errors import WorkerError

_NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,47}$")
_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_FIX = "Start the job again with a client of the same release as this worker."
GATE_TYPES = ("file", "rows", "distinct", "populated", "metric", "checkpoint", "script")


class _Bad(Exception):
    """One wrong field."""


def _get(source: Dict[str, Any], key: str, kind: Any, where: str, default: Any = ...) -> Any:
    value = source.get(key, default)
    if value is ...:
        raise _Bad(f"{where}.{key} is missing")
    if value is default or (default is None and value is None):
        return default
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if (isinstance(value, bool) and bool not in kinds) or not isinstance(value, kind):
        names = " or ".join(k.__name__ for k in kinds)
        raise _Bad(f"{where}.{key} must be {names}, not {json.dumps(value)[:80]}")
    return value


def _strings(source: Dict[str, Any], key: str, where: str) -> Tuple[str, ...]:
    values = _get(source, key, list, where, [])
    if not all(isinstance(value, str) for value in values):
        raise _Bad(f"{where}.{key} must be a list of texts")
    return tuple(values)


def _variables(source: Dict[str, Any], key: str, where: str) -> Dict[str, str]:
    values = _get(source, key, dict, where, {})
    for name, value in values.items():
        if not _VARIABLE.match(name) or not isinstance(value, str) or "\0" in value:
            raise _Bad(f"{where}.{key}.{name} is not an environment variable with a text")
    return dict(values)


def _inside(path: str, where: str) -> str:
    parts = PurePosixPath(path).parts
    if not path or path.startswith("/") or ".." in parts or "\0" in path:
        raise _Bad(f"{where} must be a path inside the project, not {json.dumps(path)}")
    return path


@dataclasses.dataclass(frozen=True)
class Run:
    """What a step executes; `kind` is module, script, notebook or shell."""

    kind: str
    target: str
    args: Tuple[str, ...] = ()
    parameters: Dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Checkpoints:
    """Where a step keeps what it can go on from. `complete`: a file that a finished one has; `after_changes`: whether the
    step goes on from it also when its code or inputs are others than those that wrote it.
    """

    pattern: str
    complete: Optional[str]
    after_changes: bool


@dataclasses.dataclass(frozen=True)
class Step:
    """One step; `index` counts from 1 over all steps of the job. `allow_stale`: it may leave its outputs as they were."""

    index: int
    name: str
    where: str
    run: Run
    env: Dict[str, str]
    secrets: Tuple[str, ...]
    timeout: Optional[float]
    inputs: Tuple[str, ...]
    outputs: Tuple[str, ...]
    code: Tuple[str, ...]
    gates: Tuple[Dict[str, Any], ...]
    allow_stale: bool
    checkpoints: Optional[Checkpoints]

    @property
    def folder(self) -> str:
        """Name of the step's folder in the job directory."""
        return f"{self.index:02d}-{self.name}"


@dataclasses.dataclass(frozen=True)
class Spec:
    """The whole job; `rest_url` is None when the job has no API.

    `code`: paths of the small files that the transfer brings, none of which is data; `same_gpu`: a step that passed on
    another type of GPU runs again. `fetch`: patterns of the results that come home.
    """

    job: str
    project: str
    rest_url: Optional[str]
    project_path: Path
    mount: Path
    image: Optional[str]
    python: str
    code: Tuple[str, ...]
    same_gpu: bool
    requirements: Optional[str]
    env: Dict[str, str]
    cap_seconds: Optional[float]
    stall_seconds: Optional[float]
    on_finish: str
    hold_seconds: float
    from_step: Optional[str]
    fetch: Tuple[str, ...]
    steps: Tuple[Step, ...]
    local_results: Tuple[Dict[str, Any], ...]


def _short(raw: Dict[str, Any], key: str) -> str:
    name: str = _get(raw, key, str, "spec")
    if len(name) > LIMITS.name_characters:
        raise _Bad(f"spec.{key} has more than {LIMITS.name_characters} characters")
    return name


def _run(raw: Dict[str, Any], where: str) -> Run:
    kind = _get(raw, "kind", str, where)
    if kind == "module":
        return Run(kind, _get(raw, "module", str, where), _strings(raw, "args", where))
    if kind == "script":
        return Run(kind, _inside(_get(raw, "path", str, where), f"{where}.path"), _strings(raw, "args", where))
    if kind == "notebook":
        path = _inside(_get(raw, "path", str, where), f"{where}.path")
        return Run(kind, path, (), dict(_get(raw, "parameters", dict, where, {})))
    if kind == "shell":
        return Run(kind, _get(raw, "command", str, where))
    raise _Bad(f"{where}.kind must be module, script, notebook or shell, not {kind!r}")


def _step(raw: Any, index: int) -> Step:
    where = f"steps[{index - 1}]"
    if not isinstance(raw, dict):
        raise _Bad(f"{where} must be an object")
    name = _get(raw, "name", str, where)
    if not _NAME.match(name):
        raise _Bad(f"{where}.name {name!r} may have lower-case letters, digits, '-' and '_' only")
    side = _get(raw, "where", str, where, "pod")
    if side not in ("local", "pod"):
        raise _Bad(f"{where}.where must be local or pod, not {side!r}")
    gates: List[Dict[str, Any]] = []
    for number, gate in enumerate(_get(raw, "gates", list, where, [])):
        if not isinstance(gate, dict) or gate.get("type") not in GATE_TYPES:
            raise _Bad(f"{where}.gates[{number}].type must be one of {', '.join(GATE_TYPES)}")
        for key in ("path", "script"):
            if key in gate:
                _inside(_get(gate, key, str, f"{where}.gates[{number}]"), f"{where}.gates[{number}].{key}")
        _get(gate, "allowStale", bool, f"{where}.gates[{number}]", False)
        _get(gate, "timeoutMinutes", (int, float), f"{where}.gates[{number}]", None)
        gates.append(gate)
    return Step(
        index=index,
        name=name,
        where=side,
        run=_run(_get(raw, "run", dict, where), f"{where}.run"),
        env=_variables(raw, "env", where),
        secrets=_strings(raw, "secrets", where),
        timeout=_get(raw, "timeoutSeconds", (int, float), where, None),
        inputs=tuple(_inside(p, f"{where}.inputs") for p in _strings(raw, "inputs", where)),
        outputs=tuple(_inside(p, f"{where}.outputs") for p in _strings(raw, "outputs", where)),
        code=tuple(_inside(p, f"{where}.code") for p in _strings(raw, "code", where)),
        gates=tuple(gates),
        allow_stale=_get(raw, "allowStale", bool, where, False),
        checkpoints=_checkpoints(_get(raw, "checkpoints", dict, where, None), f"{where}.checkpoints"),
    )


def _checkpoints(raw: Optional[Dict[str, Any]], where: str) -> Optional[Checkpoints]:
    if raw is None:
        return None
    complete = _get(raw, "complete", str, where, None)
    return Checkpoints(
        pattern=_inside(_get(raw, "pattern", str, where), f"{where}.pattern"),
        complete=None if complete is None else _inside(complete, f"{where}.complete"),
        after_changes=_get(raw, "afterChanges", bool, where, False),
    )


def _spec(raw: Dict[str, Any]) -> Spec:
    if raw.get("schema") != LIMITS.spec_schema_number:
        raise _Bad(f"schema is {raw.get('schema')!r}; this worker reads {LIMITS.spec_schema_number}")
    paths = _get(raw, "paths", dict, "spec")
    api = _get(raw, "api", dict, "spec", {})
    steps = tuple(_step(item, number) for number, item in enumerate(_get(raw, "steps", list, "spec"), 1))
    names = [step.name for step in steps]
    if len(set(names)) != len(names):
        raise _Bad("two steps have the same name")
    start = _get(raw, "from", str, "spec", None)
    if start is not None and start not in names:
        raise _Bad(f"from names the step {start!r}, and there are {', '.join(names)}")
    finish = _get(raw, "onFinish", str, "spec", "terminate")
    if finish not in ("terminate", "stop", "keep"):
        raise _Bad(f"onFinish must be terminate, stop or keep, not {finish!r}")
    requirements = _get(raw, "requirements", str, "spec", None)
    results = _get(raw, "localResults", list, "spec", None) or []
    if not all(isinstance(r, dict) and isinstance(r.get("step"), str) for r in results):
        raise _Bad("localResults must be a list of objects with a step")
    return Spec(
        job=_short(raw, "job"),
        project=_short(raw, "project"),
        rest_url=_get(api, "restUrl", str, "spec.api", None),
        project_path=Path(_get(paths, "project", str, "spec.paths")),
        mount=Path(_get(paths, "mount", str, "spec.paths")),
        image=_get(raw, "image", str, "spec", None),
        python=_get(raw, "python", str, "spec", "python3"),
        code=tuple(_inside(path, "spec.code") for path in _strings(raw, "code", "spec")),
        same_gpu=_get(raw, "sameGpu", bool, "spec", False),
        requirements=None if requirements is None else _inside(requirements, "spec.requirements"),
        env=_variables(raw, "env", "spec"),
        cap_seconds=_get(raw, "capSeconds", (int, float), "spec", None),
        stall_seconds=_get(raw, "stallSeconds", (int, float), "spec", None),
        on_finish=finish,
        hold_seconds=_get(raw, "holdSeconds", (int, float), "spec", 0),
        from_step=start,
        fetch=_strings(raw, "fetch", "spec"),
        steps=steps,
        local_results=tuple(results),
    )


def load_spec(job_dir: Path) -> Spec:
    """Reads `spec.json`; raises WorkerError that names the wrong field."""
    path = job_dir / "spec.json"
    try:
        raw = json.loads(path.read_bytes())
    except OSError as problem:
        raise WorkerError("There is no job here.", f"{path}: {problem.strerror}.", "Check --job-dir.") from problem
    except ValueError as problem:
        raise WorkerError("The job's spec.json is damaged.", f"{problem}.", _FIX) from problem
    return read_spec(raw)


def read_spec(raw: Any) -> Spec:
    """The job that `spec.json` holds; raises WorkerError that names the wrong field."""
    try:
        if not isinstance(raw, dict):
            raise _Bad("it must be an object")
        return _spec(raw)
    except _Bad as problem:
        raise WorkerError("The job's spec.json is not usable.", f"{problem}.", _FIX) from problem
