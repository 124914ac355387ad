"""What the keeper of a pod knows of it, what can happen to it, and what it may order; `table` says what follows.

A pod waits for a job, runs it, has ended it, and ends itself. Every time is in seconds since boot.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import Optional, Union


@dataclasses.dataclass(frozen=True)
class Job:
    """What must be known of a job to end its pod in time; `deadline` is when its cap is reached."""

    folder: str
    on_finish: str
    cap_seconds: Optional[float]
    deadline: Optional[float]
    stall_seconds: Optional[float]
    hold_seconds: float


@dataclasses.dataclass(frozen=True)
class Worker:
    """A worker's process; epoch and spool folder are known once it has told them."""

    pid: int
    start_time: int
    epoch: Optional[int] = None
    spool: Optional[str] = None


@dataclasses.dataclass(frozen=True)
class Asked:
    """The worker was asked to cancel the job."""

    reason: str
    at: float


@dataclasses.dataclass(frozen=True)
class Waiting:
    """No job is here yet; `folder` is the one that a client prepares. Without one the pod is stopped, if `stop`."""

    deadline: float
    folder: str
    stop: bool = False


@dataclasses.dataclass(frozen=True)
class Running:
    """A worker was started at `since`, has begun when its epoch is known, and said at `finished` that it is done."""

    job: Job
    since: float
    worker: Optional[Worker] = None
    asked: Optional[Asked] = None
    finished: Optional[float] = None


@dataclasses.dataclass(frozen=True)
class Ended:
    """The worker is gone. `held` is when a client last asked to hold the pod; `written`: the last words were tried."""

    job: Job
    since: float
    worker: Optional[Worker] = None
    asked: Optional[Asked] = None
    held: Optional[float] = None
    written: bool = False

    @property
    def keeps(self) -> bool:
        """Whether the pod may be used again."""
        return self.job.on_finish == "keep"


@dataclasses.dataclass(frozen=True)
class Ending:
    """The pod is being ended, by stopping it if `stop`, for ever."""

    why: str
    stop: bool
    since: float
    folder: str = ""
    worker: Optional[Worker] = None


State = Union[Waiting, Running, Ended, Ending]
#: The words with which clients are told where a pod is.
NAMES = {Waiting: "waiting", Running: "running", Ended: "ended", Ending: "ending"}


def folder_of(state: State) -> str:
    """Which job it is about; empty when that is not known."""
    return state.job.folder if isinstance(state, (Running, Ended)) else state.folder


def worker_of(state: State) -> Optional[Worker]:
    """The worker that runs or ran."""
    return None if isinstance(state, Waiting) else state.worker


@dataclasses.dataclass(frozen=True)
class Renewed:
    """A client is at work and asks to wait so many seconds for the job in `folder`."""

    folder: str
    seconds: float


@dataclasses.dataclass(frozen=True)
class Started:
    """A job was handed over."""

    job: Job


@dataclasses.dataclass(frozen=True)
class Seen:
    """The worker is there, as it says or as it was started; `left` is what a keeper before this one knew of it."""

    worker: Worker
    left: Optional[Running] = None


class Signs(enum.Enum):
    """Events that say nothing but that they came."""

    TICK = "tick"
    GONE = "the worker's process has ended"
    FINISHED = "the worker has told the job's end"
    WRITTEN = "the last words were tried"
    OVERTAKEN = "another pod has the job now"


@dataclasses.dataclass(frozen=True)
class Held:
    """When a client last asked to hold the pod; None when it gave it back."""

    at: Optional[float]


@dataclasses.dataclass(frozen=True)
class Stalled:
    """The job does nothing any more."""

    reason: str


@dataclasses.dataclass(frozen=True)
class Broken:
    """Something that nobody expected: a pod that nobody can vouch for is ended."""

    what: str


Event = Union[Renewed, Started, Seen, Held, Stalled, Broken, Signs]


class Order(enum.Enum):
    """What the process has to do, besides saving the new state."""

    ASK = "ask the worker to cancel the job"
    KILL = "kill the worker and the steps"
    WORDS = "write the last words"
    END = "end the pod"
