"""R4.3: a restricted key of the user's ends the pod where the pod's own key is refused."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any, Dict, List

import pytest
from conftest import Api, Bench, on_pod, shell, wait_for

from runpod_trainer_worker.base.credentials import is_credential
from runpod_trainer_worker.keeper.end_keys import EndKeys, keys_of, unresolved

OWN, USER = "rpa_podkeypodkey", "rpa_userkeyuserkey"
NAME = "RUNPOD_TRAINER_END_KEY"


@pytest.fixture
def pod(bench: Bench, api: Api) -> Bench:
    bench.rent(api)
    bench.pod[NAME] = USER
    return bench


def refuse(status: int = 403) -> Any:
    return lambda action: status


def owners(answer: Dict[str, Any]) -> List[List[str]]:
    return [[one["owner"], one["state"]] for one in answer["owners"]]


def ended_with(api: Api) -> List[str]:
    """The keys of the calls that end the pod, in order."""
    return [c["headers"]["Authorization"].split()[1] for c in api.calls if c["action"] != "start"]


def test_the_users_key_ends_the_pod_where_its_own_is_refused(pod: Bench, api: Api) -> None:
    api.reply_to[OWN] = refuse()
    pod.spec(on_pod(shell("s", "true")), capSeconds=600)
    told = pod.start()["watchdog"]
    assert told["armed"] is True and owners(told) == [["pod-key", "refused"], ["user-key", "armed"]]
    assert told["detail"] == (
        "RunPod refuses the pod's own key (403 said no), "
        "but the key of your secret may end this pod (tested with a call that changes nothing)."
    )
    assert pod.events("watchdog")[0]["owners"] == told["owners"] == pod.state()["watchdog"]["owners"]
    assert pod.follow().returncode == 0
    wait_for(lambda: api.ends() != [])
    assert ended_with(api)[0] == USER


def test_both_are_armed_and_its_own_comes_first(pod: Bench, api: Api) -> None:
    pod.spec(on_pod(shell("s", "true")))
    told = pod.start()["watchdog"]
    assert owners(told) == [["pod-key", "armed"], ["user-key", "armed"]]
    assert pod.follow().returncode == 0
    wait_for(lambda: api.ends() != [])
    assert ended_with(api)[0] == OWN


@pytest.mark.parametrize("finish", ["terminate", "stop"])
def test_the_other_key_is_tried_when_one_fails_at_the_end(pod: Bench, api: Api, finish: str) -> None:
    """Both passed the test at the start; then the rights of the first were taken away."""
    api.reply_to[OWN] = lambda action: 409 if action == "start" else 403
    pod.spec(on_pod(shell("s", "true")), onFinish=finish)
    assert pod.start()["watchdog"]["armed"] is True
    assert pod.follow().returncode == 0
    wait_for(lambda: USER in ended_with(api))
    assert ended_with(api)[:2] == [OWN, USER] and api.ends()[:2] == [finish, finish]


def test_goes_on_with_both_ways_and_both_keys_while_all_are_refused(pod: Bench, api: Api) -> None:
    api.reply = lambda action: 409 if action == "start" else 403
    pod.spec(on_pod(shell("s", "true")))
    pod.start()
    wait_for(lambda: len(api.ends()) >= 4)
    assert list(zip(ended_with(api), api.ends()))[:4] == [
        (OWN, "terminate"),
        (USER, "terminate"),
        (OWN, "delete"),
        (USER, "delete"),
    ]
    api.reply = refuse(204)
    wait_for(lambda: pod.processes("_keeper") == [])


def test_a_secret_that_does_not_exist_is_said(pod: Bench, api: Api) -> None:
    api.reply_to[OWN] = refuse(401)
    pod.pod[NAME] = "{{ RUNPOD_SECRET_end-kye }}"
    pod.spec(on_pod(shell("s", "true")))
    told = pod.start()["watchdog"]
    assert told["armed"] is False and owners(told) == [["pod-key", "refused"], ["user-key", "missing"]]
    assert "the secret end-kye does not exist" in told["detail"] and "cannot end itself" in told["detail"]
    assert pod.follow().returncode == 0
    wait_for(lambda: pod.processes("_keeper") == [] or api.ends() != [])
    assert all("{{" not in call["headers"]["Authorization"] for call in api.calls)


def test_a_key_of_another_account_is_not_believed(pod: Bench, api: Api) -> None:
    """Its 404 means that it does not see the pod, not that the pod is gone."""
    api.reply_to[OWN] = refuse()
    api.reply_to[USER] = refuse(404)
    pod.spec(on_pod(shell("s", "true")))
    told = pod.start()["watchdog"]
    assert told["armed"] is False and "another account" in told["owners"][1]["detail"]
    assert pod.follow().returncode == 0
    wait_for(lambda: len(api.ends()) >= 2)
    assert set(ended_with(api)) == {OWN}


def test_a_key_that_cannot_be_tested_yet_is_tested_again(pod: Bench, api: Api) -> None:
    api.reply_to[OWN] = refuse()
    api.reply_to[USER] = refuse(503)
    pod.spec(on_pod(shell("s", "sleep 60")))
    told = pod.start()["watchdog"]
    assert told["armed"] is False and owners(told)[1] == ["user-key", "unknown"]
    api.reply_to[USER] = refuse(409)
    wait_for(lambda: pod.state()["watchdog"]["armed"])
    assert len([c for c in api.calls if c["headers"]["Authorization"].endswith(OWN)]) == 1
    pod.command("control", "--job-dir", str(pod.job), "cancel")
    assert pod.follow().returncode == 0


def test_the_guard_has_both_keys(pod: Bench, api: Api) -> None:
    api.reply_to[OWN] = refuse()
    pod.timings["guard_minute"] = 1.0
    argv = ["guard", "--job-dir", str(pod.job), "--rest-url", api.url, "--minutes", "0.2"]
    assert json.loads(pod.command(*argv).stdout)["armed"] is True
    wait_for(lambda: USER in ended_with(api))
    wait_for(lambda: pod.processes("_keeper") == [])


def test_no_step_has_it_and_it_is_written_nowhere(pod: Bench, api: Api) -> None:
    api.reply_to[OWN] = refuse()
    # The value of another process's environment, as root on a pod could read it.
    printed = f"printf 'mine: %s\\n' \"${{{NAME}-none}}\"; echo '{USER[:6]}'; printf '{USER[:8]}'; echo '{USER[8:]}'"
    pod.spec(
        on_pod(shell("s", f"{printed}; touch said; sleep 60", gates=[{"type": "script", "script": "g.py", "args": []}]))
    )
    pod.write("g.py", "import os; print(dict(os.environ))")
    pod.start()
    wait_for((pod.project / "said").exists)
    wait_for(lambda: len(pod.output()) == 3)
    assert pod.output() == ["mine: none", USER[:6], "[secret]"]
    for pid in [*pod.processes("_work"), *pod.processes("_keeper")]:
        for name in ("cmdline", "environ"):
            assert USER.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()
    os.kill(pod.processes("_keeper")[0], signal.SIGKILL)
    wait_for(lambda: len(pod.events("watchdog")) == 2)
    assert owners(pod.events("watchdog")[1])[1] == ["user-key", "armed"]
    pod.command("control", "--job-dir", str(pod.job), "cancel")
    assert pod.follow().returncode == 0
    wait_for(lambda: pod.processes() == [])
    for file in pod.root.rglob("*"):
        assert not file.is_file() or USER.encode() not in file.read_bytes(), file


def test_a_step_that_lists_it_is_refused(pod: Bench, api: Api) -> None:
    pod.spec(on_pod(shell("s", "env", secrets=[NAME])))
    pod.start()
    assert pod.follow().returncode == 0
    assert "never given to a step" in pod.events("step.finished")[0]["reason"]


def test_words() -> None:
    assert is_credential(NAME, "x") and not is_credential("RUNPOD_TRAINER_JOB", "x")
    assert keys_of({"RUNPOD_API_KEY": "a", NAME: "", "HF_TOKEN": "c"}) == {"RUNPOD_API_KEY": "a"}
    assert (
        unresolved(USER) is None
        and unresolved("{{RUNPOD_SECRET_a/b.c}}") == "a/b.c"
        and unresolved("{{ odd }}") == "{{ odd }}"
    )
    for rest_url, words in ((None, "names no API"), ("http://example.com/v2", "not safe")):
        keys = EndKeys(rest_url, "pod1", {"RUNPOD_API_KEY": OWN, NAME: USER}, 1.0)
        assert keys.usable() == [] and keys.settled and not keys.armed
        assert words in keys.detail() and "cannot end itself" in keys.detail() and keys.detail().count(words) == 1
