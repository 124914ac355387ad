"""Requests to a worker, and what is known about jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Optional

from ..base import fsutil, procs
from ..base.errors import WorkerError
from ..base.timings import Timings
from ..journal.claim import Claim
from ..journal.directory import JobDir, read_lock, worker_alive
from ..journal.requests import Requests
from ..journal.spec import load_spec
from ..journal.spool import spool_place
from ..journal.whole import layout_of
from ..keeper.access import status as keeper_status
from ..keeper.pod_environment import pod_environment

REQUESTS = ("cancel", "hold", "release")


def control(job: JobDir, request: str, timings: Timings) -> Dict[str, Any]:
    """Writes a request; answers `{"ok": true, "alive": bool}`."""
    if not job.path.is_dir():
        raise WorkerError("There is no job here.", f"{job.path} does not exist.", "Check --job-dir.")
    requests = Requests(job, spool_place(job))
    if request == "release":
        requests.withdraw("hold")
        _give_project_back(job, timings)
    else:
        requests.put(request)
    return {"ok": True, "alive": worker_alive(job, read_lock(job), _pod_id(), timings)}


def _give_project_back(job: JobDir, timings: Timings) -> None:
    try:
        Claim(load_spec(job.path).project_path, job, timings).release_ended()
    except (WorkerError, OSError):
        # It lapses.
        pass


def _pod_id() -> Optional[str]:
    return pod_environment().get("RUNPOD_POD_ID")


def _one(job: JobDir, pod_id: Optional[str], timings: Timings) -> Dict[str, Any]:
    state = fsutil.read_json(job.state)
    try:
        layout = layout_of(job)
        size = 0 if layout is None else layout.size()
    except OSError:
        size = 0
    alive = worker_alive(job, read_lock(job), pod_id, timings)
    return {"job": (state or {}).get("job") or job.path.name, "state": state, "alive": alive, "bytes": size}


def status(job_dir: Optional[Path], mount: Optional[Path], on_pod: Optional[str], timings: Timings) -> Dict[str, Any]:
    """One job, or all jobs of a volume, the newest first; with a pod's id also what its keeper says."""
    pod_id = _pod_id()
    if job_dir is not None:
        if not (job_dir / "spec.json").exists():
            raise WorkerError("There is no job here.", f"{job_dir} has no spec.json.", "Check --job-dir.")
        return {"jobs": [_one(JobDir(job_dir), pod_id, timings)]}
    assert mount is not None
    folder = mount / ".runpod-trainer" / "jobs"
    names = sorted((p for p in folder.iterdir() if p.is_dir()), key=lambda p: p.name) if folder.is_dir() else []
    jobs = [_one(JobDir(path), pod_id, timings) for path in names]
    answer: Dict[str, Any] = {}
    if on_pod is not None:
        keeper = keeper_status(on_pod, timings)
        answer["keeper"] = None if keeper is None else {key: keeper[key] for key in ("at", "jobDir", "deadline", "keeps")}
        uses = keeper is not None and keeper["at"] != "waiting" and not keeper["keeps"]
        answer["watched"] = uses or is_at_work(folder, on_pod)
    answer["jobs"] = sorted(jobs, key=lambda j: str((j["state"] or {}).get("started", "")), reverse=True)
    return answer


def is_at_work(folder: Path, pod_id: str) -> bool:
    """Whether a worker or a follower of a job that this pod has is at work; they name its folder."""
    owners = ((path, read_lock(JobDir(path))) for path in folder.glob("*"))
    own = {str(path) for path, lock in owners if lock is not None and lock.pod_id == pod_id}
    return bool(own) and any(own.intersection(words) for words in procs.command_lines())
