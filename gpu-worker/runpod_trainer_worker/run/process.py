"""Runs one process of a step: its output, its time limit, its cancellation, its leftovers."""

from __future__ import annotations

import dataclasses
import json
import os
import selectors
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from ..base import host, procs
from ..base.masking import MaskedStream, Masker
from ..base.timings import Timings
from .lines import Cleaner, LineSplitter
from .output_copy import OutputCopy

Line = Tuple[str, str]
#: Reasons to stop a process early.
CANCEL, TIMEOUT, BROKEN, FENCED = "cancel", "timeout", "broken", "fenced"


@dataclasses.dataclass
class Outcome:
    """How a process ended; `code` is negative for a signal, `stopped` one of the reasons above or None."""

    code: int
    seconds: float
    stopped: Optional[str] = None
    last_error: str = ""
    oom_kills: int = 0


@dataclasses.dataclass
class Command:
    """What to run. `request` goes to standard input as JSON with the number of a pipe for answers (`channel`)."""

    argv: Sequence[str]
    cwd: Path
    env: Dict[str, str]
    step_dir: Path
    timeout: Optional[float] = None
    request: Optional[Dict[str, Any]] = None
    log: Optional[Path] = None
    masker: Masker = dataclasses.field(default_factory=Masker)


class _Stream:
    """Output on its way: cleaned, without secrets, and only then kept."""

    def __init__(self, name: str, masker: Masker) -> None:
        self.name = name
        self.splitter = LineSplitter()
        self._cleaner = Cleaner()
        self._masked = MaskedStream(masker)
        #: When it last said something, and when a line of it was last told.
        self.heard = self.told = time.monotonic()
        self.shown = ""

    def safe(self, data: bytes, final: bool = False) -> bytes:
        """What may be kept of it."""
        return self._masked.feed(self._cleaner.feed(data, final), final)

    def held(self) -> bytes:
        """Whole lines that waited for what comes next."""
        return self._masked.whole_lines()


class Execution:
    """One run of a Command; call `run` once."""

    def __init__(
        self,
        command: Command,
        timings: Timings,
        should_stop: Callable[[], Optional[str]],
        on_lines: Callable[[List[Line]], None],
        on_answer: Callable[[Dict[str, Any]], None] = lambda answer: None,
        on_tick: Callable[[], None] = lambda: None,
        on_copy_problem: Callable[[str], None] = lambda problem: None,
    ) -> None:
        self._command = command
        self._timings = timings
        self._should_stop = should_stop
        self._on_lines = on_lines
        self._on_answer = on_answer
        self._on_tick = on_tick
        self._lines: List[Line] = []
        self._flushed = self._ticked = time.monotonic()
        self._streams: Dict[int, Optional[_Stream]] = {}
        self._answers = b""
        self._copy = None if command.log is None else OutputCopy(command.log, on_copy_problem)
        self._selector = selectors.DefaultSelector()
        self._outcome = Outcome(0, 0.0)

    def run(self) -> Outcome:
        """Runs to the end and leaves no process behind; raises OSError when it cannot start."""
        command, began = self._command, time.monotonic()
        before = host.oom_kills()
        process = self._start()
        try:
            self._watch(process)
        finally:
            procs.signal_group(process.pid, signal.SIGKILL)
            procs.kill_members(str(command.step_dir))
            process.wait()
            procs.forget(process.pid)
            procs.reap()
            self._drain(self._timings.drain)
            for descriptor in list(self._streams):
                self._close(descriptor)
            self._selector.close()
            if self._copy is not None:
                self._copy.close()
            self._flush()
        after = host.oom_kills()
        outcome = self._outcome
        outcome.code = process.returncode
        outcome.seconds = round(time.monotonic() - began, 3)
        outcome.oom_kills = max(0, after - before) if after is not None and before is not None else 0
        return outcome

    def _start(self) -> subprocess.Popen[bytes]:
        command = self._command
        channel: Optional[Tuple[int, int]] = os.pipe() if command.request is not None else None
        try:
            with procs.starting() as note:
                process = subprocess.Popen(
                    list(command.argv),
                    cwd=str(command.cwd),
                    env=command.env,
                    stdin=subprocess.PIPE if channel else subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                    pass_fds=(channel[1],) if channel else (),
                )
                note(process.pid)
        except BaseException:
            for descriptor in channel or ():
                os.close(descriptor)
            raise
        _offer_to_oom_killer(process.pid)
        assert process.stdout is not None and process.stderr is not None
        self._register(os.dup(process.stdout.fileno()), _Stream("out", command.masker))
        self._register(os.dup(process.stderr.fileno()), _Stream("err", command.masker))
        process.stdout.close()
        process.stderr.close()
        if channel is not None:
            os.close(channel[1])
            self._register(channel[0], None)
            payload = json.dumps({**(command.request or {}), "channel": channel[1]}).encode()
            threading.Thread(target=_send, args=(process, payload), daemon=True).start()
        return process

    def _register(self, descriptor: int, stream: Optional[_Stream]) -> None:
        os.set_blocking(descriptor, False)
        self._streams[descriptor] = stream
        self._selector.register(descriptor, selectors.EVENT_READ)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        began, stopping, asked = time.monotonic(), 0.0, 0
        timings = self._timings
        while process.poll() is None:
            self._pump(min(0.05, timings.poll))
            now = time.monotonic()
            if now - self._ticked >= timings.poll:
                self._ticked = now
                self._on_tick()
                reason = self._outcome.stopped or self._should_stop()
                if reason is None and self._command.timeout is not None and now - began > self._command.timeout:
                    reason = TIMEOUT
                if reason is not None and self._outcome.stopped is None:
                    self._outcome.stopped, stopping = reason, now
            if self._outcome.stopped is None:
                continue
            waited = now - stopping
            if self._outcome.stopped == FENCED or waited >= timings.kill_after:
                procs.kill_members(str(self._command.step_dir))
                procs.signal_group(process.pid, signal.SIGKILL)
            elif waited >= timings.terminate_after and asked < 2:
                procs.signal_group(process.pid, signal.SIGTERM)
                asked = 2
            elif asked < 1:
                procs.signal_group(process.pid, signal.SIGINT)
                asked = 1

    def _drain(self, limit: float) -> None:
        end = time.monotonic() + limit
        while self._streams and time.monotonic() < end:
            self._pump(0.05)

    def _pump(self, wait: float) -> None:
        ready = [key.fd for key, _ in self._selector.select(wait)]
        answered = [fd for fd in ready if self._streams[fd] is None]
        if answered:
            # What a process printed before it answered comes before the answer.
            ready = [fd for fd, stream in self._streams.items() if stream is not None]
        for descriptor in ready:
            self._read(descriptor)
        if answered:
            self._flush()
        for descriptor in answered:
            self._read(descriptor)
        if time.monotonic() - self._flushed >= self._timings.log_flush or len(self._lines) > 2000:
            self._bars()
            self._tell_held()
            self._flush()

    def _read(self, descriptor: int) -> None:
        try:
            data = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return
        if data:
            self._take(self._streams[descriptor], data)
        else:
            self._close(descriptor)

    def _close(self, descriptor: int) -> None:
        stream = self._streams.pop(descriptor)
        self._selector.unregister(descriptor)
        os.close(descriptor)
        if stream is not None:
            self._show(stream, stream.safe(b"", final=True), final=True)

    def _take(self, stream: Optional[_Stream], data: bytes) -> None:
        if stream is None:
            self._answers += data
            *whole, self._answers = self._answers.split(b"\n")
            for line in whole:
                self._on_answer(self._command.masker.value(json.loads(line)))
            return
        stream.heard = time.monotonic()
        self._show(stream, stream.safe(data))

    def _tell_held(self) -> None:
        """A step may print a secret and then nothing for hours."""
        for stream in self._streams.values():
            if stream is not None and time.monotonic() - stream.heard >= self._timings.hold:
                self._show(stream, stream.held())

    def _show(self, stream: _Stream, data: bytes, final: bool = False) -> None:
        if self._copy is not None and data:
            self._copy.add(data)
        for line in stream.splitter.feed(data, final):
            stream.told, stream.shown = time.monotonic(), ""
            if stream.name == "err" and line.strip():
                self._outcome.last_error = line.strip()
            self._lines.append((stream.name, line))

    def _bars(self) -> None:
        now = time.monotonic()
        for stream in self._streams.values():
            if stream is not None and now - stream.told >= self._timings.bar:
                bar = stream.splitter.snapshot()
                stream.told = now
                if bar and bar != stream.shown:
                    stream.shown = bar
                    self._lines.append((stream.name, bar))

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        self._flushed = time.monotonic()
        if lines:
            self._on_lines(lines)


def _send(process: subprocess.Popen[bytes], payload: bytes) -> None:
    assert process.stdin is not None
    try:
        with process.stdin as stream:
            stream.write(payload)
    except OSError:
        pass


def _offer_to_oom_killer(pid: int) -> None:
    """When memory runs out the step goes first, not the worker that tells about it."""
    try:
        Path(f"/proc/{pid}/oom_score_adj").write_text("500", encoding="ascii")
    except OSError:
        pass
