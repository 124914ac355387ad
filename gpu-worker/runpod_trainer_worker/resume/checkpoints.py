"""The checkpoints that a step has written, the newest first."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional

from ..base.globs import SKIPPED, Glob, match, static_part

_STEP = re.compile(r"(?:step|iter(?:ation)?|global)[-_=]?(\d+)", re.IGNORECASE)
#: Whole numbers: `0.25` in a name is a loss.
_WHOLE = re.compile(r"(?<![\d.])\d+(?!\.?\d)")


class Candidate(NamedTuple):
    """A file or folder of this path; `number` is the step in its name, `written` when it last changed (ns)."""

    path: str
    number: Optional[int]
    written: int
    files: List[str]


def number_in(name: str) -> Optional[int]:
    """The number of the training step in a name: `checkpoint-200`, `epoch=1-step=300.ckpt`; the last one without a word."""
    stem = re.sub(r"\.[A-Za-z]\w*$", "", name)
    named = _STEP.findall(stem)
    found = named or _WHOLE.findall(stem)
    return int(found[-1]) if found else None


def candidates(project: Path, pattern: str) -> List[Candidate]:
    """Files and folders that the pattern means, newest first: by the number in the name, else by time."""
    glob = Glob(re.sub(r"(?<=.)/(\*\*)?$", "", pattern))
    fixed = static_part(glob.plain)
    found = [_candidate(project, path, path[len(fixed) :]) for path in _meant(project, glob, fixed)]
    there = [one for one in found if one is not None]
    if all(one.number is not None for one in there):
        return sorted(there, key=lambda one: (one.number or 0, one.written, one.path), reverse=True)
    return sorted(there, key=lambda one: (one.written, one.number or 0, one.path), reverse=True)


def _candidate(project: Path, path: str, named: str) -> Optional[Candidate]:
    files = match(project, _literal(path), through_links=True) if (project / path).is_dir() else [path]
    times = [moment for moment in (_changed(project / name) for name in files) if moment is not None]
    if not times:
        return None
    numbers = (number_in(part) for part in reversed(named.split("/")))
    return Candidate(path, next((number for number in numbers if number is not None), None), max(times), files)


def _literal(path: str) -> str:
    return re.sub(r"([*?\[\\])", r"\\\1", path) + "/**"


def _changed(path: Path) -> Optional[int]:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def _meant(project: Path, glob: Glob, start: str) -> Iterator[str]:
    """A folder that is meant is one checkpoint; nothing below it is another one."""
    stack = [start]
    while stack:
        folder = stack.pop()
        try:
            entries = sorted(os.scandir(project / folder), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            # A link such as `last` leads to one that has a name of its own, or to another place.
            if entry.name in SKIPPED or (entry.is_symlink() and not entry.is_file()):
                continue
            if glob.matches(path):
                yield path
            elif entry.is_dir(follow_symlinks=False):
                stack.append(path)
