"""The code of a notebook, as `%run` or a launcher runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import List

from ..base.text import decoded


def code_cells(notebook: Path) -> List[str]:
    """Source of the notebook's code cells; raises OSError or ValueError when it is not a notebook."""
    raw = json.loads(decoded(notebook.read_bytes()))
    cells = raw.get("cells") if isinstance(raw, dict) else None
    if isinstance(raw, dict) and not isinstance(cells, list):
        # As formats before 4 have them.
        sheets = raw.get("worksheets")
        sheets = sheets if isinstance(sheets, list) else []
        cells = [c for s in sheets if isinstance(s, dict) and isinstance(s.get("cells"), list) for c in s["cells"]] or None
    if not isinstance(cells, list):
        raise ValueError("it has no list of cells")
    sources = []
    for cell in cells:
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", cell.get("input", ""))
            sources.append("".join(map(str, source)) if isinstance(source, list) else str(source))
    return sources
