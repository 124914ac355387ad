"""R2.3: a project's folder on a volume is filled from another folder only when that was agreed to."""

from __future__ import annotations

import json
from typing import Any, Dict

from conftest import Bench


def ask(bench: Bench, name: str, adopt: bool = False) -> Dict[str, Any]:
    value = {"id": f"id-{name}", "folder": f"/home/me/{name}", "host": "laptop", "adopt": adopt}
    done = bench.command("files", "origin", "--root", str(bench.project), stdin=json.dumps(value) + "\n")
    answer: Dict[str, Any] = json.loads(done.stdout)
    return answer


def test_the_first_folder_may_and_another_one_when_it_is_agreed_to(bench: Bench) -> None:
    bench.write("filled_before_origins_were_noted.py", "")
    assert ask(bench, "one") == {"ok": True, "others": []}
    refused = ask(bench, "two")
    since = refused["others"][0].pop("since")
    assert since.endswith("Z")
    assert refused == {"ok": False, "others": [{"folder": "/home/me/one", "host": "laptop"}]}
    assert not ask(bench, "two")["ok"], "asking is no consent"
    assert ask(bench, "two", adopt=True)["ok"]
    assert ask(bench, "two")["ok"] and ask(bench, "one")["ok"]


def test_what_is_damaged_is_as_good_as_nothing(bench: Bench) -> None:
    bench.write(".runpod-trainer/origins.json", '{"origins": [3, {"id": 1}')
    assert ask(bench, "one")["ok"]


def test_what_is_no_folder_is_refused(bench: Bench) -> None:
    done = bench.command("files", "origin", "--root", str(bench.project), stdin="[]\n")
    assert "not understood" in json.loads(done.stdout)["error"]["what"]
