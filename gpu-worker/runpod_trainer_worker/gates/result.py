"""The result of one gate."""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, Mapping, Optional

from ..base.contract import LIMITS
from ..base.cut import cut_object
from ..resume.before import written_before
from .values import LISTED, plain

PASSED, FAILED, ERROR = "passed", "failed", "error"


@dataclasses.dataclass
class Finding:
    """What a check saw; `message` only when it did not pass."""

    status: str
    expected: str
    seen: str
    message: Optional[str] = None
    evidence: Dict[str, Any] = dataclasses.field(default_factory=dict)


class CannotTell(Exception):
    """The gate cannot be evaluated: `seen` is short, `message` a sentence that names the cause."""

    def __init__(self, seen: str, message: str, **evidence: Any) -> None:
        super().__init__(message)
        self.seen = seen
        self.message = message
        self.evidence = evidence


def not_of_this_run(path: str, old: Mapping[str, str]) -> CannotTell:
    """What the step did not write is no evidence; `old` has such files of the gate, with when they were written."""
    sentence = (
        f"{path} proves nothing: {written_before(old, path)}. Correct the path here or in the step's code; "
        "allowStale is for a step that only checks what is there."
    )
    return CannotTell("not written by this run", sentence, notOfThisRun=dict(sorted(old.items())[:LISTED]))


def path_of(gate: Dict[str, Any]) -> Optional[str]:
    """The pattern of the files that a gate looks at; None where it looks at none."""
    path = gate.get("path")
    return None if path is None else str(path).rstrip("/") if gate["type"] == "checkpoint" else str(path)


def title_of(gate: Dict[str, Any]) -> str:
    """A short name such as `rows of data/base.parquet`."""
    kind, path = gate["type"], gate.get("path", "")
    if kind == "file":
        return f"file {path}"
    if kind == "rows":
        return f"rows of {path}"
    if kind == "distinct":
        return f"values of {gate.get('column')} in {path}"
    if kind == "populated":
        where = gate.get("where")
        rows = f" where {where.get('column')} = {plain(where.get('equals'))}" if isinstance(where, dict) else ""
        return f"{gate.get('column')} filled in {path}{rows}"
    if kind == "metric":
        return f"metric {gate.get('name')}"
    if kind == "checkpoint":
        return f"checkpoint {path}"
    return f"script {gate.get('script')}"


def gate_result(index: int, gate: Dict[str, Any], finding: Finding) -> Dict[str, Any]:
    """The GateResult of the contract."""
    return {
        "index": index,
        "type": gate["type"],
        "title": title_of(gate),
        "status": finding.status,
        "expected": finding.expected[:300],
        "seen": finding.seen[:300],
        "message": None if finding.message is None else finding.message[:2000],
        "evidence": cut_object(plain(finding.evidence), LIMITS.evidence_bytes, LISTED),
    }


def bounds(gate: Dict[str, Any]) -> str:
    """`= 1327`, `>= 1`, `1 … 5`."""
    if gate.get("equals") is not None:
        return f"= {gate['equals']}"
    low, high = gate.get("min"), gate.get("max")
    if low is not None and high is not None:
        return f"{low} … {high}"
    return f">= {low}" if low is not None else f"<= {high}"


def within(gate: Dict[str, Any], value: float) -> bool:
    """Whether a number fits `equals`, `min` and `max`."""
    if gate.get("equals") is not None and value != gate["equals"]:
        return False
    low, high = gate.get("min"), gate.get("max")
    return (low is None or value >= low) and (high is None or value <= high)
