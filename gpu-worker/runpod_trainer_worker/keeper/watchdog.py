"""The watchdog: a process beside the worker that ends the pod, whatever becomes of the worker."""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Dict, NoReturn, Optional

from ..base import fsutil, host, procs
from ..base.clock import boot_seconds, iso
from ..base.timings import Timings
from ..journal.directory import JobDir, last_event
from ..journal.requests import Requests
from ..journal.spec import Spec, load_spec
from ..journal.spool import Spool
from .end_keys import EndKeys
from .end_pod import end_pod
from .lost_job import write_lost
from .stall import StallWatch
from .volume_view import VolumeView


class Watchdog:
    """Watches one worker in one epoch; `run` returns when nothing is left to do."""

    def __init__(
        self,
        job: JobDir,
        spec: Spec,
        spool: Spool,
        worker: "tuple[int, int]",
        deadline: Optional[float],
        pod_id: Optional[str],
        keys: Dict[str, str],
        timings: Timings,
    ) -> None:
        self._job = job
        self._spec = spec
        self._spool = spool
        self._worker = worker
        self._deadline = deadline
        self._pod_id = pod_id
        self._timings = timings
        self._keys = EndKeys(spec.rest_url, pod_id, keys, timings.api_timeout)
        self._asked: Optional[float] = None
        self._oom_kills = host.oom_kills()
        self._view = VolumeView(job, Requests(job, spool.folder), timings.watch_poll)

    def run(self) -> None:
        """Until the pod ends, or there is nothing to watch any more."""
        self._watch()
        self._view.close()

    def _watch(self) -> None:
        self._view.log(f"watching process {self._worker[0]}, epoch {self._spool.epoch}")
        threading.Thread(target=self._probe, name="probe", daemon=True).start()
        ended: Optional[float] = None
        stall = self._stall_watch()
        while True:
            time.sleep(self._timings.watch_poll)
            lock = self._view.lock
            if lock is not None and lock.epoch > self._spool.epoch:
                self._view.log(f"epoch {lock.epoch} has taken over")
                if lock.pod_id != self._pod_id:
                    self._end("another pod has the job now")
                return
            now = boot_seconds()
            if ended is None and self._worker_ended():
                ended = now
            if self._deadline is not None and now >= self._deadline:
                asked = self._ask_to_stop(now, f"cap: the job reached its limit of {self._spec.cap_seconds or 0:g} seconds.")
                if ended is not None or now - max(asked, self._deadline) >= self._timings.cap_grace:
                    self._end("cap", even_kept=True)
                    return
                continue
            if ended is None:
                why = None if stall is None or self._asked is not None else stall.look(now)
                if why is not None:
                    self._ask_to_stop(now, why)
                if self._asked is not None and now - self._asked >= self._timings.cap_grace:
                    self._view.log("the worker does not end a job that has stalled")
                    ended = now - self._timings.end_after
            if ended is None:
                continue
            if self._spec.on_finish == "keep":
                if self._deadline is None:
                    self._view.log("the job has ended; the pod is kept")
                    return
                if self._is_followed():
                    self._view.log("the pod is another job's now")
                    return
            elif now >= self._end_time(ended):
                self._end("the job has ended")
                return

    def _is_followed(self) -> bool:
        """Whether something on this pod waits for another job, or watches one."""
        scratch = self._spool.folder.parent
        waits = fsutil.read_json(scratch / "guard.json") or {}
        guard = (int(waits.get("pid") or 0), int(waits.get("startTime") or 0))
        if waits.get("jobDir") not in (None, str(self._job.path)) and procs.is_alive(*guard):
            return True
        own, all_spools = str(self._spool.folder), f"{scratch}{os.sep}"
        return any(
            "_watchdog" in words and own not in words and any(word.startswith(all_spools) for word in words)
            for words in procs.command_lines()
        )

    def _stall_watch(self) -> Optional[StallWatch]:
        seconds = self._spec.stall_seconds
        if seconds is None:
            return None
        return StallWatch(self._job, self._spool, self._worker[0], seconds, self._timings.stall_sample, boot_seconds())

    def _ask_to_stop(self, now: float, reason: str) -> float:
        """Asks the worker once to cancel the job; answers when it was asked."""
        if self._asked is None:
            self._asked = now
            self._view.log(reason)
            fsutil.write_json(self._spool.stop, {"reason": reason})
        return self._asked

    def _end_time(self, ended: float) -> float:
        """When the pod of a job that has ended is ended, in seconds since boot."""
        timings = self._timings
        waits = ended + timings.end_after
        if self._asked is not None:
            # The step was given time to end already, and it has cost money for nothing before that.
            waits = max(ended + timings.stall_lease, self._asked + timings.end_after)
        lease = self._lease_end(ended)
        return max(waits, lease + timings.end_after) if lease else waits

    def _worker_ended(self) -> bool:
        if procs.is_alive(*self._worker):
            event = last_event(self._spool.events)
            return event is not None and event.get("type") == "job.finished"
        killed = procs.kill_members(self._job.all_steps)
        if killed:
            self._view.log(f"killed {killed} processes that the worker left")
        before, after = self._oom_kills, host.oom_kills()
        memory = before is not None and after is not None and after > before
        thread = threading.Thread(target=self._complete_journal, args=(memory,), daemon=True)
        thread.start()
        thread.join(timeout=self._timings.close_wait)
        if thread.is_alive():
            self._view.log("the volume does not answer; the journal is incomplete")
        return True

    def _complete_journal(self, memory: bool) -> None:
        try:
            if write_lost(self._job, self._spool, memory):
                self._view.log("the worker died without a word: wrote job.finished with lost")
        except OSError as problem:
            self._view.log(f"the journal could not be completed: {problem}")

    def _lease_end(self, ended: float) -> float:
        """When the last lease ends, in seconds since boot; 0 without one."""
        asked = self._view.hold.get("boot")
        if not isinstance(asked, (int, float)) or asked > boot_seconds() + 1:
            return 0.0
        return min(asked + self._timings.lease, ended + self._spec.hold_seconds)

    def _probe(self) -> None:
        """Tests the keys and tells what they may do, also while RunPod's API has answered about one of them only."""
        pause = self._timings.api_retry
        while True:
            for line in self._keys.test():
                self._view.log(line)
            self._say()
            if self._keys.settled:
                return
            time.sleep(pause)
            pause = min(pause * 2, self._timings.api_retry_max)

    def _say(self) -> None:
        deadline = None if self._deadline is None else iso(time.time() + self._deadline - boot_seconds())
        value = {
            "armed": self._keys.armed,
            "detail": self._keys.detail(),
            "deadline": deadline,
            "owners": [key.to_json() for key in self._keys.all],
            "pid": os.getpid(),
        }
        try:
            fsutil.write_json(self._spool.watchdog, value)
        except OSError as problem:
            self._view.log(f"cannot tell the worker: {problem}")

    def _end(self, why: str, even_kept: bool = False) -> None:
        """Ends the pod, and tries again until it is ended."""
        stop = self._spec.on_finish == "stop"
        if not self._keys.usable() or (self._spec.on_finish == "keep" and not even_kept):
            self._view.log(f"{why}; the pod stays: {self._keys.detail()}")
            return
        self._view.log(f"{why}; {'stopping' if stop else 'terminating'} the pod")
        end_pod(self._keys.usable, stop, self._timings, self._view.log)


def main(arguments: "list[str]") -> NoReturn:
    """The internal command; the keys come by standard input."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--job-dir", required=True, type=Path)
    parser.add_argument("--spool", required=True, type=Path)
    parser.add_argument("--epoch", required=True, type=int)
    parser.add_argument("--pid", required=True, type=int)
    parser.add_argument("--start-time", required=True, type=int)
    parser.add_argument("--deadline", type=float)
    options = parser.parse_args(arguments)
    given = json.load(sys.stdin)
    spool = Spool(options.spool, options.epoch)
    job = JobDir(options.job_dir)
    worker = (options.pid, options.start_time)
    spec = load_spec(job.path)
    Watchdog(
        job, spec, spool, worker, options.deadline, given.get("podId"), given.get("keys") or {}, Timings.from_environment()
    ).run()
    spool.remove()
    # Threads that wait for the volume must not keep this process.
    os._exit(0)
