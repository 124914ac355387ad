"""The gate on files: there, and large enough."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Mapping

from ..base.globs import match
from .result import FAILED, PASSED, CannotTell, Finding, not_of_this_run
from .values import short_list


def file(project: Path, gate: Dict[str, Any], old: Mapping[str, str]) -> Finding:
    """The files that match and that the step wrote, none smaller than `minBytes`."""
    path, least = gate["path"], int(gate.get("minBytes", 1))
    expected = f">= {least} bytes"
    there = match(project, path)
    if not there:
        raise CannotTell("no file", f"No file matches {path}. Check the path and the step that writes it.")
    found = [name for name in there if name not in old]
    if not found:
        raise not_of_this_run(path, old)
    sizes = {name: (project / name).stat().st_size for name in found}
    small = {name: size for name, size in sizes.items() if size < least}
    evidence: Dict[str, Any] = {"files": len(found), "bytes": sum(sizes.values()), "smallest": min(sizes.values())}
    if len(found) < len(there):
        evidence["notOfThisRun"] = len(there) - len(found)
    if small:
        evidence["tooSmall"] = small
        message = f"{short_list(small, 5)}: smaller than {least} bytes (smallest: {min(small.values())}). Write it again."
        return Finding(FAILED, expected, f"{min(small.values())} bytes", message, evidence)
    seen = f"{len(found)} files" if len(found) > 1 else f"{sizes[found[0]]} bytes"
    return Finding(PASSED, expected, seen, None, evidence)
