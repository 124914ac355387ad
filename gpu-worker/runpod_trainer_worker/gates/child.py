"""The child process that evaluates one gate with the step's Python."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Callable, Dict

from ..base.errors import WorkerError
from . import checkpoint, distinct, file, metric, populated, rows, script
from .result import ERROR, CannotTell, Finding, bounds, gate_result
from .values import short_list


def evaluate(request: Dict[str, Any]) -> Dict[str, Any]:
    """The GateResult for `{index, gate, project, metrics, environment, old}`; never raises."""
    gate, project, old = request["gate"], Path(request["project"]), request.get("old") or {}
    checks: Dict[str, Callable[[], Finding]] = {
        "file": lambda: file.file(project, gate, old),
        "rows": lambda: rows.rows(project, gate, old),
        "distinct": lambda: distinct.distinct(project, gate, old),
        "populated": lambda: populated.populated(project, gate, old),
        "metric": lambda: metric.metric(gate, request["metrics"]),
        "checkpoint": lambda: checkpoint.checkpoint(project, gate, old),
        "script": lambda: script.script(project, gate, request["environment"]),
    }
    try:
        finding = checks[gate["type"]]()
    except CannotTell as problem:
        finding = Finding(ERROR, expected(gate), problem.seen, problem.message, problem.evidence)
    except WorkerError as problem:
        finding = Finding(ERROR, expected(gate), "cannot be checked", str(problem))
    except Exception as problem:  # whatever it is, the pipeline must learn that this gate does not hold
        finding = Finding(ERROR, expected(gate), "cannot be checked", f"{type(problem).__name__}: {problem}")
    return gate_result(request["index"], gate, finding)


def expected(gate: Dict[str, Any]) -> str:
    """What has to be so, in short."""
    kind = gate["type"]
    if kind == "file":
        return f">= {gate.get('minBytes', 1)} bytes"
    if kind in ("rows", "metric"):
        return bounds(gate)
    if kind == "distinct":
        wanted = gate.get("includes") or []
        return f"has {short_list(wanted)}" if wanted else f"= {gate.get('count')} values"
    if kind == "populated":
        return f"{float(gate.get('minShare', 1)):.0%} filled"
    return "exit code 0" if kind == "script" else checkpoint.EXPECTED


def main() -> int:
    """Reads the request from standard input, answers through the channel that it names."""
    request = json.load(sys.stdin)
    try:
        answer = evaluate(request)
    except KeyboardInterrupt:
        return 130
    with os.fdopen(request["channel"], "w", encoding="utf-8") as channel:
        channel.write(json.dumps({"result": answer}) + "\n")
    return 0
