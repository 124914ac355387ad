"""How commands on a pod come to its keeper: they ask it, and start it where there is none."""

from __future__ import annotations

import dataclasses
import threading
import time
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

from ..base.clock import boot_seconds
from ..base.detached import send_input, start_detached
from ..base.errors import WorkerError
from ..base.timings import Timings
from ..journal.directory import JobDir
from ..journal.spool import scratch_folder
from . import local_socket, saved
from .end_keys import keys_of
from .pod_api import check_address
from .pod_environment import pod_environment
from .saved import Saved
from .states import Ended, Waiting
from .table import started_again

#: A volume that hangs must not hold up a client that only wants its pod to end.
_VOLUME_WAIT = 5.0


def guard(job: JobDir, rest_url: str, minutes: float, timings: Timings) -> Dict[str, Any]:
    """Lets the pod end when no worker of this job has started within so many minutes from now.

    A second call gives it more time, or another job to wait for. Answers `{"armed", "detail"}`.
    """
    pod = pod_environment()
    pod_id = pod.get("RUNPOD_POD_ID")
    if not pod_id or not keys_of(pod):
        return {"armed": False, "detail": "The pod has no key of its own, so it cannot end itself."}
    check_address(rest_url)  # one that is not safe is refused before anything starts
    seconds = minutes * timings.guard_minute
    question = {"ask": "renew", "folder": str(job.path), "seconds": seconds, "restUrl": rest_url, "mount": mount_of(job)}
    answer = ask(pod, question, timings)
    if "refused" in answer:
        raise WorkerError("The pod cannot wait for a job.", str(answer["refused"]), "Rent another one.")
    return {"armed": True, "detail": f"Without a worker the pod ends in {minutes:g} minutes."}


def ask(
    pod: Mapping[str, str], question: Dict[str, Any], timings: Timings, patience: Optional[float] = None
) -> Dict[str, Any]:
    """The answer of the keeper of this pod, which is started for it if need be.

    The question names `folder` or `job`, `restUrl` and `mount`: what a new keeper must know. Raises WorkerError.
    """
    pod_id = pod.get("RUNPOD_POD_ID") or ""
    end = time.monotonic() + timings.start_wait
    started = False
    while True:
        try:
            answer = local_socket.ask(pod_id, question, patience or timings.answer_wait)
        except local_socket.Silent as problem:
            raise WorkerError("The pod's keeper does not answer.", f"{problem}.", "Try again.") from problem
        if answer is not None:
            return answer
        if not started:
            started = True
            _start(pod, question, timings)
        elif time.monotonic() > end:
            raise WorkerError("The pod's keeper did not begin.", "", "Check that the pod has memory left, then try again.")
        time.sleep(0.02)


def status(pod_id: str, timings: Timings) -> Optional[Dict[str, Any]]:
    """What the keeper of this pod says of itself; None without one."""
    try:
        return local_socket.ask(pod_id, {"ask": "status"}, timings.answer_wait)
    except local_socket.Silent:
        return None


def start_keeper(pod_id: str, keys: Dict[str, str], rest_url: str, state: Optional[Dict[str, Any]]) -> int:
    """Starts a keeper with that state; answers its pid. It leaves when there is one. Raises OSError."""
    scratch = scratch_folder()
    process = start_detached(["_keeper", pod_id or "-"])
    value = {"podId": pod_id, "keys": keys, "restUrl": rest_url, "saved": state}
    send_input(process, {**value, "scratch": None if scratch is None else str(scratch)})
    return process.pid


def resume(mount: str, rest_url: str, timings: Timings) -> int:
    """The internal command of a container's start: a keeper for what an earlier one of this pod left; the exit code.

    It ends the pod where nothing can be read.
    """
    pod = pod_environment()
    pod_id = pod.get("RUNPOD_POD_ID") or ""
    state, _ = saved.read(_places(pod_id, mount))
    if state is not None and saved.is_of_earlier_start(state):
        left = saved.from_json(state)
        before = left.state
        if isinstance(before, Ended) and not (JobDir(Path(before.job.folder)).control / "hold").exists():
            # Its client gave it back and stopped the pod, faster than the keeper noticed.
            before = dataclasses.replace(before, held=None)
        state = saved.to_json(dataclasses.replace(left, state=started_again(before, boot_seconds(), timings)))
    start_keeper(pod_id, keys_of(pod), rest_url, state)
    return 0


def mount_of(job: JobDir) -> str:
    """Where the volume of a job lies; `job.path` is `<mount>/.runpod-trainer/jobs/<job>`."""
    return str(job.path.parents[2])


def _places(pod_id: str, mount: Optional[str]) -> List[Path]:
    scratch = scratch_folder()
    own = [] if scratch is None else [saved.disk_place(scratch, pod_id)]
    return own + ([] if mount is None else [saved.volume_place(mount, pod_id)])


def _start(pod: Mapping[str, str], question: Dict[str, Any], timings: Timings) -> None:
    pod_id = pod.get("RUNPOD_POD_ID") or ""
    state, there = _read(pod_id, str(question["mount"]))
    if state is None and not there:
        folder = str(question.get("folder") or question["job"]["folder"])
        seconds = float(question.get("seconds") or timings.start_wait)
        fresh = Waiting(boot_seconds() + seconds, folder)
        state = saved.to_json(Saved(fresh, str(question["restUrl"]), str(question["mount"])))
    start_keeper(pod_id, keys_of(pod), str(question["restUrl"]), state)


def _read(pod_id: str, mount: str) -> "tuple[Optional[Dict[str, Any]], bool]":
    """What an earlier keeper of this pod left; the volume is not waited for."""
    found: List[Any] = []
    if not pod_id:
        return None, False
    state, there = saved.read(_places(pod_id, None))
    if state is not None:
        return state, True
    thread = threading.Thread(target=lambda: found.append(saved.read(_places(pod_id, mount))), daemon=True)
    thread.start()
    thread.join(_VOLUME_WAIT)
    return found[0] if found else (None, there)
