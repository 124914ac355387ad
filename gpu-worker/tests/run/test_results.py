"""What a job leaves as its results is noted at its end (R3.2)."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Dict

from conftest import Api, Bench, on_pod, shell, wait_for


def run(bench: Bench, command: str, **changes: Any) -> Dict[str, Dict[str, Any]]:
    """Runs it as a job on a pod; the lines of its results by their names."""
    bench.spec(on_pod(shell("s", command)), **changes)
    bench.start()
    wait_for(lambda: bench.state().get("finished"))
    lines = (bench.job / "results.jsonl").read_text(encoding="ascii").splitlines()
    return {line["path"]: line for line in map(json.loads, lines)}


def test_a_job_notes_its_results_before_its_end_is_told(bench: Bench, api: Api) -> None:
    bench.rent(api)
    command = "mkdir -p out; echo 1 > out/a.txt; ln -s a.txt out/b.txt; ln -s /etc/hostname out/c; echo no > other.txt"
    found = run(bench, f"{command}; ln -s x out/d; touch out/$'\\xe9'", fetch=["out/**"])
    a = found["out/a.txt"]
    assert a["size"] == 2 and a["sha256"] == hashlib.sha256(b"1\n").hexdigest()
    assert found["out/b.txt"]["target"] == "out/a.txt" and found["out/b.txt"]["mtime"] == a["mtime"]
    assert "link out of the project" in found["out/c"]["left"]
    assert found["out/d"]["nothing"] is True and "nothing" not in found["out/c"]
    assert set(found) == {"out/a.txt", "out/b.txt", "out/c", "out/d", "out/\udce9"}
    assert bench.events("job.finished")[0]["status"] == "succeeded"


def test_a_failed_job_notes_them_too(bench: Bench, api: Api) -> None:
    bench.rent(api)
    assert set(run(bench, "echo 1 > kept.txt; exit 1", fetch=["kept.txt", "never.txt"])) == {"kept.txt"}


def test_a_job_whose_results_nobody_wants_notes_none(bench: Bench, api: Api) -> None:
    bench.rent(api)
    bench.spec(on_pod(shell("s", "echo 1 > a.txt")))
    bench.start()
    wait_for(lambda: bench.state().get("finished"))
    assert not (bench.job / "results.jsonl").exists()


def test_a_folder_in_its_place_ends_nothing_and_is_told(bench: Bench, api: Api) -> None:
    bench.rent(api)
    bench.spec(on_pod(shell("s", "echo 1 > a.txt")), fetch=["a.txt"])
    (bench.job / "results.jsonl").mkdir()
    bench.start()
    wait_for(lambda: bench.state().get("finished"))
    assert bench.state()["status"] == "succeeded"
    assert any("not noted" in note["text"] for note in bench.events("note"))
