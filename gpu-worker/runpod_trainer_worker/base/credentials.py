"""Keeps credentials out of the processes of a step, and out of what they print."""

from __future__ import annotations

import re
from typing import Dict, Iterable, List, Mapping

from .contract import read_contract

MASK = b"[secret]"
#: A shorter value is too likely to be an ordinary word.
SHORTEST = 6

#: Names are tried in capitals. The client reads the same expressions.
_RULES = {name: re.compile(str(text), re.ASCII) for name, text in read_contract("credentials.json").items()}


def is_credential(name: str, value: str) -> bool:
    """Whether this variable looks like a credential, by its name or its value (`contract/credentials.json`)."""
    capitals = name.upper()
    if _RULES["runpodNames"].search(capitals):
        return _RULES["harmlessRunpodNames"].fullmatch(capitals) is None
    return _RULES["names"].search(capitals) is not None or _RULES["values"].search(value) is not None


def without_credentials(environment: Mapping[str, str]) -> Dict[str, str]:
    """The variables that may be passed on."""
    return {name: value for name, value in environment.items() if not is_credential(name, value)}


class Redactor:
    """Replaces known secrets in a stream of bytes, also where one is cut between two pieces."""

    def __init__(self, secrets: Iterable[str]) -> None:
        values = {value.encode("utf-8", "surrogateescape") for value in secrets}
        self._values: List[bytes] = sorted((v for v in values if len(v) >= SHORTEST), key=len, reverse=True)
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """The next piece without secrets; an end that may begin a secret is kept for later."""
        if not self._values:
            return data
        data = self._held + data
        for value in self._values:
            data = data.replace(value, MASK)
        keep = max((_overlap(data, value) for value in self._values), default=0)
        self._held = data[len(data) - keep :]
        return data[: len(data) - keep]

    def finish(self) -> bytes:
        """What was kept."""
        held, self._held = self._held, b""
        return held


def _overlap(data: bytes, value: bytes) -> int:
    for size in range(min(len(data), len(value) - 1), 0, -1):
        if data.endswith(value[:size]):
            return size
    return 0
