"""Asked with the step's Python: which lines of a requirements file are not satisfied? Needs no network."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import re
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

from ..sources.requirements import Line, Requirements, all_text

_PIN = re.compile(r"^([A-Za-z0-9._-]+)(\[[^\]]*\])?\s*(?:==\s*([^\s;,*]+))?$")


def _packaging() -> Any:
    for name in ("packaging.requirements", "pip._vendor.packaging.requirements"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


def _version(name: str) -> Optional[str]:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def is_satisfied(line: str, packaging: Any, constraint: bool = False) -> bool:
    """Whether one requirement holds; what cannot be judged here does not. A constraint asks for no package."""
    if packaging is None:
        pin = _PIN.match(line)
        if pin is None:
            return False
        there = _version(pin.group(1))
        return constraint if there is None else pin.group(3) in (None, there)
    try:
        wanted = packaging.Requirement(line)
    except Exception:
        return False
    if wanted.marker is not None and not wanted.marker.evaluate():
        return True
    there = _version(wanted.name)
    if there is None and constraint:
        return True
    if wanted.url or there is None or not wanted.specifier.contains(there, prereleases=True):
        return False
    for extra in wanted.extras:
        for text in importlib.metadata.requires(wanted.name) or []:
            inner = packaging.Requirement(text)
            if inner.marker is not None and inner.marker.evaluate({"extra": extra}) and _version(inner.name) is None:
                return False
    return True


def _index_name(line: Line) -> str:
    return re.sub(r"[-_.]+", "-", line.name or "").lower()


def unsatisfied(read: Requirements) -> List[str]:
    """The lines that do not hold with this Python; a constraint counts for what is asked for."""
    packaging = _packaging()
    asked = {_index_name(line) for line in read.lines if not line.constraint}
    lines = [line for line in read.lines if not line.constraint or (line.name and _index_name(line) in asked)]
    missing = [line.text for line in lines if not is_satisfied(line.text, packaging, line.constraint)]
    # What pip refuses is said by pip, and what only the network has is for it to look at.
    return [*missing, *(said for _, _, said in read.refused), *(["a file from the network"] if read.opaque else [])]


def _answer(project: str, file: str, variables: Dict[str, str]) -> Dict[str, Any]:
    try:
        read = Requirements(project, file, variables)
    except OSError as problem:
        return {"problem": f"{file} cannot be opened: {problem.strerror}."}
    for include in read.includes:
        if include.again:
            return {"problem": f"{include.file}, line {include.line} includes {include.path}, which includes it again."}
        if not include.there:
            return {"problem": f"{include.file}, line {include.line} includes {include.path}, which is not on the pod."}
    for name, line, said in read.refused:
        if line == 0:
            return {"problem": f"{name} is neither UTF-8 nor what its first bytes say: {said}."}
    return {"unsatisfied": unsatisfied(read), "text": all_text(read), "variables": sorted(read.used)}


def main() -> int:
    """Reads `{"project", "file", "variables"}`; answers through the channel.

    `{"unsatisfied": [line], "text", "variables": [name]}`, of the variables those that the files name, or `{"problem"}`.
    """
    request = json.load(sys.stdin)
    answer = _answer(str(Path(request["project"])), request["file"], request["variables"])
    with os.fdopen(request["channel"], "w", encoding="utf-8") as channel:
        channel.write(json.dumps(answer) + "\n")
    return 0
