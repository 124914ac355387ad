"""Who has a project on a volume: one job at a time, by a line of terms beside the project's manifest.

The claim is the client's until its job starts and the worker's from then on. It is free again when it was given back,
when its job has ended and nobody fetches its results, when it ran on this very pod and its worker is not there any more,
or when it showed no sign of life for `claim_patience`.
"""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Optional

from ..base import fsutil, procs
from ..base.clock import now_iso
from ..base.errors import WorkerError
from ..base.succession import Succession, Taken, Term, age_of
from ..base.timings import Timings
from .directory import JobDir, read_lock, worker_alive

if TYPE_CHECKING:
    import argparse

#: Left in a term when its job was handed over to a worker.
_RUNNING = "running"
_OWNER_WAIT = 2.0  # seconds between the making of a term and the moment at which it must say whose it is


@dataclasses.dataclass(frozen=True)
class Owner:
    """Who claims: the job, the id of its client's machine with a name for people, and the pod; None where unknown."""

    job: str
    machine: Optional[str]
    host: Optional[str]
    pod_id: Optional[str]

    def to_json(self) -> Dict[str, Any]:
        """As a term keeps it."""
        return {
            "schema": 1,
            "job": self.job,
            "machine": self.machine,
            "host": self.host,
            "podId": self.pod_id,
            "since": now_iso(),
        }


class Claim:
    """The claim of one project folder, as the job in `job` sees it; all raise OSError when the volume cannot tell."""

    def __init__(self, project: Path, job: JobDir, timings: Timings) -> None:
        self._project = project
        self._job = job
        self._timings = timings
        self._line = Succession(project / ".runpod-trainer" / "claim")

    def take(self, owner: Owner, follow: Optional[int] = None) -> Dict[str, Any]:
        """Takes the project, or shows a sign of life where the job has it; `follow` is a term whose owner is gone.

        Answers `{"ok": true, "term"}`, or who has it: `{"ok": false, "term", "owner", "age", "running", "ending"}`.
        """
        mine = self.mine()
        if mine is not None:
            mine.beat()
            return {"ok": True, "term": mine.number}
        try:
            term = self._line.take(
                owner.to_json(),
                lambda newest: newest.number == follow or self._is_free(newest) or self._died_here(newest, owner.pod_id),
            )
        except Taken as taken:
            return self._told(taken.term)
        return {"ok": True, "term": term.number}

    def keep(self) -> Dict[str, Any]:
        """A sign of life of who has it; else answers who has, with term 0 for nobody, as `take` does."""
        mine = self.mine()
        if mine is not None:
            mine.beat()
            return {"ok": True, "term": mine.number}
        newest = self._line.newest()
        if newest is None or newest.released:
            return {"ok": False, "term": 0, "owner": {}, "age": 0.0, "running": False, "ending": False}
        return self._told(newest)

    def hand_over(self, pod_id: Optional[str]) -> None:
        """The claim is the worker's from here on; where its client made none, the worker does.

        Raises WorkerError when another job has the project. A volume that cannot tell holds no job up.
        """
        try:
            answer = self.take(Owner(self._job.path.name, None, None, pod_id))
            mine = self.mine()
            if mine is not None:
                (mine.path / _RUNNING).touch()
                return
        except OSError:
            return
        raise _taken_by(answer)

    def beat(self) -> Optional[str]:
        """The worker's sign of life; why it must stop when another job has followed, else None."""
        try:
            answer = self.keep()
        except OSError:
            # Who follows needs the same volume; the next sign tells.
            return None
        return None if answer["ok"] or answer["term"] == 0 else str(_taken_by(answer))

    def release_ended(self) -> None:
        """Gives the project back when the job has ended: its results were fetched."""
        mine = self.mine()
        if mine is not None and self._ended(mine):
            mine.release()

    def release(self) -> None:
        """Gives the project back, if the job has it."""
        mine = self.mine()
        if mine is not None:
            mine.release()

    def mine(self) -> Optional[Term]:
        """The newest term when it is this job's and was not given back."""
        newest = self._line.newest()
        is_mine = newest is not None and newest.owner.get("job") == self._job.path.name and not newest.released
        return newest if is_mine else None

    def _is_free(self, term: Term) -> bool:
        if self._ended(term):
            return self._quiet(term)
        return term.age() > self._timings.claim_patience

    def _died_here(self, term: Term, pod_id: Optional[str]) -> bool:
        """Whether the term's job runs no more on this pod: whoever could tell its end was killed too.

        What its steps left is ended, so that it writes nothing beside the job that follows.
        """
        job = self._owner_job(term)
        if job is None or pod_id is None or term.owner.get("podId") != pod_id:
            return False
        lock = read_lock(job)
        try:
            handed_over = (term.path / _RUNNING).stat().st_mtime
            # Before that there is no worker yet, or one of an earlier epoch.
            if lock is None or Succession(job.epochs).term(lock.epoch).last_sign() < handed_over:
                return False
        except FileNotFoundError:
            return False
        if worker_alive(job, lock, pod_id, self._timings):
            return False
        procs.kill_members(job.all_steps)
        return True

    def _owner_job(self, term: Term) -> Optional[JobDir]:
        name = term.owner.get("job")
        return JobDir(self._job.path.parent / name) if isinstance(name, str) and name else None

    def _ended(self, term: Term) -> bool:
        job = self._owner_job(term)
        state = None if job is None or not (term.path / _RUNNING).exists() else fsutil.read_json(job.state)
        return state is not None and state.get("status") not in (None, "running")

    def _quiet(self, term: Term) -> bool:
        """Whether nobody fetches the results of a job that has ended; its client gets as long as the pod waits for it."""
        job = self._owner_job(term)
        assert job is not None
        folder = self._line.folder
        try:
            if age_of(job.control / "hold", folder) <= self._timings.lease:
                return False
        except FileNotFoundError:
            pass
        return age_of(job.state, folder) > self._timings.end_after

    def _told(self, term: Term) -> Dict[str, Any]:
        end = time.monotonic() + _OWNER_WAIT
        while not term.owner and time.monotonic() < end:
            time.sleep(0.05)
            term = term.read_again()
        owner = {key: term.owner.get(key) for key in ("job", "machine", "host", "podId", "since")}
        return {
            "ok": False,
            "term": term.number,
            "owner": owner,
            "age": round(term.age(), 3),
            "running": (term.path / _RUNNING).exists(),
            "ending": self._ended(term),
        }


def _taken_by(answer: Dict[str, Any]) -> WorkerError:
    """The refusal of a job whose project another one has."""
    owner = answer["owner"]
    return WorkerError(
        "Another job has this project on the volume.",
        f"It is {owner.get('job') or 'unknown'}, on the pod {owner.get('podId') or 'unknown'}.",
        "Two jobs of one project would write the same files; wait for that one, or cancel it.",
    )


def claim(options: argparse.Namespace, timings: Timings) -> Dict[str, Any]:
    """The command: `take`, `keep` or `release`."""
    job = JobDir(options.job_dir)
    held = Claim(options.project_dir, job, timings)
    if options.request == "take":
        return held.take(Owner(job.path.name, options.machine, options.host, options.pod), options.follow)
    if options.request == "keep":
        return held.keep()
    held.release()
    return {"ok": True}
