"""The worker: one epoch of a job from its first event to its last."""

from __future__ import annotations

import dataclasses
import signal
import threading
import time
from typing import Any, Callable, Dict, List, Mapping, Optional

from ..base import host, procs
from ..base.clock import now_iso
from ..base.errors import WorkerError
from ..base.masking import Masker
from ..base.selfpath import SELF
from ..base.timings import Timings
from ..journal.claim import Claim
from ..journal.directory import JobDir
from ..journal.epochs import take_over
from ..journal.requests import Moment, Requests
from ..journal.spec import Spec, load_spec
from ..journal.spool import Spool, scratch_folder, spool_folder, spool_place
from ..journal.state import State
from ..journal.writer import Journal
from ..keeper.end_keys import keys_of
from ..keeper.worker_link import WorkerLink
from .context import Context, Stopped
from .environment import Sources
from .process import Command, Execution, Line
from .requirements import find_python, make_environment
from .results import note_results
from .step import StepEnd, run_step


def run_job(
    job_dir: JobDir,
    side: str,
    sources: Sources,
    pod_id: Optional[str],
    timings: Timings,
    echo: Optional[Callable[[bytes], None]] = None,
    asked: Optional[Moment] = None,
) -> bool:
    """Runs the job on one side; True when it succeeded. With `asked`, when the start was asked for, it has a keeper."""
    interrupted, hung_up = threading.Event(), threading.Event()

    def hang_up(*_: object) -> None:
        hung_up.set()
        interrupted.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: interrupted.set())
    # On a pod it means no more than that the connection which started the worker is closed.
    signal.signal(signal.SIGHUP, hang_up if side == "local" else signal.SIG_IGN)
    procs.adopt_orphans()
    spec = load_spec(job_dir.path)
    job_dir.control.mkdir(exist_ok=True)
    job_dir.steps.mkdir(exist_ok=True)
    requests = Requests(job_dir, spool_place(job_dir) if asked is not None else None)
    requests.withdraw("cancel", before=asked or Moment.now())
    claim = Claim(spec.project_path, job_dir, timings) if asked is not None and spec.project_path.is_dir() else None
    if claim is not None:
        claim.hand_over(pod_id)
    lock = take_over(job_dir, pod_id, timings)
    spool: Optional[Spool] = None
    keeper: Optional[WorkerLink] = None
    if asked is not None:
        folder = spool_folder(job_dir)
        # Without a disk of our own: what is not on the volume yet is lost with the worker.
        spool = None if folder is None else Spool(folder, lock.epoch)
        place = str(folder or job_dir.path / "spool")
        keeper = WorkerLink(pod_id, keys_of(sources.pod), lock.epoch, place, timings)
        keeper.begin()
    masker = Masker(sources.hidden(name for step in spec.steps for name in step.secrets))
    journal = Journal(job_dir, lock.epoch, spool, timings, echo, hide=masker.value)
    state = State(job_dir, spec, lock.epoch, pod_id, lambda: journal.seq, hide=masker.value)
    context = Context(job_dir, spec, side, timings, journal, state, sources, masker, keeper, requests, interrupted, hung_up)
    return _Job(context, pod_id, claim).run()


class _Job:
    def __init__(self, context: Context, pod_id: Optional[str], claim: Optional[Claim]) -> None:
        self._context = context
        self._claim = claim
        self._pod_id = pod_id
        self._step: Optional[str] = None
        self._over = threading.Event()

    def run(self) -> bool:
        began = time.monotonic()
        status, reason = "failed", None
        try:
            reason = self._prepare()
            threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
            if reason is None:
                status, reason = self._steps()
        except Stopped:
            status, reason = self._stop_reason()
        except WorkerError as problem:
            reason = str(problem)
        except OSError as problem:
            reason = f"The worker could not go on: {problem}."
        except Exception as problem:
            reason = f"The worker has an error of its own: {type(problem).__name__}: {problem}."
            raise
        finally:
            self._finish(status, reason, round(time.monotonic() - began, 3))
        return status == "succeeded"

    def _prepare(self) -> Optional[str]:
        """Tells the beginning, finds the Python; answers why the job cannot run, or None."""
        context, spec = self._context, self._context.spec
        base = context.sources.base()
        context.base_env = base
        problem: Optional[WorkerError] = None
        try:
            context.python = find_python(spec.python, base, spec.project_path)
        except WorkerError as caught:
            problem = caught
        about = host.describe(context.python.version, base.get("PATH"))
        context.gpu = ", ".join(sorted(about["gpus"])) or None
        context.journal.emit(
            "job.started",
            job=spec.job,
            project=spec.project,
            podId=self._pod_id,
            host=about,
            steps=[{"name": step.name, "where": step.where} for step in spec.steps],
            capSeconds=spec.cap_seconds,
        )
        context.state.save()
        if context.keeper is not None:
            context.keeper.attach(context.journal, context.state)
        for result in spec.local_results:
            self._tell_local(result)
        if problem is None and not spec.project_path.is_dir():
            return f"The project's folder {spec.project_path} does not exist. Upload the project first."
        return None if problem is None else str(problem)

    def _tell_local(self, result: Dict[str, Any]) -> None:
        context = self._context
        fields = {key: result.get(key) for key in ("step", "status", "seconds", "why")}
        gates = result.get("gates") or []
        context.journal.emit("step.local", **fields, gates=gates)
        for step in context.spec.steps:
            if step.name == result["step"] and step.where != context.side:
                context.state.step(step.index, gates=gates, **{key: fields[key] for key in ("status", "seconds", "why")})

    def _beat(self) -> None:
        while not self._over.wait(self._context.timings.heartbeat):
            procs.reap()
            self._context.state.save()
            self._keep_claim()

    def _keep_claim(self) -> None:
        """Shows that the project is this job's; a job that another one has followed ends."""
        followed = None if self._claim is None else self._claim.beat()
        if followed is not None:
            self._context.problem = self._context.problem or followed

    def _steps(self) -> "tuple[str, Optional[str]]":
        context, spec = self._context, self._context.spec
        mine = [step for step in spec.steps if step.where == context.side]
        # On the local side the environment is used as it is.
        if spec.requirements is not None and mine and context.side == "pod":
            self._requirements(spec)
        forced = False
        for step in spec.steps:
            forced = forced or step.name == spec.from_step
            if step.where != context.side:
                continue
            context.check()
            self._step = step.name
            context.state.update(step=step.name)
            end: StepEnd = run_step(context, step, spec.from_step if forced else None)
            if end.status == "cancelled":
                raise Stopped()
            if end.status in ("failed", "timeout"):
                return "failed", end.reason
        self._step = None
        return "succeeded", None

    def _requirements(self, spec: Spec) -> None:
        context = self._context
        assert spec.requirements is not None
        file = spec.project_path / spec.requirements
        if not file.is_file():
            raise WorkerError(
                f"The requirements file {spec.requirements} does not exist.",
                "target.requirements names it.",
                "Correct the name, or add the file to sync.must.",
            )
        said: List[str] = []
        answers: List[Dict[str, Any]] = []
        argv = [context.python.executable, SELF, "_requirements"]
        variables = self._variables()
        request = {"project": str(spec.project_path), "file": spec.requirements, "variables": variables}
        code = self._run(argv, said.append, request, answers.append)
        if code != 0 or not answers or "problem" in answers[-1]:
            why = str(answers[-1].get("problem")) if answers else "\n".join(said)[-500:]
            raise WorkerError(
                f"The requirements file {spec.requirements} cannot be read.",
                why,
                "Correct it, and see that every file that it names is uploaded.",
            )
        lines: List[str] = answers[-1]["unsatisfied"]
        text = str(answers[-1]["text"])
        if not lines:
            context.python = dataclasses.replace(context.python, requirements=text)
            return
        named = ", ".join(lines[:10]) + (f" and {len(lines) - 10} more" if len(lines) > 10 else "")
        context.log(None, [("out", f"Not in the image, installing beside it: {named}")])
        base = scratch_folder() or context.job.path
        named_in_them = {name: variables[name] for name in answers[-1]["variables"]}

        def run(argv: List[str]) -> int:
            return self._run(argv, lambda line: context.log(None, [("out", line)]), variables=named_in_them)

        context.python = make_environment(context.python, file, text, base, run)

    def _variables(self) -> Dict[str, str]:
        """What a requirements file may name as `${NAME}` beside the pod's own: the project's, and secrets of its steps."""
        spec, sources = self._context.spec, self._context.sources
        secrets = {name: sources.secret(name) for step in spec.steps for name in step.secrets}
        return {**spec.env, **{name: value for name, value in secrets.items() if value is not None}}

    def _run(
        self,
        argv: List[str],
        on_line: Callable[[str], None],
        request: Optional[Dict[str, Any]] = None,
        on_answer: Callable[[Dict[str, Any]], None] = lambda answer: None,
        variables: Optional[Mapping[str, str]] = None,
    ) -> int:
        """Runs a command of the preparation; raises Stopped when the job is cancelled meanwhile."""
        context = self._context
        folder = context.job.steps / "00-requirements"
        command = Command(
            argv=argv,
            cwd=context.spec.project_path,
            env={**context.base_env, **(variables or {}), procs.STEP_DIR: str(folder)},
            step_dir=folder,
            request=request,
            masker=context.masker,
        )

        def on_lines(lines: List[Line]) -> None:
            for _, text in lines:
                on_line(text)

        outcome = Execution(command, context.timings, context.should_stop, on_lines, on_answer).run()
        if outcome.stopped is not None:
            raise Stopped()
        return outcome.code

    def _stop_reason(self) -> "tuple[str, Optional[str]]":
        context = self._context
        if context.problem is not None:
            return "failed", context.problem
        return "cancelled", context.stop_reason() or "It was cancelled."

    def _finish(self, status: str, reason: Optional[str], seconds: float) -> None:
        context = self._context
        if context.side == "pod" and not context.journal.fenced:
            note_results(context, hurry=context.stop_reason() is not None or context.problem is not None)
        self._over.set()
        if context.keeper is not None:
            context.keeper.finish()
        if context.journal.fenced:
            context.state.silence()
            context.journal.close()
            return
        if status == "failed" and context.problem is not None:
            reason = context.problem
        context.journal.emit("job.finished", status=status, reason=reason, step=self._step, seconds=seconds)
        context.state.update(status=status, reason=reason, step=self._step, finished=now_iso())
        context.journal.close()
