"""Ends the pod that this process runs on. While it runs, no answer means that the pod has ended."""

from __future__ import annotations

import time
from typing import Callable, List, NoReturn, Tuple

from ..base.timings import Timings
from .pod_api import PodApi

_REFUSALS_OF_STOP = 3
#: As often stopping may be granted and have no effect.
_GRANTS_OF_STOP = 5


def end_pod(
    keys: "Callable[[], List[Tuple[str, PodApi]]]",
    stop: bool,
    timings: Timings,
    log: "Callable[[str], None]",
    wait: "Callable[[float], None]" = time.sleep,
) -> NoReturn:
    """Stops or terminates the pod, and asks again for ever, with pauses that grow to `api_retry_max`.

    `keys` are the ways to ask, the best first, looked at again for every attempt; where one is refused the next one is
    tried at once.
    """
    pause, refused, granted, attempt, turn = timings.api_retry, 0, 0, 0, 0
    while True:
        ways = keys()
        if not ways:
            log("there is no key with which the pod could be ended")
            wait(timings.api_retry_max)
            continue
        owner, api = ways[turn % len(ways)]
        answer = api.delete() if attempt % 2 and not stop else api.action("stop" if stop else "terminate")
        log(f"answer to the {owner}: {answer.detail}")
        attempt += 1
        if answer.gone or (stop and answer.status == 409):
            granted += 1
        elif not answer.temporary:
            turn += 1
            if turn % len(ways) != 0:
                attempt -= 1
                continue
            refused += 1
        if stop and (refused >= _REFUSALS_OF_STOP or granted >= _GRANTS_OF_STOP):
            log("stopping is refused or has no effect; terminating instead, the volume keeps everything")
            stop, attempt = False, 0
        wait(pause)
        pause = min(pause * 2, timings.api_retry_max)
