"""Gate `rows`: how many rows a parquet file has."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Mapping

from .parquet import open_parquet
from .result import FAILED, PASSED, Finding, bounds, within


def rows(project: Path, gate: Dict[str, Any], old: Mapping[str, str]) -> Finding:
    """The row count in the footer."""
    count = int(open_parquet(project, gate["path"], old).metadata.num_rows)
    expected = bounds(gate)
    if within(gate, count):
        return Finding(PASSED, expected, str(count), None, {"rows": count})
    message = f"{gate['path']} has {count} rows, expected {expected}. Check the step that writes it and its inputs."
    return Finding(FAILED, expected, str(count), message, {"rows": count})
