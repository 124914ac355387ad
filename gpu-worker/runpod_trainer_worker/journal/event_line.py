"""The line of an event: whatever a step prints or a project names, none is longer than a client reads."""

from __future__ import annotations

from typing import Any, Dict

from ..base import fsutil
from ..base.contract import LIMITS
from ..base.cut import cut_characters, cut_object, cut_text

#: Fields that hold a name, in whichever event.
_NAMES = {"job", "project", "podId", "step", "name", "type", "owner", "state"}


def line_of(event: Dict[str, Any]) -> bytes:
    """The event as one line of the journal; what does not fit loses its end, and texts say how much."""
    # The lines of a log are cut where they are made, and it is by far the most frequent event.
    fitted = event if event["type"] == "log" else _within(event, 1)
    share = 1
    while True:
        line = fsutil.encode(fsutil.dumps(fitted))
        if len(line) <= LIMITS.event_line_bytes or share > LIMITS.event_text_bytes:
            return line + b"\n"
        share *= 2
        fitted = _within(event, share)


def _within(value: Any, share: int, field: str = "") -> Any:
    """The value within its limits, of which a larger `share` leaves less."""
    if isinstance(value, str):
        if field in _NAMES:
            return cut_characters(value, LIMITS.name_characters)
        return cut_text(value, max(64, LIMITS.event_text_bytes // share))
    if isinstance(value, (list, tuple)):
        items = max(1, LIMITS.event_list_items // share)
        kept = [_within(item, share) for item in value[:items]]
        if len(value) > items and isinstance(kept[-1], str):
            kept[-1] = f"… ({len(value) - items + 1} more)"
        return kept
    if isinstance(value, dict):
        if field == "evidence":
            return cut_object(value, max(64, LIMITS.evidence_bytes // share), LIMITS.event_list_items)
        return {str(key): _within(item, share, str(key)) for key, item in value.items()}
    return value
