"""Every interval the worker waits for, in seconds, in one place."""

from __future__ import annotations

import dataclasses
import json
import os

from .contract import LIMITS

#: Internal: a JSON object that replaces some of the values below; tests use it to wait less.
VARIABLE = "RUNPOD_TRAINER_TIMINGS"


# Generated methods cost every start of the worker, and nobody compares or prints these.
@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Timings:
    """Intervals in seconds."""

    sync: float = LIMITS.sync_milliseconds / 1000  # journal spool -> volume
    sync_wait: float = 5.0  # how long an event waits for the volume
    stuck: float = 30.0  # an unwritable volume ends the job after this
    close_wait: float = 30.0  # last attempt to write the journal
    poll: float = 0.2  # control requests, metrics
    log_flush: float = 0.2  # log lines -> events
    hold: float = 2.0  # a line that may go on to be a secret waits so long for what comes next
    bar: float = 15.0  # a progress bar that runs on is told this often
    terminate_after: float = 10.0  # cancel: SIGINT -> SIGTERM
    kill_after: float = 20.0  # cancel: SIGINT -> SIGKILL
    drain: float = 1.0  # output of leftovers after a step has ended
    heartbeat: float = 10.0  # state.json is rewritten at least this often
    stale: float = 60.0  # a worker on another pod with an older heartbeat counts as dead
    probe_wait: float = 10.0  # the first step waits this long for the keeper's probe of its keys
    start_wait: float = 60.0
    follow_grace: float = 5.0  # a dead worker's keeper gets this long to say so
    watch_poll: float = 1.0
    end_after: float = LIMITS.end_after_seconds  # without a lease, after the job's end
    lease: float = LIMITS.lease_seconds  # one `hold`
    claim_patience: float = LIMITS.claim_patience_seconds  # a project is another job's after so long without a sign
    guard_minute: float = 60.0  # one minute of `guard`
    cap_grace: float = 30.0  # from the cap, or from a stall that was found, until worker and steps are killed
    cap_end: float = 40.0  # from the cap to the call that ends the pod, whatever the volume does
    last_words: float = 45.0  # what a worker has left behind is copied to the volume for so long at most
    begin_wait: float = 600.0  # a worker that has not begun by then will not
    silent_wait: float = 60.0  # a keeper that does not answer for so long is ended, and another one started
    answer_wait: float = 10.0  # the keeper's answer to a command on its pod
    stall_sample: float = 5.0  # the witnesses of a stall are asked this often
    stall_lease: float = 5.0  # after a stalled job's end a client gets this long to take its lease
    api_timeout: float = 20.0
    api_retry: float = 2.0  # first pause between attempts; doubles
    api_retry_max: float = 60.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, (int, float)) or isinstance(value, bool) or value <= 0:
                raise ValueError(f"{VARIABLE}: {field.name} must be a positive number of seconds, not {value!r}")

    @property
    def closing(self) -> float:
        """How long a worker may take to end after it has told the job's end."""
        return self.sync_wait + self.close_wait + 5.0

    @classmethod
    def from_environment(cls) -> Timings:
        """The defaults, changed by the internal variable."""
        text = os.environ.get(VARIABLE)
        return cls(**json.loads(text)) if text else cls()
