"""Runs the gates of a step, each in its own process, and keeps the evidence."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

from ..base import fsutil
from ..base.globs import match
from ..base.selfpath import SELF
from ..gates.child import expected
from ..gates.result import ERROR, PASSED, Finding, gate_result, path_of
from ..journal.spec import Step
from ..resume.before import Before
from .context import Context, Stopped
from .process import TIMEOUT, Command, Execution, Line, Outcome

#: How long a gate may take where neither it nor its step says.
_LIMIT_SECONDS = 1800.0


def run_gates(
    context: Context,
    step: Step,
    environment: Dict[str, str],
    folder: Path,
    metrics: Mapping[str, Any],
    before: Optional[Before],
) -> List[Dict[str, Any]]:
    """GateResults in order; all gates run, so that one look shows everything that is wrong.

    With `before`, from before the step ran, each becomes a `gate` event, and files that the step did not write are no
    evidence; without it the step did not run. Raises Stopped when the job is cancelled meanwhile.
    """
    results: List[Dict[str, Any]] = []
    for index, gate in enumerate(step.gates):
        old = {} if before is None or step.allow_stale or gate.get("allowStale") else _old(context, gate, before)
        result = run_gate(context, step, index, gate, environment, folder, metrics, old)
        results.append(result)
        if before is not None:
            context.journal.emit("gate", step=step.name, gate=result)
    try:
        fsutil.write_json(folder / "gate.json", {"gates": results})
    except OSError as problem:
        # The journal has them; this is a copy.
        text = f"{folder / 'gate.json'} cannot be written: {problem.strerror}."
        context.journal.emit("note", level="warning", text=text)
    return results


def failing(results: List[Dict[str, Any]]) -> str:
    """A sentence about the first gate that does not hold; empty when all hold."""
    bad = [r for r in results if r["status"] != PASSED]
    if not bad:
        return ""
    more = f" ({len(bad) - 1} more gates do not hold.)" if len(bad) > 1 else ""
    return f"Gate '{bad[0]['title']}' does not hold: {bad[0]['message']}{more}"


def _old(context: Context, gate: Dict[str, Any], before: Before) -> Dict[str, str]:
    path = path_of(gate)
    return {} if path is None else before.all_old(match(context.spec.project_path, path, through_links=True))


def run_gate(
    context: Context,
    step: Step,
    index: int,
    gate: Dict[str, Any],
    environment: Dict[str, str],
    folder: Path,
    metrics: Mapping[str, Any],
    old: Mapping[str, str],
) -> Dict[str, Any]:
    """One GateResult; `old` has the files that are no evidence, with when they were written."""
    # Own scripts see what the step sees; the other checks must not import the project's files by accident.
    own = {k: v for k, v in environment.items() if k not in step.secrets}
    if "PYTHONPATH" in context.base_env:
        own["PYTHONPATH"] = context.base_env["PYTHONPATH"]
    else:
        own.pop("PYTHONPATH", None)
    request = {
        "index": index,
        "gate": gate,
        "project": str(context.spec.project_path),
        "metrics": metrics,
        "old": old,
        "environment": environment if gate["type"] == "script" else {},
    }
    answers: List[Dict[str, Any]] = []
    errors: List[str] = []

    def on_lines(lines: List[Line]) -> None:
        if gate["type"] == "script":
            context.log(step.name, lines)
        errors.extend(text for stream, text in lines if stream == "err" and text.strip())
        del errors[:-5]

    limit = _limit(step, gate)
    command = Command(
        argv=[context.python.executable, SELF, "_gate"],
        cwd=context.spec.project_path,
        env=own,
        step_dir=folder,
        timeout=limit,
        request=request,
        masker=context.masker,
    )
    try:
        outcome = Execution(command, context.timings, context.should_stop, on_lines, answers.append).run()
    except OSError as problem:
        failure = Finding(ERROR, expected(gate), "cannot be checked", f"It did not start: {problem}.")
        return dict(context.masker.value(gate_result(index, gate, failure)))
    if outcome.stopped not in (None, TIMEOUT):
        raise Stopped()
    result = answers[-1]["result"] if answers else gate_result(index, gate, _no_answer(gate, outcome, limit, errors))
    return dict(context.masker.value(result))


def _limit(step: Step, gate: Dict[str, Any]) -> float:
    minutes = gate.get("timeoutMinutes")
    return step.timeout or _LIMIT_SECONDS if minutes is None else float(minutes) * 60


def _no_answer(gate: Dict[str, Any], outcome: Outcome, limit: float, errors: List[str]) -> Finding:
    if outcome.stopped == TIMEOUT:
        message = (
            f"The check did not end within {limit:g} seconds and was ended. Look what it waits for, or give the gate more "
            "time with its timeoutMinutes."
        )
        return Finding(ERROR, expected(gate), f"no answer in {limit:g} s", message)
    message = f"The check itself ended without an answer ({_ending(outcome)}). {' '.join(errors)}".strip()
    return Finding(ERROR, expected(gate), "cannot be checked", message)


def _ending(outcome: Outcome) -> str:
    if outcome.code == -signal.SIGKILL:
        return "killed, out of memory" if outcome.oom_kills else "killed, probably out of memory"
    return f"exit code {outcome.code}" if outcome.code >= 0 else signal.Signals(-outcome.code).name
