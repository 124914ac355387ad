"""The numbers of the contract: read once, checked, and kept by everything that the worker tells."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest
from conftest import CONTRACT, Bench, schema, shell

from runpod_trainer_worker.base.contract import LIMITS, Limits, camel
from runpod_trainer_worker.base.cut import cut_characters, cut_object, cut_text, json_bytes, text_bytes
from runpod_trainer_worker.base.timings import Timings
from runpod_trainer_worker.journal.event_line import line_of
from runpod_trainer_worker.run.metrics import pieces

RAW: Dict[str, Any] = json.loads((CONTRACT / "limits.json").read_text())
#: One, two, three, four and six bytes in JSON.
CHARACTERS = ["a", '"', "\\", "\n", "\x01", "\x1b", "\x7f", "é", "你", "\u2028", "🎵", "\ud800"]


def test_both_forms_of_the_worker_read_the_same_numbers(pyz: Path) -> None:
    code = "from runpod_trainer_worker.base.contract import LIMITS; print(vars(LIMITS))"
    for place in (pyz, CONTRACT.parent / "gpu-worker"):
        argv = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(place)!r}); {code}"]
        assert subprocess.run(argv, capture_output=True, text=True, check=True, cwd="/").stdout.strip() == repr(vars(LIMITS))


@pytest.mark.parametrize("wrong", [None, 0, -1, 1.5, "1", True])
def test_number_that_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="frameBytes must be a positive whole number"):
        Limits({**RAW, "frameBytes": wrong})
    assert camel("event_line_bytes") == "eventLineBytes"


def test_waiting_is_in_the_order_that_the_contract_needs() -> None:
    timings = Timings()
    assert (timings.sync, timings.lease, timings.end_after) == (0.5, LIMITS.lease_seconds, LIMITS.end_after_seconds)


def text_of(seed: random.Random, length: int) -> str:
    kinds = seed.sample(CHARACTERS, seed.randint(1, len(CHARACTERS)))
    return "".join(seed.choice(kinds) for _ in range(length))


def test_texts_are_cut_by_their_bytes_and_say_so() -> None:
    for number in range(300):
        seed = random.Random(number)
        text, most = text_of(seed, seed.randint(0, 400)), seed.randint(50, 700)
        cut = cut_text(text, most)
        assert text_bytes(cut) <= most, number
        if text_bytes(text) <= most:
            assert cut == text
            continue
        kept, _, ending = cut.rpartition("… (")
        assert text.startswith(kept) and ending == f"{len(text) - len(kept)} more characters)", number
        assert text_bytes(cut) > most - 30, f"{number}: as much as there is room for"


def test_cut_by_characters() -> None:
    assert cut_characters("x" * 200, 200) == "x" * 200
    assert cut_characters("x" * 201, 200) == "x" * 160 + "… (41 more characters)"
    assert cut_characters("x" * 100, 200, beyond=7) == "x" * 100 + "… (7 more characters)"


def value_of(seed: random.Random, depth: int = 0) -> Any:
    kind = seed.randint(0, 3 if depth < 5 else 1)
    if kind == 0:
        return seed.choice([None, True, 1, -1.5, 10**300])
    if kind == 1:
        return text_of(seed, seed.choice([0, 3, 50, 5000]))
    if kind == 2:
        return [value_of(seed, depth + 1) for _ in range(seed.choice([0, 2, 60]) if depth < 2 else 2)]
    return {text_of(seed, 5) + str(n): value_of(seed, depth + 1) for n in range(seed.choice([0, 2, 30]) if depth < 2 else 2)}


def test_values_are_cut_by_their_bytes() -> None:
    for number in range(25):
        seed = random.Random(number)
        value = {"v": value_of(seed), "w": value_of(seed)}
        most = seed.choice([200, 3000, LIMITS.evidence_bytes])
        cut = cut_object(value, most, 50)
        assert json_bytes(cut) <= most and (cut == value or json_bytes(value) > most), number


LONG = "长" * 200_000
GATE = {
    "index": 0,
    "type": "script",
    "title": LONG,
    "status": "failed",
    "expected": LONG,
    "seen": '"' * 99_999,
    "message": "\x01" * 99_999,
    "evidence": {"a" * 999: ["x" * 999] * 99, "n": 3},
}
SMALL = {**GATE, "title": "t", "expected": "", "seen": "x" * 300, "message": "m" * 2000, "evidence": {"rows": 3}}
HUGE: List[Dict[str, Any]] = [
    {"type": "step.started", "step": "s", "index": 1, "of": 2, "why": [LONG] * 2000, "argv": ["bash", "-c", LONG] * 300},
    {"type": "step.skipped", "step": "s", "why": LONG, "gates": [GATE] * 12},
    {"type": "step.local", "step": "s", "status": "passed", "seconds": 1, "why": None, "gates": [SMALL] * 2000},
    {"type": "gate", "step": "s", "gate": GATE},
    {"type": "step.finished", "step": "s", "status": "failed", "exitCode": 1, "seconds": 1.0, "reason": LONG},
    {"type": "note", "level": "error", "text": LONG},
    {
        "type": "watchdog",
        "armed": False,
        "detail": LONG,
        "deadline": None,
        "owners": [{"owner": LONG, "state": LONG, "detail": LONG}],
    },
    {"type": "job.finished", "status": "failed", "reason": "🎵" * 99_999, "step": "s", "seconds": 1.0},
    {"type": "log", "step": "s", "stream": "out", "lines": [LONG] * 9},
]


@pytest.mark.parametrize("event", HUGE, ids=lambda e: str(e["type"]))
def test_every_event_fits_whatever_it_tells(event: Dict[str, Any]) -> None:
    line = line_of({"epoch": 1, "seq": 1, "time": "2026-11-22T09:30:12.123Z", **event})
    assert len(line) - 1 <= LIMITS.event_line_bytes and line.count(b"\n") == 1
    schema("events").validate(json.loads(line)) if event["type"] != "log" else None


def test_command_that_is_cut_says_how_much_is_missing() -> None:
    event = {"epoch": 1, "seq": 1, "time": "t", "type": "step.started", "argv": ["bash", "-c", "x" * 99_999]}
    told = json.loads(line_of(event))["argv"][2]
    assert text_bytes(told) <= LIMITS.event_text_bytes and told.endswith(f"… ({99_999 - told.count('x')} more characters)")
    event["argv"] = [str(n) for n in range(3000)]
    told = json.loads(line_of(event))["argv"]
    assert len(told) == LIMITS.event_list_items and told[-1] == "… (2001 more)"


def test_metrics_with_many_or_long_names_come_in_pieces() -> None:
    report = {f"{n}-{'m' * 300}": float(n) for n in range(2500)}
    parts = list(pieces({**report, "nan": None}))
    assert 3 <= len(parts) <= 6 and all(len(name) <= LIMITS.name_characters for part in parts for name in part)
    assert all(json_bytes(part) < LIMITS.event_line_bytes * 0.6 and len(part) <= LIMITS.event_list_items for part in parts)
    assert [value for part in parts for value in part.values()] == [*report.values(), None]


def test_job_that_tells_too_much_is_told_whole(bench: Bench) -> None:
    """A gate with giant evidence, a command and a metric with long names; the bench checks the journal's lines."""
    evidence = "{f'k{n}': ['x' * 190] * 50 for n in range(50)}"
    bench.write("gate.py", f"import json\nprint(json.dumps({evidence}))\n")
    metric = "python3 -c \"import json; print(json.dumps({'m' * 5000: 1, 'ok': 2}))\" >> $RUNPOD_TRAINER_METRICS"
    long = ": " + "长" * 40_000
    gates = [{"type": "script", "script": "gate.py"}] * 2
    bench.spec(shell("s", f"{metric}\n{long}", gates=gates))
    assert bench.run_here().returncode == 0, bench.events()[-1]
    sizes = [json_bytes(event["gate"]["evidence"]) for event in bench.events("gate")]
    assert len(sizes) == 2 and all(1000 < size <= LIMITS.evidence_bytes for size in sizes)
    names = [name for event in bench.events("metric") for name in event["values"]]
    assert "ok" in names and any(name.endswith("more characters)") for name in names)
    assert bench.events("step.started")[0]["argv"][-1].endswith("more characters)")
