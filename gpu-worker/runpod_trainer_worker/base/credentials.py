"""What a credential looks like, and which secrets can be kept out of what a step prints."""

from __future__ import annotations

import re
from typing import Dict, Mapping, Optional

from .contract import read_contract

_CONTRACT = read_contract("credentials.json")
#: Names are tried in capitals. The client reads the same expressions.
_RULES = {name: re.compile(text, re.ASCII) for name, text in _CONTRACT.items() if isinstance(text, str)}
_COMMON = re.compile(_CONTRACT["commonSecrets"], re.ASCII | re.IGNORECASE)
_SHORTEST: int = _CONTRACT["shortestSecret"]
_FEWEST: int = _CONTRACT["fewestCharacters"]


def is_credential(name: str, value: str) -> bool:
    """Whether this variable looks like a credential, by its name or its value (`contract/credentials.json`)."""
    capitals = name.upper()
    if _RULES["runpodNames"].search(capitals):
        return _RULES["harmlessRunpodNames"].fullmatch(capitals) is None
    return _RULES["names"].search(capitals) is not None or _RULES["values"].search(value) is not None


def without_credentials(environment: Mapping[str, str]) -> Dict[str, str]:
    """The variables that may be passed on."""
    return {name: value for name, value in environment.items() if not is_credential(name, value)}


def why_not_maskable(value: str) -> Optional[str]:
    """Why a secret cannot be kept out of what steps print, or None: hiding it would hide half the output."""
    bare = value.strip(" \t\r\n")
    if len(bare) < _SHORTEST:
        return f"It has fewer than {_SHORTEST} characters, which stand in other words by chance."
    if len(set(bare)) < _FEWEST:
        return f"It has fewer than {_FEWEST} different characters, which stand in other output by chance."
    if _COMMON.fullmatch(bare):
        return "It is a common word or number, which stands in other output too."
    return None
