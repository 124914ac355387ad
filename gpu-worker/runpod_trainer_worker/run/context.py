"""What the parts of one worker share."""

from __future__ import annotations

import dataclasses
import threading
from typing import Dict, List, Optional

from ..base import fsutil
from ..base.timings import Timings
from ..journal.directory import JobDir
from ..journal.requests import Requests
from ..journal.spec import Spec
from ..journal.spool import Spool
from ..journal.state import State
from ..journal.writer import Journal
from .environment import Sources
from .process import BROKEN, CANCEL, FENCED, Line
from .requirements import Interpreter

_LINES_PER_EVENT = 500


class Stopped(Exception):
    """The job must stop now; the reason is in the context."""


@dataclasses.dataclass
class Context:
    """One epoch of one job. `interrupted` is set by signals."""

    job: JobDir
    spec: Spec
    side: str
    timings: Timings
    journal: Journal
    state: State
    sources: Sources
    spool: Optional[Spool]
    requests: Requests
    interrupted: threading.Event = dataclasses.field(default_factory=threading.Event)
    base_env: Dict[str, str] = dataclasses.field(default_factory=dict)
    python: Interpreter = dataclasses.field(default_factory=lambda: Interpreter("python3", "", ()))
    problem: Optional[str] = None

    def should_stop(self) -> Optional[str]:
        """Why everything must stop, or None; one of the reasons in `process`."""
        if self.journal.fenced:
            return FENCED
        if self.problem is not None or self.journal.stuck_for() > self.timings.stuck:
            self.problem = self.problem or self.journal.error
            return BROKEN
        if self.stop_asked() or self.interrupted.is_set() or self.requests.has("cancel"):
            return CANCEL
        return None

    def stop_asked(self) -> bool:
        """Whether the watchdog asked for the end: the cap is reached, or nothing moves any more."""
        return self.spool is not None and self.spool.stop.exists()

    def stop_reason(self) -> Optional[str]:
        """Why the watchdog asked for the end; None when it did not."""
        asked = None if self.spool is None else fsutil.read_json(self.spool.stop)
        return None if asked is None else str(asked.get("reason"))

    def check(self) -> None:
        """Raises Stopped when the job must stop."""
        if self.should_stop() is not None:
            raise Stopped()

    def log(self, step: Optional[str], lines: List[Line]) -> None:
        """Lines as `log` events, in their order, one event for each run of lines from one stream."""
        begin = 0
        for end in range(1, len(lines) + 1):
            if end == len(lines) or lines[end][0] != lines[begin][0] or end - begin >= _LINES_PER_EVENT:
                texts = [text for _, text in lines[begin:end]]
                self.journal.emit("log", step=step, stream=lines[begin][0], lines=texts)
                begin = end
