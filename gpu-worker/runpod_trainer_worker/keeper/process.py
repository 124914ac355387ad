"""The keeper: the one resident process of a pod, which ends it whatever becomes of client, worker, disk and volume.

Its first thread alone changes the state (`table` says how), and touches neither network nor volume nor disk. What may
hang or fail goes on in threads that are there from the start, so that the end needs nothing that could be refused.
"""

from __future__ import annotations

import dataclasses
import encodings.idna  # noqa: F401  a call of the API would import it, when the volume may hang
import json
import os
import queue
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, NoReturn, Optional

from ..base import host, procs
from ..base.clock import boot_seconds
from ..base.detached import send_input, start_detached
from ..base.errors import WorkerError
from ..base.timings import Timings
from ..journal.directory import JobDir
from . import local_socket, saved
from .answers import Answers
from .end_keys import EndKeys
from .end_pod import end_pod
from .ended_pods import FRESH_SECONDS, prune
from .lanes import Lane, wait_limited
from .last_words import WROTE_LOST
from .pod_api import check_address
from .saved import Saved
from .stall import watch_stall
from .states import NAMES, Broken, Ended, Ending, Event, Order, Running, Signs, State, Worker, folder_of, worker_of
from .table import step
from .volume_view import VolumeView
from .worker_process import WorkerProcess

#: The log gets so many seconds to reach the volume before the pod is ended.
_LOG_WAIT = 1.0


class Keeper:
    """Keeps one pod. `keys` are those that may end it; `scratch` is a folder of the pod's own disk, if there is one."""

    def __init__(
        self, door: socket.socket, pod_id: str, keys: Dict[str, str], start: Saved, scratch: Optional[str], timings: Timings
    ) -> None:
        self._pod_id = pod_id
        self._key_values = keys
        self._timings = timings
        self._scratch = scratch
        self._rest_url = start.rest_url
        self._mount = start.mount
        self._saved_at = boot_seconds()
        self.keys = EndKeys(start.rest_url, pod_id, keys, timings.api_timeout)
        self.keys.restore(start.keys)
        #: Whether the keys were asked about at least once.
        self.tested = self.keys.settled
        self.state: State = start.state
        self._work: "queue.SimpleQueue[Callable[[], None]]" = queue.SimpleQueue()
        #: Set when the pod is to be ended; nothing takes it back.
        self._over = threading.Event()
        self._oom_kills = host.oom_kills()
        self.worker = WorkerProcess(lambda: self.put(_nothing))
        self._view = VolumeView(pod_id, timings.watch_poll, self.post)
        self._view.attend(start.state)
        self._killer, self._scribe, self._disk, self._volume = (Lane(name) for name in ("kill", "words", "disk", "volume"))
        self._answers = Answers(door, self, timings)
        for run in (self._end, self._test_keys, self._watch_stall):
            threading.Thread(target=run, name=run.__name__, daemon=True).start()

    def run(self) -> NoReturn:
        """For ever; the pod's end takes this process along."""
        self._guarded(self._resume)
        while True:
            self._guarded(self._round)

    def put(self, work: Callable[[], None]) -> None:
        """Has the first thread do it."""
        self._work.put(work)

    def post(self, event: Event) -> None:
        """Something happened."""
        self.put(lambda: self.happen(event))

    def happen(self, event: Event) -> None:
        """For the first thread alone."""
        after = step(self.state, event, boot_seconds(), self._timings)
        changed = after.state != self.state
        self.state = after.state
        if changed:
            self._view.attend(after.state)
            for text in after.said:
                self._view.log(text)
            self._save()
        for order in after.orders:
            try:
                self._do(order)
            except Exception as problem:
                self._view.log(f"cannot {order.value}: {type(problem).__name__}: {problem}")

    def look_for_worker(self) -> None:
        """Whether it still runs, and what is due."""
        worker = self.state.worker if isinstance(self.state, Running) else None
        gone = worker is not None and not procs.is_alive(worker.pid, worker.start_time)
        self.happen(Signs.GONE if gone else Signs.TICK)

    def use(self, rest_url: str, mount: str) -> None:
        """A client's address of the API and its mount; an address to which no key is sent changes nothing here."""
        self._mount = mount
        if rest_url == self._rest_url:
            return
        try:
            check_address(rest_url)
        except WorkerError:
            return
        self._rest_url = rest_url
        self.keys = EndKeys(rest_url, self._pod_id, self._key_values, self._timings.api_timeout)
        self.tested = False

    def saved(self) -> Saved:
        """What the next keeper must know."""
        return Saved(self.state, self._rest_url, self._mount, self.keys.judgements())

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as problem:
            try:
                # Without the source's lines, which would be read from the volume.
                self.happen(Broken(f"{type(problem).__name__}: {problem}"))
            except BaseException:
                time.sleep(self._timings.watch_poll)
            finally:
                self._over.set()

    def _round(self) -> None:
        try:
            work = self._work.get(timeout=self._timings.watch_poll)
        except queue.Empty:
            work = _nothing
        work()
        self.look_for_worker()
        if boot_seconds() - self._saved_at > FRESH_SECONDS:
            self._save()
        if self._pod_id == "" and (isinstance(self.state, Ending) or (isinstance(self.state, Ended) and self.state.written)):
            # There is no pod to end.
            os._exit(0)

    def _resume(self) -> None:
        """Goes on where an earlier keeper of this pod stopped."""
        state = self.state
        if isinstance(state, Running) and state.worker is None:
            # It may be on its way; another keeper started it, or did not live to.
            since = boot_seconds() - self._timings.begin_wait + self._timings.start_wait
            self.state = dataclasses.replace(state, since=since)
        elif isinstance(state, Running) and state.worker is not None:
            self.worker.adopt(state.worker)
        elif isinstance(state, Ended) and not state.written:
            self._do(Order.WORDS)
        self._view.log(f"the keeper has begun: {NAMES[type(self.state)]}")
        self._save()
        mount = self._mount
        if self._pod_id and mount is not None:
            self._volume.put(lambda: _noted(prune(mount, self._pod_id), self._view.log))

    def _do(self, order: Order) -> None:
        folder, worker = folder_of(self.state), worker_of(self.state)
        if order is Order.END:
            self._over.set()
        elif order is Order.ASK:
            # One that has not begun is not ready for signals; it asks whether it may go on.
            if worker is not None and worker.epoch is not None and procs.is_alive(worker.pid, worker.start_time):
                os.kill(worker.pid, signal.SIGTERM)
        elif order is Order.KILL:
            if worker is not None and procs.is_alive(worker.pid, worker.start_time):
                os.kill(worker.pid, signal.SIGKILL)
            self._killer.put(lambda: self._kill_steps(folder))
        elif order is Order.WORDS:
            before, self._oom_kills = self._oom_kills, host.oom_kills()
            memory = before is not None and self._oom_kills is not None and self._oom_kills > before
            self._scribe.put(lambda: self._write_words(folder, worker, memory))

    def _kill_steps(self, folder: str) -> None:
        killed = procs.kill_members(JobDir(Path(folder)).all_steps)
        if killed:
            self._view.log(f"killed {killed} processes that the worker left")

    def _write_words(self, folder: str, worker: Optional[Worker], memory: bool) -> None:
        """In a process of its own, which reads and writes the volume and may be left hanging."""
        try:
            end = boot_seconds() + self._timings.drain
            while worker is not None and procs.is_alive(worker.pid, worker.start_time) and boot_seconds() < end:
                time.sleep(0.02)
            process = start_detached(["_words", "--job-dir", folder])
            value = None if worker is None else dataclasses.asdict(worker)
            send_input(process, {"podId": self._pod_id or None, "worker": value, "memory": memory})
            code = wait_limited(process, self._timings.last_words)
            if code is None:
                self._view.log("the volume does not answer; the journal is incomplete")
            elif code == WROTE_LOST:
                self._view.log("the worker died without a word: wrote job.finished with lost")
            elif code != 0:
                self._view.log("the journal could not be completed")
        except OSError as problem:
            self._view.log(f"the journal could not be completed: {problem}")
        finally:
            self.post(Signs.WRITTEN)

    def _save(self) -> None:
        """Leaves the state for the next keeper, as well as it can be left."""
        value, pod_id, mount, scratch = saved.to_json(self.saved()), self._pod_id, self._mount, self._scratch
        self._saved_at = boot_seconds()
        if not pod_id:
            return
        if scratch is not None:
            place = saved.disk_place(Path(scratch), pod_id)
            self._disk.put_newest(lambda: saved.write(place, value))
        if mount is not None:
            there = saved.volume_place(mount, pod_id)
            self._volume.put_newest(lambda: saved.write(there, value))

    # What goes on in threads of their own.

    def _end(self) -> None:
        self._over.wait()
        self._view.settle(_LOG_WAIT)
        while True:
            try:
                stop = isinstance(self.state, Ending) and self.state.stop
                end_pod(self.keys.usable, stop, self._timings, self._view.log)
            except BaseException as problem:
                self._view.log(f"cannot ask for the end: {type(problem).__name__}: {problem}")
                time.sleep(self._timings.api_retry_max)

    def _test_keys(self) -> None:
        """Tests the keys while a job runs, until RunPod's API has answered about each of them."""
        keys, pause = self.keys, self._timings.api_retry
        while True:
            if keys is not self.keys:
                keys, pause = self.keys, self._timings.api_retry
            if not isinstance(self.state, Running) or keys.settled:
                time.sleep(min(self._timings.watch_poll, 0.1))
                continue
            for line in keys.test():
                self._view.log(line)
            self.tested = self.tested or keys is self.keys
            self.put(self._save)
            if not keys.settled:
                time.sleep(pause)
            pause = min(pause * 2, self._timings.api_retry_max)

    def _watch_stall(self) -> None:
        watch_stall(lambda: self.state, lambda: self._answers.told is not None, self.post, self._view.log, self._timings)


def _noted(pruned: int, log: Callable[[str], None]) -> None:
    if pruned:
        log(f"removed what {pruned} pods have left that ended at least a week ago")


def _nothing() -> None:
    """Wakes the first thread, which then looks at everything."""


def main() -> NoReturn:
    """The internal command. Its input is `{"podId", "keys", "restUrl", "scratch", "saved"}`; without a state that can be
    read it ends the pod. It leaves at once when the pod has a keeper.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    given: Dict[str, Any] = json.load(sys.stdin)
    timings = Timings.from_environment()
    pod_id = str(given["podId"] or "")
    door = local_socket.bind(pod_id)
    if door is None:
        os._exit(0)
    procs.adopt_orphans()
    try:
        start = saved.from_json(given["saved"])
    except (ValueError, TypeError):
        why = "the keeper cannot read what the one before it left"
        start = Saved(Ending(why, False, boot_seconds()), str(given["restUrl"]), None)
    Keeper(door, pod_id, dict(given["keys"]), start, given.get("scratch"), timings).run()
