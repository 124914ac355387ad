"""From which checkpoint a step goes on whose last attempt did not come to a good end (R3.5)."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Dict, List, Optional

from ..gates.checkpoint_files import UNFINISHED, is_json
from ..gates.result import PASSED
from ..journal.spec import Checkpoints, Step
from ..resume.attempt import Attempt, last_attempt
from ..resume.before import Before
from ..resume.checkpoints import Candidate, candidates
from ..resume.fingerprint import Parts
from ..resume.reasons import differences
from .context import Context
from .step_gates import run_gate

VARIABLE = "RUNPOD_TRAINER_RESUME_FROM"
#: What a check says of files that no check reads.
_UNREADABLE_KINDS = ("unknown kind", "no checkpoint")
#: A file of such a name may say all by being there.
_MARKS = ("", ".txt", ".done", ".ok", ".complete", ".completed", ".finished", ".success", ".flag", ".mark", ".marker")
_TOLD = 5


@dataclasses.dataclass(frozen=True)
class Start:
    """How the step starts: from `checkpoint`, a path in the project, or anew; `why` says so where that is worth a word.

    `before` is from before the attempts that this one goes on from.
    """

    checkpoint: Optional[str] = None
    why: Optional[str] = None
    before: Optional[Before] = None
    #: The checkpoint with the time of its last change, and those passed over since an attempt from them failed.
    chosen: Dict[str, int] = dataclasses.field(default_factory=dict)
    tried: Dict[str, int] = dataclasses.field(default_factory=dict)


def start_of(context: Context, step: Step, parts: Parts, environment: Dict[str, str], folder: Path) -> Start:
    """Looks for the last complete checkpoint of the attempts before this one, and tells which ones are passed over."""
    wanted, project = step.checkpoints, context.spec.project_path
    attempt = None if wanted is None else last_attempt(project, step.name)
    if wanted is None or attempt is None:
        return Start()
    changed = differences(attempt.parts, parts, step)
    if changed and not wanted.after_changes:
        return Start(why=f"it starts anew, since its last attempt had other code, inputs or settings ({changed[0]})")
    passed_over: List[str] = []
    # Where something else changed, that may have been the cause.
    failed = {} if changed else attempt.tried
    tried: Dict[str, int] = {}
    found: Optional[Candidate] = None
    for candidate in candidates(project, wanted.pattern):
        if failed.get(candidate.path) == candidate.written:
            tried[candidate.path] = candidate.written
            problem: Optional[str] = "an attempt went on from it, failed and wrote no newer complete one."
        else:
            problem = _problem(context, step, wanted, attempt, candidate, environment, folder)
        if problem is None:
            found = candidate
            break
        passed_over.append(f"{candidate.path}: {problem}")
    if passed_over:
        listed = "\n".join(passed_over[:_TOLD])
        more = f"\nand {len(passed_over) - _TOLD} more" if len(passed_over) > _TOLD else ""
        text = f"{step.name} does not go on from these checkpoints:\n{listed}{more}"
        context.journal.emit("note", level="warning" if found is None else "info", text=text)
    if found is None:
        left = "left only checkpoints from which it failed" if tried else "left no complete checkpoint"
        return Start(why=f"it starts anew, since its last attempt {left}")
    besides = f", although {changed[0]}" if changed else ""
    why = f"its last attempt did not finish, and it goes on from {found.path}{besides}"
    return Start(found.path, why, attempt.before, {found.path: found.written}, tried)


def _problem(
    context: Context,
    step: Step,
    wanted: Checkpoints,
    attempt: Attempt,
    candidate: Candidate,
    environment: Dict[str, str],
    folder: Path,
) -> Optional[str]:
    """Why the step cannot go on from it; None when it is complete and was written by the attempts before this one."""
    project = context.spec.project_path
    old = attempt.before.all_old(candidate.files)
    if len(old) == len(candidate.files):
        return f"it was there before the step began ({next(iter(old.values()))})."
    if UNFINISHED.search(candidate.path.rsplit("/", 1)[-1]):
        return "its name says that it is still being written."
    is_folder = (project / candidate.path).is_dir()
    marked = is_folder and wanted.complete is not None
    unfinished = _mark_problem(project / candidate.path, str(wanted.complete)) if marked else None
    if unfinished is not None:
        return f"{unfinished}, so it was not written to its end."
    gate = {"type": "checkpoint", "path": candidate.path}
    result = run_gate(context, step, 0, gate, environment, folder, {}, old)
    if result["status"] == PASSED:
        return None
    if result["seen"] in _UNREADABLE_KINDS:
        empty = [path for path in candidate.files if (project / path).stat().st_size == 0]
        if marked and not empty:
            return None
        if not marked:
            return "nothing tells whether it is complete; name a file of a finished one under checkpoints.complete."
    return str(result["message"])


def _mark_problem(folder: Path, name: str) -> Optional[str]:
    """What is wrong with the file that tells a finished checkpoint."""
    place = folder / name
    if not place.is_file():
        return f"it has no {name}"
    if place.suffix == ".json":
        return None if is_json(place) else f"its {name} is damaged"
    if os.path.getsize(place) == 0 and place.suffix not in _MARKS:
        return f"its {name} is empty"
    return None
