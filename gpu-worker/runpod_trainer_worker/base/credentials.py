"""Keeps credentials out of the processes of a step, and out of what they print."""

from __future__ import annotations

import re
from typing import Dict, Iterable, List, Mapping

MASK = b"[secret]"
#: A shorter value is too likely to be an ordinary word.
SHORTEST = 6

_NAME = re.compile(
    r"(^|_)(API_?KEYS?|KEYS?|TOKENS?|SECRETS?|PASSWORDS?|PASSWD|PASSPHRASE|PWD_HASH|CREDENTIALS?|AUTH|BEARER|COOKIE)(_|$)"
    r"|PASSWORD|SECRET|APIKEY|ACCESSKEY|AUTHTOKEN|^SSH_|^RUNPOD_WEBHOOK_|^NETRC$",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"^(rpa_|rps_|hf_|sk-|ghp_|gho_|github_pat_|glpat-|xox[abp]-|AKIA|ASIA|AIza|eyJ)[\w.-]{8,}"
    r"|^-----BEGIN |://[^/\s:@]*:[^/\s@]+@"
)
_HARMLESS_RUNPOD = re.compile(
    r"^RUNPOD_(TRAINER_(?!END_KEY$)\w+|POD_ID|POD_HOSTNAME|DC_ID|GPU_COUNT|GPU_NAME|CPU_COUNT|MEM_GB|PUBLIC_IP|TCP_PORT_\d+|VOLUME_ID)$"
)


def is_credential(name: str, value: str) -> bool:
    """Whether this variable looks like a credential, by its name or its value."""
    if name.startswith("RUNPOD_"):
        return _HARMLESS_RUNPOD.match(name) is None
    return _NAME.search(name) is not None or _VALUE.search(value) is not None


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
