"""What client and worker agree on, read from the folder `contract/`: numbers, and what a credential looks like."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from typing import Any, Dict

from .selfpath import SELF


@dataclasses.dataclass(frozen=True)
class Limits:
    """The numbers of `contract/limits.json` that this side uses; `contract/README.md` says why each is what it is."""

    spec_schema_number: int
    state_schema_number: int
    manifest_schema_number: int
    event_line_bytes: int
    event_text_bytes: int
    event_list_items: int
    evidence_bytes: int
    log_event_lines: int
    log_line_characters: int
    name_characters: int
    frame_bytes: int
    piece_bytes: int
    head_line_bytes: int
    settle_milliseconds: int
    incoming_days: int
    sync_milliseconds: int
    lease_seconds: int
    end_after_seconds: int
    guard_minutes: int
    follow_gone_exit_code: int
    follow_other_journal_exit_code: int

    @classmethod
    def of(cls, raw: Dict[str, Any]) -> Limits:
        """Reads the numbers; raises ValueError for one that is missing or no positive whole number."""
        values = {}
        for field in dataclasses.fields(cls):
            name = camel(field.name)
            value = raw.get(name)
            if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
                raise ValueError(f"contract/limits.json: {name} must be a positive whole number, not {value!r}")
            values[field.name] = value
        return cls(**values)


def camel(name: str) -> str:
    """`event_line_bytes` as it is written in JSON: `eventLineBytes`."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _read(name: str) -> Dict[str, Any]:
    """A file of the contract: packed with the worker, or beside its folder in a checkout."""
    read: Any = getattr(__spec__.loader, "get_data", None)
    try:
        data: bytes = read(os.path.join(SELF, "contract", name))
    except OSError:
        data = read(os.path.join(os.path.dirname(SELF), "contract", name))
    value = json.loads(data)
    if not isinstance(value, dict):
        raise ValueError(f"contract/{name} must be an object")
    return value


LIMITS = Limits.of(_read("limits.json"))


class CredentialRules:
    """`contract/credentials.json`: regular expressions that Python and JavaScript read the same way."""

    def __init__(self, raw: Dict[str, Any]) -> None:
        # Names are compared in capitals, which is how both sides make them the same.
        self.names = re.compile(str(raw["names"]), re.ASCII)
        self.values = re.compile(str(raw["values"]), re.ASCII)
        self.runpod_names = re.compile(str(raw["runpodNames"]), re.ASCII)
        self.harmless_runpod_names = re.compile(str(raw["harmlessRunpodNames"]), re.ASCII)


def credential_rules() -> CredentialRules:
    """Reads the rules."""
    return CredentialRules(_read("credentials.json"))
