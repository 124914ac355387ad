"""What a job will run again, as well as that can be told on the client's machine before it is started.

The same fingerprints and reasons as when the job comes to a step; what only the volume knows (outputs as they were left,
gates, installed packages) is taken to be as it was, unless the client has seen that the volume is not as it left it.
Nothing of the project is run or written.
"""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional

from ..base.globs import Glob
from ..files.hashes import HashCache
from ..journal.spec import Spec, Step, read_spec
from . import fingerprint
from .code import code_of
from .imports import ImportScan, source_roots
from .reasons import SOURCES, why_run

_PLAIN = re.compile(r"[^*?\[\\]*")


#: Files that the transfer does not bring are read up to so many bytes: nobody waits minutes for a price.
_LARGE = 64 * 1024 * 1024


class _Given(HashCache):
    """Hashes that the client has computed already; of other files the small ones are read."""

    def __init__(self, root: Path, hashes: Mapping[str, str]) -> None:
        super().__init__(root)
        self._project = root
        self._given = hashes

    def sha256(self, path: str, check: Optional[Callable[[], None]] = None) -> str:
        given = self._given.get(path)
        if given is not None:
            return given
        info = os.stat(self._project / path)
        seen = self.known(path, info)
        if seen is None and info.st_size > _LARGE:
            return f"{info.st_size} bytes of {info.st_mtime_ns}"
        return seen or super().sha256(path, check)

    def save(self) -> None:
        pass


def foresee() -> None:
    """Standard input: `{spec, hashes, before, other, outputs}`.

    `before` has of each step what is known of its last run, or null; `other` has the paths that are not on the volume as
    they were left, each with a clause that says so. `outputs` has of steps whose outputs were looked at there `why` it will
    run and what of it is `unsure`.
    """
    asked = json.load(sys.stdin)
    more = (asked.get("other"), asked.get("outputs"))
    steps = foreseen(read_spec(asked["spec"]), asked["hashes"], asked["before"], *more)
    json.dump({"steps": steps}, sys.stdout)


def foreseen(
    spec: Spec,
    hashes: Mapping[str, str],
    before: Mapping[str, Any],
    other: Optional[Mapping[str, str]] = None,
    outputs: Optional[Mapping[str, Mapping[str, List[str]]]] = None,
) -> List[Dict[str, Any]]:
    """Of each step why it will run, nothing where it will be skipped, and its fingerprint as it is here.

    `unsure` is why that is not known; it may be skipped or run then.
    """
    cache = _Given(spec.project_path, hashes)
    names = [step.name for step in spec.steps]
    start = len(names) if spec.from_step is None else names.index(spec.from_step)
    latest = {step.name: _latest(spec, step, before.get(step.name)) for step in spec.steps}
    running: List[Step] = []
    doubted: List[Step] = []
    told = []
    for index, step in enumerate(spec.steps):
        parts = fingerprint.compute(spec, step, {"Python": spec.python}, cache, lambda: None)
        record = _record(spec, step, parts, before.get(step.name))
        forced = spec.from_step if index >= start else None
        earlier = {name: latest[name] for name in names[:index]}
        if record is not None and step.where == "local":
            # The records of steps here have the runs themselves; those of a pod's steps before them mean nothing here.
            earlier = {name: record.after[name] for name in record.after}
        why = why_run(_nowhere(spec, step), step, parts, record, forced, earlier)
        looked = (outputs or {}).get(step.name, {})
        why = why or looked.get("why", []) or _follows(step, running, "will")
        unsure: List[str] = []
        if why:
            running.append(step)
        else:
            touched = _touched(spec, step, other or {}) if step.where == "pod" else []
            unsure = touched or looked.get("unsure", []) or _follows(step, doubted, "may")
            doubted += [step] if unsure else []
        told.append({"step": step.name, "where": step.where, "why": why, "unsure": unsure, "parts": parts})
    return told


def _latest(spec: Spec, step: Step, known: Optional[Mapping[str, Any]]) -> Optional[str]:
    """The last run that passed, by name."""
    if step.where == "local":
        record = fingerprint.load(spec.project_path, step.name)
        return None if record is None else record.run
    return (known or {}).get("latest")


def _record(
    spec: Spec, step: Step, parts: fingerprint.Parts, known: Optional[Mapping[str, Any]]
) -> Optional[fingerprint.Record]:
    """What is known of the last run that passed; None where nothing is, or where it was not the last."""
    if step.where == "local":
        record = fingerprint.load(spec.project_path, step.name)
        if record is None:
            return None
        # The Python of local steps is looked at when they run.
        return fingerprint.Record(
            {**record.parts, "environment": parts["environment"]},
            record.outputs,
            record.metrics,
            record.run,
            record.after,
            record.patterns,
            record.gpu,
        )
    if known is None or not known.get("passed") or not known.get("parts"):
        return None
    return fingerprint.Record(
        known["parts"], {}, {}, known.get("latest"), known.get("after") or {}, known.get("patterns") or [], None
    )


def _nowhere(spec: Spec, step: Step) -> Path:
    """Where outputs are looked for: those of a pod are not here."""
    return spec.project_path if step.where == "local" else Path("/nonexistent")


def _touched(spec: Spec, step: Step, other: Mapping[str, str]) -> List[str]:
    """What the step may depend on and is not on the volume as it was left there: the first of it says enough."""
    inputs = [Glob(pattern) for pattern in step.inputs]
    scan = ImportScan(spec.project_path, source_roots(spec.project_path, {**spec.env, **step.env}))
    # Modules that are not here any more count as those that are.
    sources = {path for path in other if SOURCES.search(path)}
    code = set(code_of(replace(spec, code=tuple(sorted({*spec.code, *sources}))), step, scan)) if other else set()
    return [said for path, said in sorted(other.items()) if path in code or any(glob.matches(path) for glob in inputs)][:1]


def _follows(step: Step, running: List[Step], how: str) -> List[str]:
    """Why a step will run because of one that runs before it; what cannot be ruled out counts."""
    for other in running:
        if not step.inputs:
            return [f"it declares no inputs and {other.name} {how} run before it"]
        if not other.outputs:
            return [f"{other.name} {how} run before it and does not declare what it writes"]
        met = next((one for one in step.inputs if any(_may_meet(one, out) for out in other.outputs)), None)
        if met is not None:
            return [f"{other.name} {how} run before it and may change its input {met}"]
    return []


def _may_meet(one: str, other: str) -> bool:
    """Whether two patterns may mean the same file: by what stands before their first wildcard."""
    first, second = (_PLAIN.match(pattern) for pattern in (one, other))
    heads = sorted((match[0] if match is not None else "" for match in (first, second)), key=len)
    return heads[1].startswith(heads[0])
