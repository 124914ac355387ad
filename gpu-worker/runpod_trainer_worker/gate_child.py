"""The child process that evaluates one gate with the step's Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict

from . import gate_checkpoint, gate_parquet
from .errors import WorkerError
from .gate_result import ERROR, FAILED, PASSED, CannotTell, Finding, bounds, gate_result, within
from .gate_values import told
from .globs import match

_KEPT_OUTPUT = 20


def _file(project: Path, gate: Dict[str, Any]) -> Finding:
    path, least = gate["path"], int(gate.get("minBytes", 1))
    expected = f">= {least} bytes"
    found = match(project, path)
    if not found:
        raise CannotTell("no file", f"No file matches {path}. Check the path and the step that writes it.")
    sizes = {name: (project / name).stat().st_size for name in found}
    small = {name: size for name, size in sizes.items() if size < least}
    evidence: Dict[str, Any] = {"files": len(found), "bytes": sum(sizes.values()), "smallest": min(sizes.values())}
    if small:
        evidence["tooSmall"] = small
        message = f"{told(small, 5)}: smaller than {least} bytes (smallest: {min(small.values())}). Write it again."
        return Finding(FAILED, expected, f"{min(small.values())} bytes", message, evidence)
    seen = f"{len(found)} files" if len(found) > 1 else f"{sizes[found[0]]} bytes"
    return Finding(PASSED, expected, seen, None, evidence)


def _metric(gate: Dict[str, Any], summary: Dict[str, Any]) -> Finding:
    name, which = gate["name"], gate.get("of", "last")
    entry, expected = summary.get(name), f"{which} {bounds(gate)}"
    if entry is None:
        there = f"It reported: {told(sorted(summary))}." if summary else "It reported no metric at all."
        how = 'Append {"' + name + '": value} as a line to the file that RUNPOD_TRAINER_METRICS names.'
        raise CannotTell("not reported", f"The step never reported the metric {name}. {there} {how}")
    # With a lower bound more is better; with only an upper one less is.
    high_is_good = gate.get("min") is not None
    value = entry["last"] if which == "last" else entry["max" if high_is_good == (which == "best") else "min"]
    evidence = {"value": value, **entry}
    if which == "worst" and not entry["finite"]:
        value = None
    if value is None:
        message = f"The {which} value of {name} is not finite. Lower the learning rate, or look at the data."
        return Finding(FAILED, expected, "not finite", message, evidence)
    if within(gate, value):
        return Finding(PASSED, expected, f"{value:g}", None, evidence)
    return Finding(FAILED, expected, f"{value:g}", f"The {which} {name} is {value:g}, expected {bounds(gate)}.", evidence)


def _script(project: Path, gate: Dict[str, Any], environment: Dict[str, str]) -> Finding:
    if not (project / gate["script"]).is_file():
        raise CannotTell("no file", f"The gate's script {gate['script']} does not exist.")
    argv = [sys.executable, gate["script"], *gate.get("args", [])]
    done = subprocess.run(argv, cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode("utf-8", "replace")
    sys.stdout.write(text)
    sys.stdout.flush()
    lines = [line for line in text.splitlines() if line.strip()]
    evidence: Dict[str, Any] = {"exitCode": done.returncode}
    try:
        last = json.loads(lines[-1]) if lines else None
    except ValueError:
        last = None
    if isinstance(last, dict):
        evidence.update(last)
    if done.returncode == 0:
        return Finding(PASSED, "exit code 0", "exit code 0", None, evidence)
    evidence["output"] = lines[-_KEPT_OUTPUT:]
    ending = f" Its last line: {lines[-1]}" if lines else ""
    message = f"{gate['script']} ended with exit code {done.returncode}.{ending}"
    return Finding(FAILED, "exit code 0", f"exit code {done.returncode}", message, evidence)


def evaluate(request: Dict[str, Any]) -> Dict[str, Any]:
    """The GateResult for `{index, gate, project, metrics, environment}`; never raises."""
    gate, project = request["gate"], Path(request["project"])
    checks: Dict[str, Callable[[], Finding]] = {
        "file": lambda: _file(project, gate),
        "rows": lambda: gate_parquet.rows(project, gate),
        "distinct": lambda: gate_parquet.distinct(project, gate),
        "populated": lambda: gate_parquet.populated(project, gate),
        "metric": lambda: _metric(gate, request["metrics"]),
        "checkpoint": lambda: gate_checkpoint.checkpoint(project, gate),
        "script": lambda: _script(project, gate, request["environment"]),
    }
    try:
        finding = checks[gate["type"]]()
    except CannotTell as problem:
        finding = Finding(ERROR, _expected(gate), problem.seen, problem.message, problem.evidence)
    except WorkerError as problem:
        finding = Finding(ERROR, _expected(gate), "cannot be checked", str(problem))
    except Exception as problem:  # whatever it is, the pipeline must learn that this gate does not hold
        finding = Finding(ERROR, _expected(gate), "cannot be checked", f"{type(problem).__name__}: {problem}")
    return gate_result(request["index"], gate, finding)


def _expected(gate: Dict[str, Any]) -> str:
    kind = gate["type"]
    if kind == "file":
        return f">= {gate.get('minBytes', 1)} bytes"
    if kind in ("rows", "metric"):
        return bounds(gate)
    if kind == "distinct":
        wanted = gate.get("includes") or []
        return f"has {told(wanted)}" if wanted else f"= {gate.get('count')} values"
    if kind == "populated":
        return f"{float(gate.get('minShare', 1)):.0%} filled"
    return "exit code 0" if kind == "script" else "loads, all finite"


def main() -> int:
    """Reads the request from standard input, answers through the channel that it names."""
    request = json.load(sys.stdin)
    answer = evaluate(request)
    with os.fdopen(request["channel"], "w", encoding="utf-8") as channel:
        channel.write(json.dumps({"result": answer}) + "\n")
    return 0
