"""R4.3, R3.4: what the keeper does next, case by case, and what holds in every history."""

from __future__ import annotations

import dataclasses
import random
from typing import List, Optional, Tuple

import pytest

from runpod_trainer_worker.base.contract import LIMITS
from runpod_trainer_worker.base.timings import Timings
from runpod_trainer_worker.keeper.states import (
    Asked,
    Broken,
    Ended,
    Ending,
    Event,
    Held,
    Job,
    Order,
    Renewed,
    Running,
    Seen,
    Signs,
    Stalled,
    Started,
    State,
    Waiting,
    Worker,
)
from runpod_trainer_worker.keeper.table import started_again, step

T = Timings()
JOB = Job("/m/.runpod-trainer/jobs/j", "terminate", None, None, None, 1800)
CAPPED = dataclasses.replace(JOB, cap_seconds=100, deadline=100)
KEPT = dataclasses.replace(JOB, on_finish="keep")
W = Worker(7, 70, 1, "/s")
YOUNG = Worker(7, 70)
ASKED = Asked("cap: the job reached its limit of 100 seconds.", 100)
KILL, WORDS, END, ASK = Order.KILL, Order.WORDS, Order.END, Order.ASK


def ending(why: str, at: float, job: Optional[Job] = JOB, worker: Optional[Worker] = W) -> Ending:
    return Ending(why, job is not None and job.on_finish == "stop", at, JOB.folder, worker)


CASES: List[Tuple[str, State, Event, float, State, Tuple[Order, ...]]] = [
    ("a client is at work", Waiting(10, "a"), Renewed("b", 60), 5, Waiting(65, "b"), ()),
    (
        "nobody comes",
        Waiting(10, JOB.folder),
        Signs.TICK,
        10,
        ending("no worker has started and no client is at work", 10, None, None),
        (END,),
    ),
    ("a job comes", Waiting(10, "a"), Started(JOB), 5, Running(JOB, 5), ()),
    ("its worker is started", Running(JOB, 5), Seen(YOUNG), 6, Running(JOB, 5, YOUNG), ()),
    ("the worker begins", Running(JOB, 5, YOUNG), Seen(W), 6, Running(JOB, 5, W), ()),
    ("who started it is heard late", Running(JOB, 5, W), Seen(YOUNG), 6, Running(JOB, 5, W), ()),
    ("a stranger", Running(JOB, 5, W), Seen(Worker(8, 80, 2, "/t")), 6, Running(JOB, 5, W), ()),
    ("a late client", Running(JOB, 5, W), Renewed("b", 1), 6, Running(JOB, 5, W), ()),
    ("it is killed", Running(JOB, 5, W), Signs.GONE, 6, Ended(JOB, 6, W), (KILL, WORDS)),
    ("it dies before it has begun", Running(JOB, 5, YOUNG), Signs.GONE, 6, Ended(JOB, 6, YOUNG), (KILL, WORDS)),
    ("it never begins", Running(JOB, 5, YOUNG), Signs.TICK, 5 + T.begin_wait, Ended(JOB, 605, YOUNG), (KILL, WORDS)),
    ("its cap", Running(CAPPED, 5, W), Signs.TICK, 100, Running(CAPPED, 5, W, ASKED), (ASK,)),
    (
        "it does not end at its cap",
        Running(CAPPED, 5, W, ASKED),
        Signs.TICK,
        100 + T.cap_grace,
        Ended(CAPPED, 130, W, ASKED),
        (KILL, WORDS),
    ),
    ("it closes over its cap", Running(CAPPED, 5, W, finished=99), Signs.TICK, 129, Running(CAPPED, 5, W, finished=99), ()),
    (
        "for too long",
        Running(CAPPED, 5, W, finished=99),
        Signs.TICK,
        130,
        Ended(CAPPED, 130, W),
        (KILL, WORDS),
    ),
    ("it stalls", Running(JOB, 5, W), Stalled("s"), 50, Running(JOB, 5, W, Asked("s", 50)), (ASK,)),
    ("twice", Running(JOB, 5, W, Asked("s", 50)), Stalled("t"), 60, Running(JOB, 5, W, Asked("s", 50)), ()),
    ("it tells its end", Running(JOB, 5, W), Signs.FINISHED, 6, Running(JOB, 5, W, finished=6), ()),
    (
        "and does not go",
        Running(JOB, 5, W, finished=6),
        Signs.TICK,
        6 + T.closing,
        Ended(JOB, 6 + T.closing, W),
        (KILL, WORDS),
    ),
    (
        "another pod has it",
        Running(JOB, 5, W),
        Signs.OVERTAKEN,
        6,
        ending("another pod has the job now", 6),
        (KILL, END),
    ),
    ("and this one is kept", Running(KEPT, 5, W), Signs.OVERTAKEN, 6, Ended(KEPT, 6, W), (KILL, WORDS)),
    ("its words come before its end", Ended(JOB, 0, W), Signs.TICK, 44, Ended(JOB, 0, W), ()),
    ("whatever the volume says", Ended(JOB, 0, W), Signs.TICK, 65, ending("the job has ended", 65), (END,)),
    ("they are written", Ended(JOB, 0, W), Signs.WRITTEN, 14, Ended(JOB, 0, W, written=True), ()),
    ("and nobody fetches", Ended(JOB, 0, W, written=True), Signs.TICK, 15, ending("the job has ended", 15), (END,)),
    ("a client fetches", Ended(JOB, 0, W, written=True), Held(10.0), 14, Ended(JOB, 0, W, None, 10, True), ()),
    ("and goes on", Ended(JOB, 0, W, None, 10, True), Signs.TICK, 64, Ended(JOB, 0, W, None, 10, True), ()),
    ("and dies", Ended(JOB, 0, W, None, 10, True), Signs.TICK, 65, ending("the job has ended", 65), (END,)),
    (
        "or fetches for ever",
        Ended(JOB, 0, W, None, 5000, True),
        Signs.TICK,
        1815,
        ending("the job has ended", 1815),
        (END,),
    ),
    ("or has it all", Ended(JOB, 0, W, None, 10, True), Held(None), 14, Ended(JOB, 0, W, None, None, True), ()),
    (
        "a kept one with a cap",
        Ended(dataclasses.replace(CAPPED, on_finish="keep"), 50, W, written=True),
        Signs.TICK,
        100,
        Ending("cap", False, 100, JOB.folder, W),
        (END,),
    ),
    ("a kept one without", Ended(KEPT, 0, W, written=True), Signs.TICK, 1e9, Ended(KEPT, 0, W, written=True), ()),
    ("is used again", Ended(KEPT, 0, W, written=True), Started(CAPPED), 9, Running(CAPPED, 9), ()),
    ("is prepared for another job", Ended(KEPT, 0, W, written=True), Renewed("b", 60), 9, Waiting(69, "b"), ()),
    (
        "its own client has not heard",
        Ended(JOB, 0, W, written=True),
        Renewed(JOB.folder, 60),
        9,
        Ended(JOB, 0, W, written=True),
        (),
    ),
    (
        "a worker was found",
        Waiting(10, "a"),
        Seen(W, Running(CAPPED, 1, W)),
        5,
        Running(CAPPED, 1, W),
        (),
    ),
    (
        "something nobody expected",
        Running(JOB, 5, W),
        Broken("x"),
        6,
        ending("the keeper is broken: x", 6),
        (KILL, END),
    ),
    ("the end is never left", ending("x", 6), Started(JOB), 7, ending("x", 6), (END,)),
]


@pytest.mark.parametrize(("before", "event", "now", "after", "orders"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_case(before: State, event: Event, now: float, after: State, orders: Tuple[Order, ...]) -> None:
    result = step(before, event, now, T)
    assert (result.state, result.orders) == (after, orders)


def any_job(seed: random.Random) -> Job:
    cap = seed.choice([None, 1.0, 60.0, 600.0])
    finish = seed.choice(["terminate", "stop", "keep"])
    return Job(f"/j{seed.randint(1, 3)}", finish, cap, cap, seed.choice([None, 30.0]), seed.choice([0.0, 1800.0]))


def any_event(seed: random.Random, now: float) -> Event:
    worker = seed.choice([W, YOUNG, Worker(8, 80), Worker(8, 80, 2, "/t")])
    job = any_job(seed)
    job = dataclasses.replace(job, deadline=None if job.cap_seconds is None else now + job.cap_seconds)
    left = seed.choice([None, None, Running(job, now, worker)])
    events: List[Event] = [
        Renewed(job.folder, seed.choice([1.0, 1800.0])),
        Started(job),
        Seen(worker, left),
        Held(seed.choice([None, now, now - 100])),
        Stalled("stalled"),
        Signs.GONE,
        Signs.FINISHED,
        Signs.WRITTEN,
        Signs.OVERTAKEN,
        *[Signs.TICK] * 8,
    ]
    return seed.choice(events)


def test_whatever_happens_a_pod_ends_in_time() -> None:
    """Thousands of histories of events in any order, at any distance."""
    for number in range(1_500):
        seed = random.Random(number)
        now = 0.0
        state: State = Waiting(30, "/j1") if seed.random() < 0.5 else Running(any_job(seed), 0)
        ended = False
        for _ in range(seed.randint(5, 60)):
            now += seed.choice([0.0, 0.25, 1.0, 1.0, 30.0, 700.0])
            # What is due by now comes first, as in the keeper, whose ticks are not further apart than a second.
            result = step(step(state, Signs.TICK, now, T).state, any_event(seed, now), now, T)
            state = result.state
            assert not ended or isinstance(state, Ending), number
            ended = isinstance(state, Ending)
            assert END in result.orders or not ended, number
            assert_in_time(state, now, number)


def assert_in_time(state: State, now: float, number: int) -> None:
    if isinstance(state, Waiting):
        assert now < state.deadline, number
    if isinstance(state, Running):
        assert state.job.deadline is None or now < state.job.deadline + T.cap_grace, number
        assert state.asked is None or now < state.asked.at + T.cap_grace, number
        assert state.finished is None or now < state.finished + T.closing, number
    if isinstance(state, Ended):
        deadline = state.job.deadline
        assert deadline is None or now < max(deadline, min(state.since + T.last_words, deadline + T.cap_end)), number
        longest = state.since + T.last_words + max(state.job.hold_seconds, T.end_after, T.stall_lease) + T.end_after
        assert state.keeps or now < longest, number


def test_it_goes_on_by_itself_from_every_state() -> None:
    """With nothing but the passing of time: whatever is not kept without a cap has ended within its longest time."""
    for number in range(400):
        seed = random.Random(number)
        job = any_job(seed)
        states: List[State] = [
            Waiting(30, "/j1"),
            Running(job, 0, seed.choice([None, YOUNG, W])),
            Running(job, 0, W, Asked("stalled", 0.0)),
            Running(job, 0, W, None, 0.0),
            Ended(job, 0, W, None, seed.choice([None, 0.0]), seed.choice([True, False])),
        ]
        state = seed.choice(states)
        runs = isinstance(state, Running) and state.worker == W and state.asked is None and state.finished is None
        for now in [*range(200), *range(200, 4000, 20)]:
            state = step(state, Signs.TICK, float(now), T).state
            if isinstance(state, Ending):
                break
        kept = job.on_finish == "keep" and not isinstance(state, Waiting)
        if not isinstance(state, Ending):
            assert job.deadline is None and (runs or kept), (number, state)
        elif job.deadline is not None and not isinstance(state, Waiting):
            assert state.since <= max(T.begin_wait + T.last_words + 20, job.deadline + T.cap_end + 20, 1900), number


def test_a_pod_that_was_stopped_and_is_started_by_hand_waits_for_a_job_and_is_stopped_again() -> None:
    stops = dataclasses.replace(JOB, on_finish="stop", deadline=500)
    waits = Waiting(1000 + 60 * LIMITS.guard_minutes, JOB.folder, stop=True)
    assert started_again(Ending("cap", True, 10, JOB.folder, W), 1000, T) == waits
    assert started_again(Ended(stops, 10, W), 1000, T) == waits, "its client stopped it after the results"
    after = step(dataclasses.replace(waits), Signs.TICK, waits.deadline, T)
    assert isinstance(after.state, Ending) and after.state.stop and after.orders == (END,)
    renewed = step(waits, Renewed("b", 60), 1001, T).state
    assert renewed == Waiting(1061, "b", stop=True)


def test_a_container_that_crashed_changes_nothing() -> None:
    stops = dataclasses.replace(JOB, on_finish="stop")
    for state in (
        Waiting(30, "a"),
        Running(stops, 0, W),
        Ended(stops, 990, W),
        Ended(JOB, 10, W),
        Ended(KEPT, 10, W),
        Ending("cap", False, 10, JOB.folder, W),
    ):
        assert started_again(state, 1000, T) == state


def test_the_defaults_leave_time_for_what_comes_before() -> None:
    """One asked to end is killed only after it could tell so; what must be written comes before the pod's end."""
    killed = T.kill_after + T.drain + 2 * T.poll
    assert T.terminate_after < T.kill_after
    assert killed + T.sync_wait < T.cap_grace, "a cancelled step is told before its worker is killed"
    assert T.cap_grace < T.cap_end, "and the rest is copied"
    assert T.cap_end + 5 <= 45, "the promise of a cap in dollars counts so many seconds (endSeconds of the client)"
    assert T.sync_wait + T.close_wait < T.closing, "a worker that copies its journal is given its time"
    assert T.close_wait >= 30 and T.last_words == 45
    assert T.end_after < T.lease, "a client that fetches loses nothing between two of its signs"
    assert T.lease + T.end_after <= 60, "a pod whose client died is gone within a minute"
    assert T.watch_poll < T.stall_lease < T.end_after
    assert T.api_retry_max == 60 and T.api_retry < T.api_retry_max
    assert T.watch_poll + T.silent_wait + T.answer_wait <= 90, "a keeper that hangs is replaced"
    assert T.start_wait >= T.probe_wait + 15 + T.answer_wait, "a driver that hangs does not make a start fail"
    assert T.begin_wait > T.start_wait
    assert LIMITS.guard_minutes * T.guard_minute > 10 * 60
