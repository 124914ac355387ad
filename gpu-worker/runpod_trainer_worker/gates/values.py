"""How values are told in evidence and sentences."""

from __future__ import annotations

import math
from typing import Any, Iterable, List

#: Evidence lists at most this many values.
LISTED = 50


def plain(value: Any, depth: int = 0) -> Any:
    """A value that fits into strict JSON; long texts are cut, numbers that are not finite become texts."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        # Whoever reads the evidence may have doubles only.
        return value if abs(value) < 1 << 53 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return value if len(value) <= 200 else value[:200] + "…"
    if depth > 5:
        return "…"
    if isinstance(value, dict):
        return {str(key)[:200]: plain(item, depth + 1) for key, item in list(value.items())[:LISTED]}
    if isinstance(value, (list, tuple, set)):
        return [plain(item, depth + 1) for item in list(value)[:LISTED]]
    return plain(str(value), depth)


def ordered(values: Iterable[Any]) -> List[Any]:
    """At most LISTED values in a stable order: numbers by size, then the rest by text."""

    def key(value: Any) -> Any:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return (0, value, "") if number and value == value else (1, 0, str(value))

    return [plain(value) for value in sorted(values, key=key)[:LISTED]]


def short_list(values: Iterable[Any], most: int = 8) -> str:
    """A short list for a sentence."""
    items = [str(value) for value in values]
    return ", ".join(items[:most]) + (f" and {len(items) - most} more" if len(items) > most else "")
