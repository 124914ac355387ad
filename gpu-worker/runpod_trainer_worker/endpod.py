"""Ends the pod, and tries again until it is ended."""

from __future__ import annotations

import time
from typing import Callable

from .podapi import Answer, PodApi
from .timings import Timings

_TRIES_AFTER_SUCCESS = 3


def end_pod(api: PodApi, stop: bool, timings: Timings, log: "Callable[[str], None]") -> None:
    """Stops or terminates the pod that this process runs on; returns when it should be gone but is still here."""
    pause, refused, done, attempt = timings.api_retry, 0, 0, 0
    terminate: "tuple[Callable[[], Answer], ...]" = (lambda: api.action("terminate"), api.delete)
    while done < _TRIES_AFTER_SUCCESS:
        answer = api.action("stop") if stop else terminate[attempt % 2]()
        attempt += 1
        log(f"answer: {answer.detail}")
        if answer.gone or (stop and answer.status == 409):
            # This process should not live to see the next round.
            done += 1
            time.sleep(timings.api_retry_max)
            continue
        if not answer.temporary:
            refused += 1
            if stop and refused >= 3:
                log("stopping is refused; terminating instead, the volume keeps everything")
                stop = False
        time.sleep(pause)
        pause = min(pause * 2, timings.api_retry_max)
