"""What the parts of one worker share."""

from __future__ import annotations

import dataclasses
import threading
from typing import Dict, List, Optional

from ..base.contract import LIMITS
from ..base.cut import cut_characters, text_bytes
from ..base.masking import Masker
from ..base.timings import Timings
from ..journal.directory import JobDir
from ..journal.requests import Requests
from ..journal.spec import Spec
from ..journal.state import State
from ..journal.writer import Journal
from ..keeper.worker_link import WorkerLink
from .environment import Sources
from .process import BROKEN, CANCEL, FENCED, Line
from .requirements import Interpreter

#: Room for what an event has besides its lines.
_ENVELOPE_BYTES = 1024


class Stopped(Exception):
    """The job must stop now; the reason is in the context."""


@dataclasses.dataclass
class Context:
    """One epoch of one job. `interrupted` is set by signals, `hung_up` where one says that the client is gone."""

    job: JobDir
    spec: Spec
    side: str
    timings: Timings
    journal: Journal
    state: State
    sources: Sources
    masker: Masker
    keeper: Optional[WorkerLink]
    requests: Requests
    interrupted: threading.Event = dataclasses.field(default_factory=threading.Event)
    hung_up: threading.Event = dataclasses.field(default_factory=threading.Event)
    base_env: Dict[str, str] = dataclasses.field(default_factory=dict)
    python: Interpreter = dataclasses.field(default_factory=lambda: Interpreter("python3", "", ()))
    #: Names of the GPUs of this machine; None without one.
    gpu: Optional[str] = None
    problem: Optional[str] = None

    def should_stop(self) -> Optional[str]:
        """Why everything must stop, or None; one of the reasons in `process`."""
        if self.journal.fenced:
            return FENCED
        if self.problem is not None or self.journal.stuck_for() > self.timings.stuck:
            self.problem = self.problem or self.journal.error
            return BROKEN
        asked = self.keeper is not None and self.keeper.stop is not None
        if asked or self.interrupted.is_set() or self.requests.has("cancel"):
            return CANCEL
        return None

    def stop_reason(self) -> Optional[str]:
        """Why the keeper wants the job to end, or that the client is gone; None for a plain cancellation."""
        if self.hung_up.is_set():
            return "The program that ran it was ended."
        return None if self.keeper is None else self.keeper.reason()

    def check(self) -> None:
        """Raises Stopped when the job must stop."""
        if self.should_stop() is not None:
            raise Stopped()

    def log(self, step: Optional[str], lines: List[Line]) -> None:
        """Lines as `log` events, in their order: an event holds lines of one stream, and no more than a client reads."""
        texts: List[str] = []
        stream, size = "", _ENVELOPE_BYTES
        for name, line in lines:
            text = cut_characters(line, LIMITS.log_line_characters)
            cost = text_bytes(text) + len('"",')
            full = len(texts) >= LIMITS.log_event_lines or size + cost > LIMITS.event_line_bytes
            if texts and (full or name != stream):
                self.journal.emit("log", step=step, stream=stream, lines=texts)
                texts, size = [], _ENVELOPE_BYTES
            texts.append(text)
            stream, size = name, size + cost
        if texts:
            self.journal.emit("log", step=step, stream=stream, lines=texts)
