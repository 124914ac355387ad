"""Starts the worker so that it outlives the connection that started it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Dict, Iterator, Optional

from ..base.detached import send_input, start_detached
from ..base.errors import WorkerError
from ..base.timings import Timings
from ..journal.directory import JobDir, Lock, read_lock, whole_size, worker_alive
from ..journal.spec import load_spec
from ..journal.spool import spool_folder
from ..keeper.pod_environment import pod_environment
from .environment import Sources
from .job import already_running, run_job


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


def start(job: JobDir, secrets: Dict[str, str], timings: Timings) -> Dict[str, Any]:
    """Starts worker and watchdog; answers `{"pid", "epoch", "watchdog"}` when both are at work."""
    load_spec(job.path)
    pod = pod_environment()
    folder = spool_folder(job) or job.path
    with open(folder / "start.lock", "wb") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        before = read_lock(job)
        if (
            before is not None
            and before.pod_id == (pod.get("RUNPOD_POD_ID"))
            and worker_alive(job, before, pod.get("RUNPOD_POD_ID"), timings)
        ):
            raise already_running(before)
        output = folder / "worker.log"
        offset = whole_size(job.journal)
        process = _spawn(job, output, {"secrets": secrets, "pod": pod})
        answer = _wait(job, process, output, offset, timings)
    try:
        (folder / "start.lock").unlink()
        output.unlink()
    except OSError:
        pass
    return answer


def _spawn(job: JobDir, output: Path, given: Dict[str, Any]) -> "subprocess.Popen[bytes]":
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        process = start_detached(["_work", "--job-dir", str(job.path)], descriptor)
    finally:
        os.close(descriptor)
    try:
        send_input(process, given)
    except OSError:
        pass  # it died already; the wait below tells why
    return process


def _events(path: Path, offset: int) -> Iterator[Dict[str, Any]]:
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            data = file.read()
    except OSError:
        return
    for line in data[: data.rfind(b"\n") + 1].splitlines():
        yield json.loads(line)


def _wait(job: JobDir, process: "subprocess.Popen[bytes]", output: Path, offset: int, timings: Timings) -> Dict[str, Any]:
    end = time.monotonic() + timings.start_wait
    while True:
        dead = process.poll() is not None
        lock: Optional[Lock] = read_lock(job)
        if lock is not None and lock.pid == process.pid:
            for event in _events(job.journal, offset):
                if event.get("epoch") == lock.epoch and event["type"] in ("watchdog", "job.finished"):
                    told = {key: event.get(key) for key in ("armed", "detail", "deadline", "owners")}
                    if event["type"] == "job.finished":
                        told = {"armed": False, "detail": str(event.get("reason")), "deadline": None, "owners": []}
                    return {"pid": process.pid, "epoch": lock.epoch, "watchdog": told}
        if dead:
            raise WorkerError("The worker ended at once.", _tail(output), "Start it again; if it ends again, report this.")
        if time.monotonic() > end:
            why = f"Its journal says nothing after {timings.start_wait:g} seconds."
            raise WorkerError("The worker did not begin.", why, "Check that the volume answers, then attach to the job.")
        time.sleep(0.05)


def _tail(output: Path) -> str:
    try:
        text = output.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        text = ""
    last = text.splitlines()[-1] if text else ""
    try:
        error = json.loads(last)["error"]
        return f"{error['what']} {error['why']}"
    except (ValueError, KeyError, TypeError):
        return text[-1000:] or "It said nothing."


def work(job: JobDir, timings: Timings) -> int:
    """The internal command: the worker itself; secrets and the pod's environment come by standard input."""
    given = json.load(sys.stdin)
    sources = Sources(given["secrets"], given["pod"])
    return 0 if run_job(job, "pod", sources, given["pod"].get("RUNPOD_POD_ID"), timings, watched=True) else 1


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
