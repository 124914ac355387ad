"""R2.10: what a pod's own key may do, tried from inside; only statuses are told."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Dict

import pytest
from conftest import PYTHON, Api, Bench

POD = {"RUNPOD_POD_ID": "pod1", "RUNPOD_API_KEY": "rpa_podkeypodkey"}


def probe(bench: Bench, api: Api, mode: str, *more: str, pod: Dict[str, str] = POD) -> Dict[str, Any]:
    """Asked by a child of the pod's process: a session over SSH has not its variables, an ancestor has them."""
    argv = [PYTHON, str(bench.pyz), "probe", mode, "--rest-url", api.url, "--pod", "pod1", "--name", "n", *more]
    code = "import os, subprocess, sys; env = {k: v for k, v in os.environ.items() if not k.startswith('RUNPOD_')};"
    code += f"sys.exit(subprocess.run({argv!r}, env=env).returncode)"
    env = {**{k: v for k, v in bench.environment().items() if k not in POD}, **pod}
    done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert "rpa_" not in done.stdout + done.stderr
    value: Dict[str, Any] = json.loads(done.stdout)
    return value


@pytest.fixture(autouse=True)
def outside_a_pod() -> None:
    try:
        if b"RUNPOD_POD_ID=" in Path("/proc/1/environ").read_bytes():
            pytest.skip("this is a pod")
    except OSError:
        pass


def test_looking_changes_nothing(bench: Bench, api: Api) -> None:
    answer = probe(bench, api, "look", "--mount", str(bench.root))
    assert answer["where"] == "an ancestor"
    assert (answer["session"], answer["key"], answer["start"]) == (False, True, 409)
    assert answer["dfGb"] > 0
    assert api.actions() == ["start"], "GET and PATCH have no answer here, and nothing ended the pod"
    assert api.calls[0]["headers"]["Authorization"] == "Bearer rpa_podkeypodkey"


def test_the_pod_ends_itself(bench: Bench, api: Api) -> None:
    assert probe(bench, api, "end") == {"where": "an ancestor", "session": False, "key": True, "delete": 204}
    assert api.actions() == ["delete"]


def test_without_a_key_or_a_pod_nothing_is_asked(bench: Bench, api: Api) -> None:
    assert probe(bench, api, "end", pod={"RUNPOD_POD_ID": "pod1"})["delete"] is None
    answer = probe(bench, api, "look", pod={})
    assert (answer["where"], answer["key"], "start" in answer) == (None, False, False)
    assert api.calls == []
