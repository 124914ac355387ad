"""Why a step must run again: what changed since it passed, by name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List, Mapping, Optional

from ..journal.spec import Step
from .fingerprint import Parts, Record

NOT_PASSED = "it never ran, or its last run did not pass"
_TOLD = 5

#: Of the small files that count as code, those that nobody would call data.
SOURCES = re.compile(
    r"\.(pyi?|pyx|pxd|ipynb|sh|bash|zsh|r|jl|lua|pl|js|mjs|ts|c|cc|cpp|cxx|h|hpp|cu|cuh|rs|go|java|so|pyd|dylib|dll"
    r"|toml|ya?ml|cfg|ini|cmake)$|(^|/)(Makefile|Dockerfile|py\.typed)$",
    re.IGNORECASE,
)


def why_run(
    project: Path,
    step: Step,
    parts: Parts,
    record: Optional[Record],
    forced: Optional[str],
    earlier: Mapping[str, Optional[str]],
) -> List[str]:
    """Why the step must run, as parts of a sentence; empty when nothing changed since it passed.

    `forced` is the step that the job was asked to start from, when this one is it or comes after it; `earlier` names
    the last run of each step before it, None where that is not known.
    """
    why = []
    if forced is not None:
        why.append("asked for" if forced == step.name else f"it comes after {forced}, from which the job was asked to run")
    if record is None:
        return [*why, NOT_PASSED]
    if record.run is None:
        return [*why, "an earlier release ran it, which kept less of what its result depends on"]
    why += differences(record.parts, parts, step)
    why += _outputs(project, step, record)
    if not step.inputs:
        why += _order(record, earlier)
    return why


def _order(record: Record, earlier: Mapping[str, Optional[str]]) -> List[str]:
    """What a step without declared inputs depends on: the steps before it, in whichever job and on whichever side."""
    for name, run in earlier.items():
        if name not in record.after:
            return [f"it declares no inputs, and {name} is a new step before it"]
        if run is None or record.after[name] != run:
            return [f"it declares no inputs and {name} ran before it"]
    gone = next((name for name in record.after if name not in earlier), None)
    return [] if gone is None else [f"it declares no inputs, and {gone} is no step before it any more"]


def _sentences(part: str, old: Mapping[str, str], new: Mapping[str, str], step: Step) -> List[str]:
    changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
    told: List[str] = []
    cells = [key for key in changed if key.startswith("cell ")]
    if cells:
        numbers = sorted(int(key[5:]) for key in cells)
        listed = ", ".join(map(str, numbers[:_TOLD])) + (", …" if len(numbers) > _TOLD else "")
        told.append(f"notebook {step.run.target} changed (code cell {listed})")
    for key in changed:
        if key in cells:
            continue
        how = "changed" if key in old and key in new else ("is new" if key in new else "is gone")
        if part == "command":
            label = {"what": "command", "arguments": "arguments", "notebook": f"notebook {step.run.target}"}.get(key, key)
            how = "changed" if not key.startswith("parameter ") else how
        elif part == "env":
            label = f"variable {key}"
        elif part == "environment":
            label = key
            if how == "changed" and not key.startswith("requirements"):
                how = f"changed from {old[key]} to {new[key]}"
        else:
            # What was deleted may have been data, which the transfer brought beside the code.
            is_code = how != "is gone" or SOURCES.search(key) is not None
            label = f"{'input' if part == 'inputs' else 'code' if is_code else 'file'} {key}"
        told.append(f"{label} {how}")
    if len(told) > _TOLD:
        told = [*told[:_TOLD], f"and {len(told) - _TOLD} more of its {part}"]
    return told


def differences(old: Parts, new: Parts, step: Step) -> List[str]:
    """One short sentence for each thing that changed, naming the file, variable or parameter."""
    told: List[str] = []
    for part in ("command", "env", "inputs", "code", "environment"):
        told += _sentences(part, old.get(part) or {}, new[part], step)
    return told


def _outputs(project: Path, step: Step, record: Record) -> List[str]:
    """Outputs of the recorded run that are not there any more, or not as it left them."""
    told = [] if record.patterns == list(step.outputs) else ["other outputs are declared"]
    changed = []
    for path, (size, changed_at) in sorted(record.outputs.items()):
        try:
            info = (project / path).stat()
        except OSError:
            changed.append(f"output {path} is gone")
            continue
        if info.st_size == 0 and size > 0:
            changed.append(f"output {path} is empty")
        elif (info.st_size, info.st_mtime_ns) != (size, changed_at):
            changed.append(f"output {path} changed since")
    return told + changed[:_TOLD] + ([f"and {len(changed) - _TOLD} more outputs"] if len(changed) > _TOLD else [])
