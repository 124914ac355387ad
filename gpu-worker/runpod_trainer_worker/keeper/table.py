"""What the keeper of a pod does next: a table of states and events, without a clock, a file or a process of its own.

The last state is never left. After each event the rules of time are looked at, so that nothing is late for want of a
tick.
"""

from __future__ import annotations

import dataclasses
from typing import Tuple

from ..base.contract import LIMITS
from ..base.timings import Timings
from .states import (
    Asked,
    Broken,
    Ended,
    Ending,
    Event,
    Held,
    Order,
    Renewed,
    Running,
    Seen,
    Signs,
    Stalled,
    Started,
    State,
    Waiting,
    folder_of,
)


@dataclasses.dataclass(frozen=True)
class Next:
    """The state after an event, what is to be done, and what the log says of it."""

    state: State
    orders: Tuple[Order, ...] = ()
    said: Tuple[str, ...] = ()

    def then(self, state: State, *orders: Order, said: str = "") -> Next:
        """One more step."""
        return Next(state, (*self.orders, *orders), (*self.said, *filter(None, [said])))


def step(state: State, event: Event, now: float, timings: Timings) -> Next:
    """What follows from an event at a time."""
    if isinstance(state, Ending):
        return Next(state, (Order.END,))
    before = Next(state)
    if isinstance(event, Broken):
        return _end(before, f"the keeper is broken: {event.what}", now)
    if isinstance(event, Started) and not isinstance(state, Running):
        return _in_time(Next(Running(event.job, now), said=(f"the job in {event.job.folder} starts",)), now, timings)
    if isinstance(event, Seen) and event.left is not None and not isinstance(state, Running):
        return _in_time(before.then(event.left, said="a worker was found at work"), now, timings)
    if isinstance(state, Waiting):
        after = _waiting(before, state, event, now)
    elif isinstance(state, Running):
        after = _running(before, state, event, now)
    else:
        after = _ended(before, state, event, now)
    return _in_time(after, now, timings)


def _waiting(before: Next, state: Waiting, event: Event, now: float) -> Next:
    if isinstance(event, Renewed):
        return before.then(dataclasses.replace(state, deadline=now + event.seconds, folder=event.folder))
    return before


def _running(before: Next, state: Running, event: Event, now: float) -> Next:
    if isinstance(event, Seen):
        same = state.worker is None or (state.worker.pid, state.worker.start_time) == (
            event.worker.pid,
            event.worker.start_time,
        )
        # A worker that was started tells later what it is; who started it knows less.
        known = state.worker is not None and event.worker.epoch is None
        return before if known or not same else before.then(dataclasses.replace(state, worker=event.worker))
    if event is Signs.GONE:
        return _ended_at(before, state, now)
    if event is Signs.FINISHED and state.finished is None:
        return before.then(dataclasses.replace(state, finished=now))
    if isinstance(event, Stalled):
        return _ask(before, state, event.reason, now)
    if event is Signs.OVERTAKEN:
        if state.job.on_finish == "keep":
            return _ended_at(before, state, now)
        return _end(before, "another pod has the job now", now)
    return before


def _ended(before: Next, state: Ended, event: Event, now: float) -> Next:
    if isinstance(event, Renewed) and event.folder != state.job.folder:
        return before.then(Waiting(now + event.seconds, event.folder), said="another job is prepared")
    if isinstance(event, Held):
        return before.then(dataclasses.replace(state, held=event.at))
    if event is Signs.WRITTEN:
        return before.then(dataclasses.replace(state, written=True))
    if event is Signs.OVERTAKEN and not state.keeps:
        return _end(before, "another pod has the job now", now)
    return before


def _in_time(after: Next, now: float, timings: Timings) -> Next:
    """What is due by now."""
    state = after.state
    if isinstance(state, Waiting) and now >= state.deadline:
        return _end(after, "no worker has started and no client is at work", now)
    if isinstance(state, Running):
        return _running_in_time(after, state, now, timings)
    if isinstance(state, Ended):
        return _ended_in_time(after, state, now, timings)
    return after


def _running_in_time(after: Next, state: Running, now: float, timings: Timings) -> Next:
    job = state.job
    if job.deadline is not None and now >= job.deadline:
        # Also where it was asked already, because it had stalled: that has its own time.
        after = _ask(after, state, f"cap: the job reached its limit of {job.cap_seconds or 0:g} seconds.", now)
        assert isinstance(after.state, Running)
        state = after.state
    late = None
    asked = [] if state.asked is None else [state.asked.at]
    if now - min([*asked, now if job.deadline is None else job.deadline]) >= timings.cap_grace:
        late = "the worker does not end the job"
    elif state.finished is not None and now - state.finished >= timings.closing:
        late = "the worker has told the job's end and does not come to its own"
    elif (state.worker is None or state.worker.epoch is None) and now - state.since >= timings.begin_wait:
        late = "the worker has not begun"
    return after if late is None else _ended_at(after.then(state, said=late), state, now)


def _ended_in_time(after: Next, state: Ended, now: float, timings: Timings) -> Next:
    deadline = state.job.deadline
    late = now - state.since >= timings.last_words or (deadline is not None and now - deadline >= timings.cap_end)
    if not state.written and not late:
        return after
    if deadline is not None and now >= deadline:
        return _end(after, "cap", now)
    if state.keeps or now < end_time(state, timings):
        return after
    return _end(after, "the job has ended", now)


def started_again(state: State, now: float, timings: Timings) -> State:
    """What to go on from when the pod's container was started again.

    A pod that had been stopped, as its job wants, was started by a person: it waits for another job, then it is stopped
    again. A container that crashed comes back sooner, and changes nothing.
    """
    if isinstance(state, Ending):
        was_stopped = state.stop
    else:
        stops = isinstance(state, Ended) and state.job.on_finish == "stop"
        was_stopped = stops and isinstance(state, Ended) and now >= end_time(state, timings)
    waits = LIMITS.guard_minutes * timings.guard_minute
    return Waiting(now + waits, folder_of(state), stop=True) if was_stopped else state


def end_time(state: Ended, timings: Timings) -> float:
    """When the pod of a job that has ended is ended, but for its cap and its last words."""
    waits = state.since + timings.end_after
    if state.asked is not None:
        # The step was given time to end already, and it has cost money for nothing before that.
        waits = max(state.since + timings.stall_lease, state.asked.at + timings.end_after)
    if state.held is None:
        return waits
    return max(waits, min(state.held + timings.lease, state.since + state.job.hold_seconds) + timings.end_after)


def _ask(before: Next, state: Running, reason: str, now: float) -> Next:
    if state.asked is not None or state.finished is not None:
        return before
    return before.then(dataclasses.replace(state, asked=Asked(reason, now)), Order.ASK, said=reason)


def _ended_at(before: Next, state: Running, now: float) -> Next:
    ended = Ended(state.job, now, state.worker, state.asked)
    kept = "the job has ended; the pod is kept" if ended.keeps and state.job.deadline is None else ""
    return before.then(ended, Order.KILL, Order.WORDS, said=kept)


def _end(before: Next, why: str, now: float) -> Next:
    state = before.state
    folder, stop, worker = "", False, None
    if isinstance(state, (Running, Ended)):
        folder, stop, worker = state.job.folder, state.job.on_finish == "stop", state.worker
    elif isinstance(state, Waiting):
        folder, stop = state.folder, state.stop
    orders = (Order.KILL, Order.END) if isinstance(state, Running) else (Order.END,)
    said = f"{why}; {'stopping' if stop else 'terminating'} the pod"
    return before.then(Ending(why, stop, now, folder, worker), *orders, said=said)
