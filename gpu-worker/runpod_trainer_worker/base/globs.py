"""Patterns of the project file: `**`, `*`, `?`, and a trailing `/` for everything below a folder."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Iterable, Iterator, List, Pattern

#: Folders that never count as a project's files.
SKIPPED = {".runpod-trainer", ".git", "__pycache__", ".ipynb_checkpoints", "node_modules", ".venv"}
_MAGIC = re.compile(r"[*?\[]")


def has_magic(pattern: str) -> bool:
    """Whether the pattern is more than a plain path."""
    return _MAGIC.search(pattern) is not None or pattern.endswith("/")


def compile_pattern(pattern: str) -> Pattern[str]:
    """A regular expression for whole relative paths with `/`."""
    if pattern.endswith("/"):
        pattern += "**"
    out, index = "", 0
    while index < len(pattern):
        if pattern.startswith("**/", index) and (index == 0 or pattern[index - 1] == "/"):
            out, index = out + "(?:.*/)?", index + 3
        elif pattern.startswith("**", index):
            out, index = out + ".*", index + 2
        elif pattern[index] == "*":
            out, index = out + "[^/]*", index + 1
        elif pattern[index] == "?":
            out, index = out + "[^/]", index + 1
        elif pattern[index] == "[" and "]" in pattern[index + 2 :]:
            end = pattern.index("]", index + 2)
            inside = pattern[index + 1 : end].replace("\\", "\\\\")
            inside = "^" + inside[1:] if inside.startswith("!") else inside
            out, index = f"{out}[{inside}]", end + 1
        else:
            out, index = out + re.escape(pattern[index]), index + 1
    return re.compile(out + r"\Z", re.DOTALL)


def _static_part(pattern: str) -> str:
    parts = pattern.split("/")
    fixed = []
    for part in parts[:-1]:
        if _MAGIC.search(part):
            break
        fixed.append(part)
    return "/".join(fixed)


def _is_file(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself
        return False


def _walk(root: Path, start: str) -> Iterator[str]:
    stack = [start]
    while stack:
        folder = stack.pop()
        try:
            entries = sorted(os.scandir(root / folder), key=lambda e: e.name)
        except OSError:
            continue
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in SKIPPED:
                    stack.append(path)
            elif _is_file(entry):
                yield path


def match(root: Path, pattern: str) -> List[str]:
    """Sorted relative paths of the regular files that match; a plain path to a folder means all below it."""
    pattern = pattern[2:] if pattern.startswith("./") else pattern
    if not has_magic(pattern):
        target = root / pattern
        if target.is_file():
            return [pattern]
        if not target.is_dir():
            return []
        pattern += "/"
    expression = compile_pattern(pattern)
    return sorted(path for path in _walk(root, _static_part(pattern)) if expression.match(path))


def match_all(root: Path, patterns: Iterable[str]) -> List[str]:
    """Union of the matches, sorted, each once."""
    found = set()
    for pattern in patterns:
        found.update(match(root, pattern))
    return sorted(found)
