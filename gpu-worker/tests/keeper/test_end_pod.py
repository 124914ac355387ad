"""R4.3: a pod is asked to end until it is gone, and with it the process that asks."""

from __future__ import annotations

from typing import List

import pytest

from runpod_trainer_worker.base.timings import Timings
from runpod_trainer_worker.keeper.end_keys import UNKNOWN, USER_KEY, EndKey
from runpod_trainer_worker.keeper.end_pod import end_pod
from runpod_trainer_worker.keeper.pod_api import ApiAnswer, PodApi

PAGE, GONE, ENDED = ApiAnswer(404, "404"), ApiAnswer(404, "404 pod not found", True), ApiAnswer(204, "204")


class Told(PodApi):
    """Gives the answers in turn, the last one again and again."""

    def __init__(self, answers: List[ApiAnswer]) -> None:
        self.answers = answers
        self.calls: List[str] = []

    def action(self, name: str) -> ApiAnswer:
        self.calls.append(name)
        return self.answers[min(len(self.calls), len(self.answers)) - 1]

    def delete(self) -> ApiAnswer:
        return self.action("delete")


class Gone(Exception):
    """The pod has ended, and this process with it."""


def asked(answers: List[ApiAnswer], times: int, stop: bool = False) -> "tuple[List[str], List[float], List[str]]":
    """So many calls: what was asked, the pauses, and the log."""
    api, log, pauses = Told(answers), list[str](), list[float]()

    def wait(seconds: float) -> None:
        pauses.append(seconds)
        if len(api.calls) >= times:
            raise Gone()

    with pytest.raises(Gone):
        end_pod(lambda: [("pod-key", api)], stop, Timings(), log.append, wait)
    return api.calls, pauses, log


@pytest.mark.parametrize("answer", [PAGE, GONE, ENDED, ApiAnswer(None, "no answer"), ApiAnswer(403, "403", True)])
def test_while_it_lives_no_answer_counts_as_the_end(answer: ApiAnswer) -> None:
    calls, pauses, _ = asked([answer], 200)
    assert len(calls) == 200 and {"terminate", "delete"} == set(calls)
    assert pauses[:5] == [2.0, 4.0, 8.0, 16.0, 32.0] and set(pauses[5:]) == {60.0}


def test_stopping_that_has_no_effect_becomes_terminating() -> None:
    calls, _, log = asked([ENDED], 8, stop=True)
    assert calls == ["stop"] * 5 + ["terminate", "delete", "terminate"]
    assert any("terminating instead" in line for line in log)


def test_page_that_is_not_of_the_api_is_no_refusal_of_stopping() -> None:
    calls, _, log = asked([PAGE], 20, stop=True)
    assert set(calls) == {"stop"} and not any("terminating instead" in line for line in log)


def test_without_a_key_it_goes_on_looking_for_one() -> None:
    pauses = list[float]()

    def wait(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 50:
            raise Gone()

    with pytest.raises(Gone):
        end_pod(lambda: [], False, Timings(), lambda text: None, wait)
    assert set(pauses) == {60.0}


def test_page_that_is_not_of_the_api_says_nothing_about_a_key() -> None:
    key = EndKey(USER_KEY, None, UNKNOWN, "")
    key.judge(PAGE)
    assert (key.state, key.foreign, key.tested) == (UNKNOWN, False, False)
    key.judge(GONE)
    assert key.foreign and key.tested
