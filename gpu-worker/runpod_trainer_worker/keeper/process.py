"""The keeper: the one resident process of a pod, which ends it whatever becomes of client, worker, disk and volume.

Its first thread alone changes the state (`states` is the table), and touches neither network nor volume nor disk. What
may hang or fail goes on in threads that are there from the start, so that the end needs nothing that could be refused.
"""

from __future__ import annotations

import dataclasses
import encodings.idna  # noqa: F401  what a call of the API would import only when the volume may hang
import json
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NoReturn, Optional

from ..base import host, procs
from ..base.clock import boot_seconds, iso
from ..base.detached import send_input, start_detached
from ..base.errors import WorkerError
from ..base.timings import Timings
from ..journal.directory import JobDir
from ..journal.spool import Spool
from . import local_socket, saved
from .end_keys import EndKeys
from .end_pod import end_pod
from .last_words import WROTE_LOST
from .pod_api import check_address
from .saved import Saved
from .stall import StallWatch
from .states import (
    NAMES,
    Broken,
    Ended,
    Ending,
    Event,
    Job,
    Order,
    Renewed,
    Running,
    Seen,
    Signs,
    Stalled,
    Started,
    State,
    Worker,
    folder_of,
    step,
    worker_of,
)
from .volume_view import VolumeView

_OUTPUT_BYTES = 4096
#: The log gets so many seconds to reach the volume before the pod is ended.
_LOG_WAIT = 1.0


class Keeper:
    """Keeps one pod. `keys` are those that may end it; `scratch` is a folder of the pod's own disk, if there is one."""

    def __init__(
        self, door: socket.socket, pod_id: str, keys: Dict[str, str], start: Saved, scratch: Optional[str], timings: Timings
    ) -> None:
        self._door = door
        self._pod_id = pod_id
        self._key_values = keys
        self._timings = timings
        self._scratch = scratch
        self._rest_url = start.rest_url
        self._mount = start.mount
        self._keys = EndKeys(start.rest_url, pod_id, keys, timings.api_timeout)
        self._keys.restore(start.keys)
        self._state: State = start.state
        self._work: "queue.SimpleQueue[Callable[[], None]]" = queue.SimpleQueue()
        #: Set when the pod is to be ended; nothing takes it back.
        self._over = threading.Event()
        self._probe = threading.Event()
        self._tested = self._keys.settled
        #: What the worker has told of the cap and of its own end; both are for who starts the job.
        self._told: Optional[Dict[str, Any]] = None
        self._output: Optional[int] = None
        self._oom_kills = host.oom_kills()
        self._view = VolumeView(pod_id, timings.watch_poll, self._post)
        self._view.attend(start.state)
        self._killer, self._scribe, self._disk, self._volume = (_Lane(name) for name in ("kill", "words", "disk", "volume"))
        for run in (self._serve, self._end, self._test_keys, self._watch_stall):
            threading.Thread(target=run, name=run.__name__, daemon=True).start()

    def run(self) -> NoReturn:
        """For ever; the pod's end takes this process along."""
        self._guarded(lambda: self._resume(self._state))
        while True:
            self._guarded(self._round)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as problem:
            # Without the source's lines, which would be read from the volume.
            what = f"{type(problem).__name__}: {problem}"
            try:
                self._happen(Broken(what))
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
        self._look_for_worker()
        if self._pod_id == "" and (
            isinstance(self._state, Ending) or (isinstance(self._state, Ended) and self._state.written)
        ):
            # There is no pod to end.
            os._exit(0)

    def _look_for_worker(self) -> None:
        worker = self._state.worker if isinstance(self._state, Running) else None
        gone = worker is not None and not procs.is_alive(worker.pid, worker.start_time)
        self._happen(Signs.GONE if gone else Signs.TICK)

    def _resume(self, state: State) -> None:
        if isinstance(state, Running):
            if state.worker is None:
                # It may be on its way; another keeper started it, or did not live to.
                since = boot_seconds() - self._timings.begin_wait + self._timings.start_wait
                self._state = dataclasses.replace(state, since=since)
            else:
                self._await_end(state.worker, None)
            self._probe.set()
        if isinstance(state, Ended) and not state.written:
            self._do(Order.WORDS)
        self._view.log(f"the keeper has begun: {NAMES[type(self._state)]}")
        self._save()

    def _post(self, event: Event) -> None:
        self._work.put(lambda: self._happen(event))

    def _happen(self, event: Event) -> None:
        after = step(self._state, event, boot_seconds(), self._timings)
        changed = after.state != self._state
        self._state = after.state
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

    def _do(self, order: Order) -> None:
        state = self._state
        if order is Order.END:
            self._over.set()
            return
        folder, worker = folder_of(state), worker_of(state)
        if order is Order.ASK:
            # One that has not begun is not ready for signals; it asks whether it may go on.
            if worker is not None and worker.epoch is not None and procs.is_alive(worker.pid, worker.start_time):
                os.kill(worker.pid, signal.SIGTERM)
        elif order is Order.KILL:
            if worker is not None and procs.is_alive(worker.pid, worker.start_time):
                os.kill(worker.pid, signal.SIGKILL)
            self._killer.put(lambda: self._kill_steps(folder))
        elif order is Order.WORDS:
            memory = self._memory_was_short()
            self._scribe.put(lambda: self._write_words(folder, worker, memory))

    def _kill_steps(self, folder: str) -> None:
        killed = procs.kill_members(JobDir(Path(folder)).all_steps)
        if killed:
            self._view.log(f"killed {killed} processes that the worker left")

    def _memory_was_short(self) -> bool:
        before, self._oom_kills = self._oom_kills, host.oom_kills()
        return before is not None and self._oom_kills is not None and self._oom_kills > before

    def _write_words(self, folder: str, worker: Optional[Worker], memory: bool) -> None:
        """In a process of its own, which reads and writes the volume and may be left hanging."""
        try:
            self._wait_for_death(worker)
            process = start_detached(["_words", "--job-dir", folder])
            value = None if worker is None else dataclasses.asdict(worker)
            send_input(process, {"podId": self._pod_id or None, "worker": value, "memory": memory})
            code = _wait(process, self._timings.last_words)
            if code is None:
                self._view.log("the volume does not answer; the journal is incomplete")
            elif code == WROTE_LOST:
                self._view.log("the worker died without a word: wrote job.finished with lost")
            elif code != 0:
                self._view.log("the journal could not be completed")
        except OSError as problem:
            self._view.log(f"the journal could not be completed: {problem}")
        finally:
            self._post(Signs.WRITTEN)

    def _wait_for_death(self, worker: Optional[Worker]) -> None:
        end = boot_seconds() + self._timings.drain
        while worker is not None and procs.is_alive(worker.pid, worker.start_time) and boot_seconds() < end:
            time.sleep(0.02)

    def _save(self) -> None:
        """Leaves the state for the next keeper, as well as it can be left."""
        now = Saved(self._state, self._rest_url, self._mount, self._keys.judgements())
        self._disk.put(lambda: self._write(now, on_volume=False), newest=True)
        self._volume.put(lambda: self._write(now, on_volume=True), newest=True)

    def _write(self, now: Saved, on_volume: bool) -> None:
        if not self._pod_id:
            return
        if on_volume and now.mount is not None:
            saved.write(saved.volume_place(now.mount, self._pod_id), saved.to_json(now))
        if not on_volume and self._scratch is not None:
            saved.write(saved.disk_place(Path(self._scratch), self._pod_id), saved.to_json(now))

    # What goes on in threads of their own.

    def _end(self) -> None:
        self._over.wait()
        self._view.settle(_LOG_WAIT)
        while True:
            try:
                stop = isinstance(self._state, Ending) and self._state.stop
                end_pod(self._keys.usable, stop, self._timings, self._view.log)
            except BaseException as problem:
                self._view.log(f"cannot ask for the end: {type(problem).__name__}: {problem}")
                time.sleep(self._timings.api_retry_max)

    def _test_keys(self) -> None:
        """Tests the keys while a job runs, until RunPod's API has answered about each of them."""
        while True:
            self._probe.wait()
            pause, keys = self._timings.api_retry, self._keys
            while isinstance(self._state, Running) and keys is self._keys:
                for line in keys.test():
                    self._view.log(line)
                self._tested = True
                self._work.put(self._save)
                if keys.settled:
                    break
                time.sleep(pause)
                pause = min(pause * 2, self._timings.api_retry_max)
            self._probe.clear()

    def _watch_stall(self) -> None:
        watch: Optional[StallWatch] = None
        watched: Optional[Worker] = None
        while True:
            time.sleep(self._timings.watch_poll)
            state = self._state
            if not isinstance(state, Running) or state.asked is not None or state.finished is not None:
                watch = None
                continue
            worker, seconds = state.worker, state.job.stall_seconds
            if seconds is None or worker is None or worker.epoch is None or worker.spool is None:
                continue
            try:
                if watch is None or watched != worker:
                    spool = Spool(Path(worker.spool), worker.epoch)
                    pause, watched = self._timings.stall_sample, worker
                    watch = StallWatch(JobDir(Path(state.job.folder)), spool, worker.pid, seconds, pause, boot_seconds())
                reason = watch.look(boot_seconds())
            except Exception as problem:
                self._view.log(f"the witnesses of a stall cannot be asked: {type(problem).__name__}: {problem}")
                return
            if reason is not None:
                self._post(Stalled(reason))

    def _await_end(self, worker: Worker, process: "Optional[subprocess.Popen[bytes]]") -> None:
        """Tells at once when the worker ends; where no thread can be had the rounds find out."""

        def wait() -> None:
            if process is not None:
                process.wait()
                procs.forget(process.pid)
            else:
                descriptor = os.pidfd_open(worker.pid)
                select.select([descriptor], [], [])
                os.close(descriptor)
            self._work.put(_nothing)

        try:
            threading.Thread(target=_quietly(wait), name="worker", daemon=True).start()
        except RuntimeError:
            pass

    # Questions from other processes of this pod.

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._door.accept()
                connection.settimeout(self._timings.answer_wait)
            except OSError:
                time.sleep(self._timings.watch_poll)
                continue
            try:
                threading.Thread(target=self._answer, args=(connection,), name="answer", daemon=True).start()
            except RuntimeError:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                if not local_socket.is_own(connection):
                    return
                question = local_socket.receive(connection)
                if question is not None:
                    local_socket.send(connection, self._reply(question))
            except Exception:
                return

    def _reply(self, question: Dict[str, Any]) -> Dict[str, Any]:
        ask = question.get("ask")
        if ask == "start":
            try:
                return self._start(question)
            except (KeyError, TypeError, ValueError) as problem:
                return _not_understood(problem)
        if ask == "renew":
            return self._asked(lambda: self._renew(question))
        if ask == "worker":
            return self._asked(lambda: self._hear(question))
        return self._asked(self._status)

    def _asked(self, work: Callable[[], Dict[str, Any]]) -> Dict[str, Any]:
        """Has the first thread do it."""
        answers: "queue.SimpleQueue[Dict[str, Any]]" = queue.SimpleQueue()

        def answer() -> None:
            try:
                answers.put(work())
            except Exception as problem:
                answers.put(_not_understood(problem))

        self._work.put(answer)
        return answers.get(timeout=self._timings.answer_wait)

    def _renew(self, question: Dict[str, Any]) -> Dict[str, Any]:
        if isinstance(self._state, Ending):
            return {"refused": "The pod is being ended."}
        event = Renewed(str(question["folder"]), float(question["seconds"]))
        self._use(question)
        self._happen(event)
        return self._status()

    def _use(self, question: Dict[str, Any]) -> None:
        """A client's address of the API and its mount; an address to which no key is sent changes nothing here."""
        self._mount = str(question["mount"])
        rest_url = str(question["restUrl"])
        if rest_url == self._rest_url:
            return
        try:
            check_address(rest_url)
        except WorkerError:
            return
        self._rest_url = rest_url
        self._keys = EndKeys(rest_url, self._pod_id, self._key_values, self._timings.api_timeout)
        self._tested = False

    def _start(self, question: Dict[str, Any]) -> Dict[str, Any]:
        raw = question["job"]
        cap, stall = raw["capSeconds"], raw["stallSeconds"]
        deadline = None if cap is None else boot_seconds() + float(cap)
        job = Job(str(raw["folder"]), str(raw["onFinish"]), cap, deadline, stall, float(raw["holdSeconds"]))
        if job.on_finish not in ("terminate", "stop", "keep"):
            raise ValueError(job.on_finish)
        end = boot_seconds() + self._timings.last_words
        while True:
            answer = self._asked(lambda: self._reserve(job, question, boot_seconds() < end))
            if answer.get("again") is None:
                break
            time.sleep(0.05)
        if "refused" in answer:
            return answer
        try:
            output = os.memfd_create("worker", os.MFD_CLOEXEC)
            self._output, before = output, self._output
            if before is not None:
                os.close(before)
            process = start_detached(["_work", "--job-dir", job.folder], output)
            worker = Worker(process.pid, procs.start_time(process.pid) or 0)
            self._post(Seen(worker))
            send_input(process, {"secrets": question["secrets"], "pod": question["pod"], "asked": question["asked"]})
        except OSError as problem:
            self._post(Signs.GONE)
            return {"refused": f"The worker could not be started: {problem}."}
        self._await_end(worker, process)
        return {"pid": worker.pid}

    def _reserve(self, job: Job, question: Dict[str, Any], patient: bool) -> Dict[str, Any]:
        self._look_for_worker()
        state = self._state
        if isinstance(state, Ended) and not state.written and patient:
            # Two who write one journal at a time would spoil it.
            return {"again": True}
        if isinstance(state, Ending):
            return {"refused": "The pod is being ended."}
        if isinstance(state, Running):
            worker = state.worker
            return {
                "refused": f"The job in {state.job.folder} runs on this pod.",
                "folder": state.job.folder,
                "worker": None if worker is None else {"pid": worker.pid, "epoch": worker.epoch},
            }
        self._use(question)
        self._told = None
        self._oom_kills = host.oom_kills()
        self._happen(Started(job))
        self._probe.set()
        return {}

    def _hear(self, question: Dict[str, Any]) -> Dict[str, Any]:
        """What the worker tells of itself, and what it is told."""
        worker = Worker(int(question["pid"]), int(question["startTime"]), int(question["epoch"]), str(question["spool"]))
        self._happen(Seen(worker, _running(question.get("saved"), worker)))
        state = self._state
        known = isinstance(state, Running) and state.worker == worker
        if known and question.get("told") is not None:
            self._told = dict(question["told"])
        if known and question.get("finished"):
            self._happen(Signs.FINISHED)
        asked = state.asked if isinstance(state, (Running, Ended)) else None
        now = Saved(self._state, self._rest_url, self._mount, self._keys.judgements())
        return {
            "known": known,
            "stop": None if asked is None else asked.reason,
            "watchdog": self._watchdog() if self._tested else None,
            "deadline": self._deadline(),
            "saved": saved.to_json(now),
        }

    def _watchdog(self) -> Dict[str, Any]:
        keys = self._keys
        owners = [key.to_json() for key in keys.all]
        return {"armed": keys.armed, "detail": keys.detail(), "deadline": self._deadline(), "owners": owners}

    def _deadline(self) -> Optional[str]:
        state = self._state
        job = state.job if isinstance(state, (Running, Ended)) else None
        if job is None or job.deadline is None:
            return None
        return iso(round(time.time() + job.deadline - boot_seconds(), 1))

    def _status(self) -> Dict[str, Any]:
        state = self._state
        worker = worker_of(state)
        return {
            "at": NAMES[type(state)],
            "jobDir": folder_of(state),
            "deadline": self._deadline(),
            "keeps": isinstance(state, Ended) and state.keeps,
            "pid": os.getpid(),
            "worker": None if worker is None else dataclasses.asdict(worker),
            "told": self._told,
            "output": _tail(self._output),
        }


class _Lane:
    """Does one thing after the other in a thread of its own; with `newest` only the last of those that wait."""

    def __init__(self, name: str) -> None:
        self._work: "queue.SimpleQueue[Callable[[], None]]" = queue.SimpleQueue()
        self._slot: List[Callable[[], None]] = []
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def put(self, work: Callable[[], None], newest: bool = False) -> None:
        """Never waits, and nothing that goes wrong in it reaches anybody."""
        if newest:
            self._slot = [work]
            self._work.put(self._take)
        else:
            self._work.put(work)

    def _take(self) -> None:
        slot, self._slot = self._slot, []
        for work in slot:
            work()

    def _run(self) -> None:
        while True:
            _quietly(self._work.get())()


def _nothing() -> None:
    """Wakes the first thread, which then looks at everything."""


def _running(raw: object, worker: Worker) -> Optional[Running]:
    """The state in which an earlier keeper had this worker, as the worker kept it."""
    if not isinstance(raw, dict):
        return None
    try:
        state = saved.from_json(raw).state
    except ValueError:
        return None
    return state if isinstance(state, Running) and state.worker == worker else None


def _not_understood(problem: Exception) -> Dict[str, Any]:
    return {"refused": f"The question was not understood: {type(problem).__name__}: {problem}."}


def _quietly(work: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        try:
            work()
        except Exception:
            pass

    return run


def _wait(process: "subprocess.Popen[bytes]", seconds: float) -> Optional[int]:
    """The exit code; None when it takes longer. It is killed then, and nobody waits for that."""
    try:
        code = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return None
    procs.forget(process.pid)
    return code


def _tail(descriptor: Optional[int]) -> str:
    if descriptor is None:
        return ""
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, _OUTPUT_BYTES, max(0, size - _OUTPUT_BYTES)).decode("utf-8", "replace")


def main() -> NoReturn:
    """The internal command. Its input is `{"podId", "keys", "scratch", "saved"}`; without a state that can be read it
    ends the pod. It leaves at once when the pod has a keeper.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    given = json.load(sys.stdin)
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
    keeper = Keeper(door, pod_id, dict(given["keys"]), start, given.get("scratch"), timings)
    keeper.run()
