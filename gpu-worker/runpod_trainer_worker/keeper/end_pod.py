"""Ends the pod, and tries again until it is ended."""

from __future__ import annotations

import time
from typing import Callable, List, Tuple

from ..base.timings import Timings
from .pod_api import PodApi

_TRIES_AFTER_SUCCESS = 3
_REFUSALS_OF_STOP = 3


def end_pod(
    keys: "Callable[[], List[Tuple[str, PodApi]]]", stop: bool, timings: Timings, log: "Callable[[str], None]"
) -> None:
    """Stops or terminates the pod that this process runs on; returns when it should be gone but is still here.

    `keys` are the ways to ask, the best first, looked at again for every attempt; where one is refused the next one is
    tried at once.
    """
    pause, refused, done, attempt, turn = timings.api_retry, 0, 0, 0, 0
    while done < _TRIES_AFTER_SUCCESS:
        ways = keys()
        if not ways:
            log("there is no key with which the pod could be ended")
            return
        owner, api = ways[turn % len(ways)]
        answer = api.delete() if attempt % 2 and not stop else api.action("stop" if stop else "terminate")
        log(f"answer to the {owner}: {answer.detail}")
        if answer.gone or (stop and answer.status == 409):
            # This process should not live to see the next round.
            done += 1
            attempt += 1
            time.sleep(timings.api_retry_max)
            continue
        if answer.temporary:
            attempt += 1
        else:
            turn += 1
            if turn % len(ways) != 0:
                continue
            attempt += 1
            refused += 1
            if stop and refused >= _REFUSALS_OF_STOP:
                log("stopping is refused; terminating instead, the volume keeps everything")
                stop = False
        time.sleep(pause)
        pause = min(pause * 2, timings.api_retry_max)
