"""Starts the worker so that it outlives the connection that started it."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from typing import Any, Dict

from ..base import procs
from ..base.errors import WorkerError
from ..base.timings import Timings
from ..journal.directory import JobDir, read_lock, worker_alive
from ..journal.epochs import already_running
from ..journal.requests import Moment
from ..journal.spec import load_spec
from ..keeper.access import ask, mount_of, status
from ..keeper.pod_environment import pod_environment
from .environment import Sources
from .job import run_job


def read_secrets(text: str) -> Dict[str, str]:
    """`{"secrets": {"NAME": "value"}}`, or nothing at all."""
    fix = 'Send {"secrets": {"NAME": "value"}} to standard input.'
    try:
        raw = json.loads(text) if text.strip() else {}
        secrets = raw.get("secrets") or {}
    except (ValueError, AttributeError) as problem:
        raise WorkerError("The secrets were not understood.", "Standard input is not a JSON object.", fix) from problem
    if not isinstance(secrets, dict) or not all(isinstance(v, str) and "\0" not in v for v in secrets.values()):
        raise WorkerError("The secrets were not understood.", "They must be names with texts.", fix)
    return secrets


def start(job: JobDir, secrets: Dict[str, str], timings: Timings, join: bool = False) -> Dict[str, Any]:
    """Has the pod's keeper start the worker; answers `{"pid", "epoch", "watchdog"}` when both are at work.

    With `join` a start of this job that is under way is waited for, and not refused.
    """
    asked = Moment.now()
    spec = load_spec(job.path)
    pod = pod_environment()
    pod_id = pod.get("RUNPOD_POD_ID")
    before = read_lock(job)
    if before is not None and worker_alive(job, before, pod_id, timings):
        raise already_running(before)
    terms = {
        "folder": str(job.path),
        "capSeconds": spec.cap_seconds,
        "stallSeconds": spec.stall_seconds,
        "onFinish": spec.on_finish,
        "holdSeconds": spec.hold_seconds,
    }
    question = {"ask": "start", "job": terms, "restUrl": spec.rest_url or "", "mount": mount_of(job)}
    given = {"secrets": secrets, "pod": pod, "asked": asked.to_json()}
    # The last words of a job before this one may be on their way.
    answer = ask(pod, {**question, **given}, timings, timings.last_words + timings.answer_wait)
    if join and answer.get("folder") == str(job.path) and answer.get("worker") is not None:
        return _wait(pod_id or "", int(answer["worker"]["pid"]), timings)
    if "refused" in answer:
        raise WorkerError("The job cannot start on this pod.", str(answer["refused"]), "Attach to it, or cancel it first.")
    return _wait(pod_id or "", int(answer["pid"]), timings)


def _wait(pod_id: str, pid: int, timings: Timings) -> Dict[str, Any]:
    """Until the worker has told its keeper what holds the cap."""
    end = time.monotonic() + timings.start_wait
    while True:
        said = status(pod_id, timings) or {}
        worker = said.get("worker") or {}
        if worker.get("pid") == pid and said.get("told") is not None:
            return {"pid": pid, "epoch": worker["epoch"], "watchdog": said["told"]}
        if said.get("at") in ("ended", "ending") or not procs.start_time(pid):
            raise _last_words(str(said.get("output") or "").strip())
        if time.monotonic() > end:
            why = f"It says nothing after {timings.start_wait:g} seconds."
            raise WorkerError("The worker did not begin.", why, "Check that the volume answers, then attach to the job.")
        time.sleep(0.05)


def _last_words(text: str) -> WorkerError:
    """What the worker said when it refused to begin, or that it is gone."""
    last = text.splitlines()[-1] if text else ""
    try:
        error = json.loads(last)["error"]
        return WorkerError(error["what"], error["why"], error["next"])
    except (ValueError, KeyError, TypeError):
        why = text[-1000:] or "It said nothing."
        return WorkerError("The worker ended at once.", why, "Start it again; if it ends again, report this.")


def work(job: JobDir, timings: Timings) -> int:
    """The internal command: the worker itself; secrets and the pod's environment come by standard input."""
    given = json.load(sys.stdin)
    sources = Sources(given["secrets"], given["pod"])
    asked = Moment.from_json(given["asked"])
    return 0 if run_job(job, "pod", sources, given["pod"].get("RUNPOD_POD_ID"), timings, asked=asked) else 1


def end_with_client(descriptor: int) -> None:
    """Treats the end of this input, which the client keeps open while it lives, as the hang-up of a terminal."""

    def wait() -> None:
        try:
            while os.read(descriptor, 4096):
                pass
        except OSError:
            pass
        os.kill(os.getpid(), signal.SIGHUP)

    threading.Thread(target=wait, name="client", daemon=True).start()


def run_here(job: JobDir, side: str, secrets: Dict[str, str], timings: Timings) -> int:
    """In the foreground with this process's environment; journal lines go to standard output too."""

    def echo(line: bytes) -> None:
        try:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        except OSError:
            pass

    return 0 if run_job(job, side, Sources(secrets, dict(os.environ)), None, timings, echo) else 1
