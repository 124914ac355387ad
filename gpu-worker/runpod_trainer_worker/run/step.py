"""Runs one step: decides whether it must run, runs it, checks its gates, remembers that it passed."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from ..base.clock import now_iso
from ..base.errors import WorkerError
from ..base.selfpath import SELF
from ..files.hashes import HashCache
from ..gates.result import path_of
from ..journal.spec import Step
from ..resume import fingerprint
from ..resume.attempt import Attempt, begin_attempt, end_attempt, fail_attempt
from ..resume.before import Before, outputs_problem
from ..resume.reasons import NOT_PASSED, why_run
from .context import Context, Stopped
from .environment import secrets_of, step_environment
from .exit_reasons import status_and_reason
from .going_on import VARIABLE, Start, start_of
from .metrics import MetricTail, forget_metrics, metrics_of, pieces
from .output_copy import OutputCopy
from .process import BROKEN, Command, Execution
from .step_gates import failing, run_gates


@dataclasses.dataclass(frozen=True)
class StepEnd:
    """`status` is passed, failed, cancelled, timeout or skipped; `reason` a sentence or None."""

    status: str
    reason: Optional[str] = None


def run_step(context: Context, step: Step, forced: Optional[str]) -> StepEnd:
    """Runs or skips one step and tells the journal.

    `forced` is the step that the job was asked to start from, when this one is it or comes after it.
    """
    folder = context.job.steps / step.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        secrets = secrets_of(step, context.sources)
    except WorkerError as problem:
        return _refuse(context, step, str(problem))
    except OSError as problem:
        return _refuse(context, step, f"The step's folder cannot be made: {problem.strerror}.")
    absent = fingerprint.unmatched(context.spec.project_path, step)
    if absent is not None:
        return _refuse(context, step, f"It was not started: no file matches {absent}, which it declares among its inputs.")
    metrics = metrics_of(context.job, context.side, folder)
    metrics.unlink(missing_ok=True)
    environment = step_environment(context.spec, step, context.base_env, context.python, folder, metrics, secrets)
    try:
        return _run_or_skip(context, step, folder, environment, metrics, forced)
    finally:
        forget_metrics(metrics, folder)


def _run_or_skip(
    context: Context,
    step: Step,
    folder: Path,
    environment: Dict[str, str],
    metrics: Path,
    forced: Optional[str],
) -> StepEnd:
    cache = HashCache(context.spec.project_path)
    machine = context.python.fingerprint()
    if context.spec.same_gpu:
        machine["GPU"] = context.gpu or "none"
    parts = fingerprint.compute(context.spec, step, machine, cache, context.check)
    record = fingerprint.load(context.spec.project_path, step.name)
    earlier = _earlier(context, step)
    why = why_run(context.spec.project_path, step, parts, record, forced, earlier)
    if not why and record is not None:
        results = run_gates(context, step, environment, folder, record.metrics, None)
        if not failing(results):
            sentence = "Nothing changed since it passed" + (" and its gates still hold" if step.gates else "")
            sentence += _other_gpu(record.gpu, context.gpu) + "."
            context.journal.emit("step.skipped", step=step.name, why=sentence, gates=results, run=record.run)
            context.state.step(step.index, status="skipped", why=sentence, gates=results)
            return StepEnd("skipped")
        why = [f"nothing changed, but {failing(results)}"]
    start = start_of(context, step, parts, environment, folder)
    if start.checkpoint is not None:
        environment = {**environment, VARIABLE: str(context.spec.project_path / start.checkpoint)}
    if start.why is not None:
        why = [start.why, *(reason for reason in why if reason != NOT_PASSED)]
    return _Run(context, step, folder, environment, metrics, earlier, start).run(why, parts)


def _earlier(context: Context, step: Step) -> Dict[str, Optional[str]]:
    """The last run of each step before this one; what ran on the other side is known from the client."""
    told = {str(one["step"]): one.get("run") for one in context.spec.local_results}
    earlier: Dict[str, Optional[str]] = {}
    for one in context.spec.steps[: step.index - 1]:
        if one.where == context.side:
            record = fingerprint.load(context.spec.project_path, one.name)
            earlier[one.name] = None if record is None else record.run
        elif one.where == "local":
            run = told.get(one.name)
            earlier[one.name] = run if isinstance(run, str) else None
    return earlier


def _other_gpu(then: Optional[str], now: Optional[str]) -> str:
    return "" if then == now or then is None else f"; it ran on {then}, and this machine has {now or 'no GPU'}"


def _started(context: Context, step: Step, why: List[str], argv: List[str], checkpoint: Optional[str] = None) -> None:
    of = len(context.spec.steps)
    context.journal.emit("step.started", step=step.name, index=step.index, of=of, why=why, argv=argv, resumeFrom=checkpoint)
    context.state.step(step.index, status="running", why="; ".join(why), gates=[])


def _finished(
    context: Context, step: Step, end: StepEnd, code: Optional[int], seconds: float, run: Optional[str] = None
) -> StepEnd:
    context.state.step(step.index, status=end.status, seconds=seconds)
    context.journal.emit(
        "step.finished", step=step.name, status=end.status, exitCode=code, seconds=seconds, reason=end.reason, run=run
    )
    return end


def _refuse(context: Context, step: Step, reason: str) -> StepEnd:
    _started(context, step, [], [])
    return _finished(context, step, StepEnd("failed", reason), None, 0.0)


class _Run:
    def __init__(
        self,
        context: Context,
        step: Step,
        folder: Path,
        environment: Dict[str, str],
        metrics: Path,
        earlier: Dict[str, Optional[str]],
        start: Start,
    ):
        self._earlier = earlier
        self._start = start
        self._context = context
        self._step = step
        self._folder = folder
        self._environment = environment
        self._told: Optional[str] = None
        self._kept = OutputCopy(folder / "metrics.jsonl", self._on_copy_problem)
        self._metrics = MetricTail(metrics, context.masker, self._kept.add)
        self._gates: List[Dict[str, Any]] = []
        #: The name of this run, once it has passed.
        self._ran: Optional[str] = None

    def run(self, why: List[str], parts: fingerprint.Parts) -> StepEnd:
        context, step = self._context, self._step
        argv, request, shown = self._command()
        _started(context, step, why, shown, self._start.checkpoint)
        try:
            before = self._begin(parts)
            fingerprint.forget(context.spec.project_path, step.name)
            outcome = Execution(
                Command(
                    argv=argv,
                    cwd=context.spec.project_path,
                    env=self._child_environment(),
                    step_dir=self._folder,
                    timeout=step.timeout,
                    request=request,
                    log=self._folder / "stdout.log",
                    masker=context.masker,
                ),
                context.timings,
                context.should_stop,
                lambda lines: context.log(step.name, lines),
                self._on_answer,
                self._on_tick,
                self._on_copy_problem,
            ).run()
        except OSError as problem:
            return _finished(context, step, StepEnd("failed", f"It did not start: {problem}."), None, 0.0)
        self._tell_metrics(final=True)
        status, reason = status_and_reason(outcome, step.timeout, self._told)
        if outcome.stopped == BROKEN or (status == "passed" and context.problem is not None):
            status, reason = "failed", context.problem
        if status == "passed":
            status, reason = self._check(parts, before)
        if status in ("failed", "timeout") and context.problem is None:
            self._note_failure()
        return _finished(context, step, StepEnd(status, reason), outcome.code, outcome.seconds, self._ran)

    def _begin(self, parts: fingerprint.Parts) -> Before:
        """What lies there before the step, which is what its gates and the next attempt go by."""
        step, project = self._step, self._context.spec.project_path
        kept = [] if step.checkpoints is None else [step.checkpoints.pattern]
        gated = [path for path in map(path_of, step.gates) if path is not None]
        before = self._start.before or Before.take(project, [*step.outputs, *gated, *kept])
        if step.checkpoints is not None:
            begin_attempt(self._context.spec, step, Attempt(parts, before, self._start.chosen, self._start.tried))
        return before

    def _note_failure(self) -> None:
        try:
            fail_attempt(self._context.spec.project_path, self._step.name)
        except OSError as problem:
            text = f"That {self._step.name} failed cannot be remembered: {problem.strerror}."
            self._context.journal.emit("note", level="warning", text=text)

    def _command(self) -> Tuple[List[str], Optional[Dict[str, Any]], List[str]]:
        """(argv, request of the child process, argv as it is told)."""
        run, python = self._step.run, self._context.python.executable
        if run.kind == "module":
            argv = [python, "-m", run.target, *run.args]
        elif run.kind == "script":
            argv = [python, run.target, *run.args]
        elif run.kind == "shell":
            argv = ["bash", "-euo", "pipefail", "-c", run.target]
        else:
            request = {
                "path": str(self._context.spec.project_path / run.target),
                "shown": run.target,
                "out": str(self._folder / os.path.basename(run.target)),
                "parameters": run.parameters,
                "cwd": str(self._context.spec.project_path),
                "pythonPath": self._environment["PYTHONPATH"],
                "hidden": self._context.masker.secrets,
            }
            shown = [f"{name}={value!r}" for name, value in run.parameters.items()]
            return [python, SELF, "_notebook"], request, ["notebook", run.target, *shown]
        return argv, None, argv

    def _child_environment(self) -> Dict[str, str]:
        if self._step.run.kind != "notebook":
            return self._environment
        # The kernel gets PYTHONPATH; the process that drives it must not import the project's files by accident.
        environment = dict(self._environment)
        environment.pop("PYTHONPATH")
        if "PYTHONPATH" in self._context.base_env:
            environment["PYTHONPATH"] = self._context.base_env["PYTHONPATH"]
        return environment

    def _on_answer(self, answer: Dict[str, Any]) -> None:
        if "reason" in answer:
            self._told = str(answer["reason"])
        else:
            self._context.journal.emit("cell", step=self._step.name, **answer)

    def _on_tick(self) -> None:
        self._tell_metrics()

    def _on_copy_problem(self, problem: str) -> None:
        text = f"The copy of what {self._step.name} prints cannot be written, but the journal has it: {problem}."
        self._context.journal.emit("note", level="warning", text=text)

    def _tell_metrics(self, final: bool = False) -> None:
        for values in self._metrics.read(final):
            for part in pieces(values):
                self._context.journal.emit("metric", step=self._step.name, values=part)
        if final:
            self._kept.close()
        if final and self._metrics.bad_lines:
            text = f"{self._metrics.bad_lines} lines of {self._step.name}'s metrics are not JSON objects and were left out."
            self._context.journal.emit("note", level="warning", text=text)

    def _check(self, parts: fingerprint.Parts, before: Before) -> Tuple[str, Optional[str]]:
        context, step = self._context, self._step
        problem = outputs_problem(context.spec.project_path, step.outputs, None if step.allow_stale else before)
        try:
            results = run_gates(context, step, self._environment, self._folder, self._metrics.summary, before)
        except Stopped:
            return ("failed", context.problem) if context.problem else ("cancelled", "It was cancelled during its gates.")
        context.state.step(step.index, gates=results)
        bad = problem or failing(results)
        if bad:
            return "failed", bad
        project = context.spec.project_path
        self._ran = f"{context.spec.job} {now_iso()}"
        outputs = fingerprint.outputs_of(project, step)
        record = fingerprint.Record(
            parts,
            outputs,
            self._metrics.summary,
            self._ran,
            self._earlier,
            list(step.outputs),
            context.gpu,
            fingerprint.links_of(project, outputs),
        )
        try:
            fingerprint.store(context.spec, step, record)
            end_attempt(project, step.name)
        except OSError as problem:
            text = f"That {step.name} passed cannot be remembered, so it will run again: {problem.strerror}."
            context.journal.emit("note", level="warning", text=text)
        return "passed", None
