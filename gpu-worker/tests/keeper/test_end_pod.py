"""A pod counts as ended when RunPod's API says so, and nobody else."""

from __future__ import annotations

import dataclasses
from typing import List

from runpod_trainer_worker.base.timings import Timings
from runpod_trainer_worker.keeper.end_keys import UNKNOWN, USER_KEY, EndKey
from runpod_trainer_worker.keeper.end_pod import end_pod
from runpod_trainer_worker.keeper.pod_api import ApiAnswer, PodApi

PAGE, GONE, ENDED = ApiAnswer(404, "404"), ApiAnswer(404, "404 pod not found", True), ApiAnswer(204, "204")


class Told(PodApi):
    """Gives the answers in turn, the last one again and again."""

    def __init__(self, answers: List[ApiAnswer]) -> None:
        self.answers = answers
        self.calls = 0

    def action(self, name: str) -> ApiAnswer:
        self.calls += 1
        return self.answers[min(self.calls, len(self.answers)) - 1]

    def delete(self) -> ApiAnswer:
        return self.action("delete")


def ended_after(answers: List[ApiAnswer], stop: bool = False) -> "tuple[int, List[str]]":
    api, log = Told(answers), list[str]()
    timings = dataclasses.replace(Timings(), api_retry=0.001, api_retry_max=0.001)
    end_pod(lambda: [("pod-key", api)], stop, timings, log.append)
    return api.calls, log


def test_page_that_is_not_of_the_api_is_asked_again() -> None:
    assert ended_after([PAGE] * 20 + [ENDED])[0] == 20 + ended_after([ENDED])[0]
    assert ended_after([PAGE] * 7 + [GONE])[0] == 7 + ended_after([GONE])[0]


def test_page_that_is_not_of_the_api_is_no_refusal_of_stopping() -> None:
    assert not any("terminating instead" in line for line in ended_after([PAGE] * 20 + [ENDED], stop=True)[1])


def test_page_that_is_not_of_the_api_says_nothing_about_a_key() -> None:
    key = EndKey(USER_KEY, None, UNKNOWN, "")
    key.judge(PAGE)
    assert (key.state, key.foreign, key.tested) == (UNKNOWN, False, False)
    key.judge(GONE)
    assert key.foreign and key.tested
