"""Asked with the step's Python: which lines of a requirements file are not satisfied? Needs no network."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import re
import sys
from pathlib import Path
from typing import Any, Iterator, List, Optional

_OPTION_WITHOUT_PACKAGES = re.compile(
    r"^(-i|--index-url|--extra-index-url|--no-index|-f|--find-links|--trusted-host|--pre|--prefer-binary|--only-binary"
    r"|--no-binary|-c|--constraint|--require-hashes|--use-feature)\b"
)
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(\[[^\]]*\])?\s*(?:==\s*([^\s;,*]+))?$")


def lines_of(file: Path) -> Iterator[str]:
    """Logical lines without comments, hashes and options, following `-r`."""
    text = file.read_text(encoding="utf-8-sig").replace("\\\n", " ")
    for line in text.splitlines():
        line = re.sub(r"(^|\s)#.*$", "", line)
        line = re.sub(r"\s--hash=\S+", "", line).strip()
        nested = re.match(r"^(?:-r|--requirement)[ =]\s*(\S+)$", line)
        if nested:
            yield from lines_of(file.parent / nested.group(1))
        elif line and not _OPTION_WITHOUT_PACKAGES.match(line):
            yield line


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


def is_satisfied(line: str, packaging: Any) -> bool:
    """Whether one requirement holds; what cannot be judged here does not."""
    if packaging is None:
        pin = _PIN.match(line)
        if pin is None:
            return False
        there = _version(pin.group(1))
        return there is not None and pin.group(3) in (None, there)
    try:
        wanted = packaging.Requirement(line)
    except Exception:
        return False
    if wanted.marker is not None and not wanted.marker.evaluate():
        return True
    there = _version(wanted.name)
    if wanted.url or there is None or not wanted.specifier.contains(there, prereleases=True):
        return False
    for extra in wanted.extras:
        for text in importlib.metadata.requires(wanted.name) or []:
            inner = packaging.Requirement(text)
            if inner.marker is not None and inner.marker.evaluate({"extra": extra}) and _version(inner.name) is None:
                return False
    return True


def unsatisfied(file: Path) -> List[str]:
    """The lines that do not hold with this Python."""
    packaging = _packaging()
    return [line for line in lines_of(file) if not is_satisfied(line, packaging)]


def main() -> int:
    """Reads `{"file"}` from standard input, answers `{"unsatisfied": [line]}` through the channel that it names."""
    request = json.load(sys.stdin)
    answer = unsatisfied(Path(request["file"]))
    with os.fdopen(request["channel"], "w", encoding="utf-8") as channel:
        channel.write(json.dumps({"unsatisfied": answer}) + "\n")
    return 0
