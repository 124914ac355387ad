"""What client and worker agree on, read from the folder `contract/`."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any, Dict


# Without generated methods, which would cost every start of the worker a few milliseconds.
@dataclasses.dataclass(init=False, repr=False, eq=False)
class Limits:
    """The numbers of `contract/limits.json` that this side uses; `contract/README.md` says why each is what it is."""

    spec_schema_number: int
    state_schema_number: int
    manifest_schema_number: int
    event_line_bytes: int
    event_text_bytes: int
    event_list_items: int
    evidence_bytes: int
    distinct_items: int
    log_event_lines: int
    log_line_characters: int
    name_characters: int
    frame_bytes: int
    piece_bytes: int
    head_line_bytes: int
    settle_milliseconds: int
    incoming_days: int
    removed_days: int
    sync_milliseconds: int
    lease_seconds: int
    end_after_seconds: int
    guard_minutes: int
    claim_patience_seconds: int
    follow_gone_exit_code: int
    follow_other_journal_exit_code: int

    def __init__(self, raw: Dict[str, Any]) -> None:
        """Takes the numbers; raises ValueError for one that is missing or no positive whole number."""
        for field in dataclasses.fields(self):
            name = camel(field.name)
            value = raw.get(name)
            if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
                raise ValueError(f"contract/limits.json: {name} must be a positive whole number, not {value!r}")
            setattr(self, field.name, value)


def camel(name: str) -> str:
    """`event_line_bytes` as it is written in JSON: `eventLineBytes`."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def read_contract(name: str) -> Dict[str, Any]:
    """A file of the contract: packed with the worker, or beside its folder in a checkout."""
    read: Any = getattr(__spec__.loader, "get_data", None)
    # By the path as it was called: an archive knows no other spelling of its own, such as one without a doubled slash.
    place = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    try:
        data: bytes = read(os.path.join(place, "contract", name))
    except OSError:
        data = read(os.path.join(os.path.dirname(place), "contract", name))
    value = json.loads(data)
    if not isinstance(value, dict):
        raise ValueError(f"contract/{name} must be an object")
    return value


LIMITS = Limits(read_contract("limits.json"))
