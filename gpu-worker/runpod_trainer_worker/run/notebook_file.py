"""A notebook's file, read as editors of every kind leave it (contract/vectors/notebooks.json)."""

from __future__ import annotations

import json
from typing import Any, Dict, List

from ..base.text import decoded

_PYTHON = ("python", "python3", "ipython")
_FORMATS = (1, 2, 3, 4)


def notebook_text(data: bytes) -> str:
    """The notebook as JSON without saved outputs, whose optional parts have the types that they should have.

    Raises ValueError with the cause, a JSONDecodeError for what is no JSON.
    """
    raw = json.loads(decoded(data))
    if not isinstance(raw, dict):
        raise ValueError("it is not a notebook")
    if raw.get("nbformat") not in _FORMATS or isinstance(raw["nbformat"], bool):
        raise ValueError("it does not say that it is a notebook of format 1 to 4")
    metadata = _dict(raw.get("metadata"))
    raw["metadata"] = {k: v for k, v in metadata.items() if k not in ("kernelspec", "language_info") or isinstance(v, dict)}
    for number, cell in enumerate(_cells(raw), 1):
        if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str):
            raise ValueError(f"cell {number} is no cell")
        _mend(cell, raw["nbformat"])
    return json.dumps(raw)


def _cells(raw: Dict[str, Any]) -> List[Any]:
    if isinstance(raw.get("cells"), list) and raw["nbformat"] in (1, 4):
        return list(raw["cells"])
    sheets = raw.get("worksheets")
    if not isinstance(sheets, list) or raw["nbformat"] == 4:
        raise ValueError("it has no list of cells")
    raw["worksheets"] = [{**sheet, "cells": _list(sheet.get("cells"))} for sheet in sheets if isinstance(sheet, dict)]
    return [cell for sheet in raw["worksheets"] for cell in sheet["cells"]]


def _mend(cell: Dict[str, Any], version: int) -> None:
    metadata = cell["metadata"] = _dict(cell.get("metadata"))
    tags = metadata.pop("tags", None)
    tags = [tags] if isinstance(tags, str) else [tag for tag in _list(tags) if isinstance(tag, str)]
    if tags:
        metadata["tags"] = tags
    key = "source" if version == 4 or cell["cell_type"] != "code" else "input" if version > 1 else "code"
    source = cell.get(key)
    cell[key] = "".join(map(str, source)) if isinstance(source, list) else source if isinstance(source, str) else ""
    if cell["cell_type"] == "code":
        cell["outputs"] = []


def language_of(metadata: Dict[str, Any]) -> str:
    """The language that the kernel says, else the one of the last run; the kernel's name means nothing elsewhere."""
    named = _dict(metadata.get("kernelspec")).get("language"), _dict(metadata.get("language_info")).get("name")
    return next((name for name in named if isinstance(name, str) and name), "python")


def is_python(language: str) -> bool:
    """Whether a Python kernel runs it."""
    return language.lower() in _PYTHON


def _dict(value: Any) -> Dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> List[Any]:
    return value if isinstance(value, list) else []
