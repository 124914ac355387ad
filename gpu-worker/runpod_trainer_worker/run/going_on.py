"""From which checkpoint a step goes on whose last attempt did not come to a good end (R3.5)."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Dict, List, Optional

from ..gates.checkpoint_files import UNFINISHED
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
_TOLD = 5


@dataclasses.dataclass(frozen=True)
class Start:
    """How the step starts: from `checkpoint`, a path in the project, or anew; `why` says so where that is worth a word.

    `before` is from before the attempts that this one goes on from.
    """

    checkpoint: Optional[str] = None
    why: Optional[str] = None
    before: Optional[Before] = None


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
    found = None
    for candidate in candidates(project, wanted.pattern):
        problem = _problem(context, step, wanted, attempt, candidate, environment, folder)
        if problem is None:
            found = candidate.path
            break
        passed_over.append(f"{candidate.path}: {problem}")
    if passed_over:
        listed = "\n".join(passed_over[:_TOLD])
        more = f"\nand {len(passed_over) - _TOLD} more" if len(passed_over) > _TOLD else ""
        text = f"{step.name} does not go on from these checkpoints:\n{listed}{more}"
        context.journal.emit("note", level="warning" if found is None else "info", text=text)
    if found is None:
        return Start(why="it starts anew, since its last attempt left no complete checkpoint")
    besides = f", although {changed[0]}" if changed else ""
    return Start(found, f"its last attempt did not finish, and it goes on from {found}{besides}", attempt.before)


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
    if marked and not (project / candidate.path / str(wanted.complete)).is_file():
        return f"it has no {wanted.complete}, so it was not written to its end."
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
