"""How values of a column are compared with values of the project file, and told."""

from __future__ import annotations

import base64
import datetime
import decimal
import json
import math
from typing import Any, Iterable, List

#: Evidence lists at most this many values.
LISTED = 50


def canonical(value: Any) -> str:
    """One text for values that a person takes for the same: 1, 1.0 and "1"; true and "true"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (float, decimal.Decimal)) and value == value and value not in (math.inf, -math.inf):
        return str(int(value)) if value == int(value) else repr(float(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (list, dict)):
        return json.dumps(value, sort_keys=True, default=str)
    return str(value)


def plain(value: Any, depth: int = 0) -> Any:
    """A value that fits into strict JSON; long texts are cut, numbers that are not finite become texts."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value[:60]).decode("ascii")
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
