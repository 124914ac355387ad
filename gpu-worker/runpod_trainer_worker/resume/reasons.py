"""Why a step must run again: what changed since it passed, by name."""

from __future__ import annotations

from pathlib import Path
from typing import List, Mapping, Optional

from ..journal.spec import Step
from .fingerprint import Parts, Record

_TOLD = 5


def why_run(
    project: Path,
    step: Step,
    parts: Parts,
    record: Optional[Record],
    forced: Optional[str],
    ran_before: Optional[str],
) -> List[str]:
    """Why the step must run, as parts of a sentence; empty when nothing changed since it passed.

    `forced` is the step that the job was asked to start from, when this one is it or comes after it; `ran_before`
    names the last step that ran on this side.
    """
    why = []
    if forced is not None:
        why.append("asked for" if forced == step.name else f"it comes after {forced}, from which the job was asked to run")
    if record is None:
        return [*why, "it never ran, or its last run did not pass"]
    why += _differences(record.parts, parts, step)
    why += _missing_outputs(project, record)
    if not step.inputs and ran_before is not None:
        why.append(f"it declares no inputs and {ran_before} ran before it")
    return why


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
            if key == "Python" and how == "changed":
                how = f"changed from {old[key]} to {new[key]}"
        else:
            label = f"{'input' if part == 'inputs' else 'code'} {key}"
        told.append(f"{label} {how}")
    if len(told) > _TOLD:
        told = [*told[:_TOLD], f"and {len(told) - _TOLD} more of its {part}"]
    return told


def _differences(old: Parts, new: Parts, step: Step) -> List[str]:
    """One short sentence for each thing that changed, naming the file, variable or parameter."""
    told: List[str] = []
    for part in ("command", "env", "inputs", "code", "environment"):
        told += _sentences(part, old.get(part) or {}, new[part], step)
    return told


def _missing_outputs(project: Path, record: Record) -> List[str]:
    """Declared outputs of the recorded run that are not there any more."""
    gone = [path for path in record.outputs if not (project / path).is_file()]
    told = [f"output {path} is gone" for path in gone[:_TOLD]]
    return told + ([f"and {len(gone) - _TOLD} more outputs"] if len(gone) > _TOLD else [])
