"""A requirements file read line by line, where this Python has no pip and where no line needs one."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, Iterator, Optional, Tuple

#: An address, of which a drive of Windows is none.
SCHEME = re.compile(r"^([a-z][\w+.-]+:|[\w.-]+@[\w.-]+:)", re.I)
ARCHIVE = re.compile(r"\.(whl|zip|tar\.gz|tgz|tar\.bz2|tbz|tar\.xz|txz|tlz|tar\.lz|tar\.lzma|tar)$", re.I)
VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_NAME = re.compile(r"^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(.*)$")
_PLAIN = re.compile(
    r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\s*"
    r"((==|>=|<=|!=|<|>)\s*\d+(\.\d+){0,3}(\s*,\s*(==|>=|<=|!=|<|>)\s*\d+(\.\d+){0,3})*)?$"
)
_OPTION = re.compile(r"^(-[rcefi])\s*=?\s*(.*)$|^(--[a-z-]+)(?:[= ]\s*(.*))?$")


def is_plain(content: bytes) -> bool:
    lines = content.decode("ascii", "replace").splitlines()
    wanted = [line for line in (re.sub(r"(^|\s+)#.*$", "", line).strip() for line in lines) if line]
    names = [re.sub(r"[-_.]+", "-", _NAME.sub(r"\1", line)).lower() for line in wanted]
    whole = content.isascii() and not any(line.endswith("\\") for line in lines)
    return (
        whole and len(set(names)) == len(names) and all(map(_PLAIN.match, wanted)) and not any(map(ARCHIVE.search, wanted))
    )


def plain_lines(text: str) -> Iterator[Tuple[int, str]]:
    pending, start = "", 1
    for number, raw in enumerate(text.splitlines(), 1):
        start = start if pending else number
        if raw.endswith("\\") and not raw.lstrip().startswith("#"):
            pending += raw[:-1] + " "
            continue
        line = re.sub(r"(^|\s+)#.*$", "", pending + raw).strip()
        pending = ""
        if line:
            yield start, _expanded(line)
    last = re.sub(r"(^|\s+)#.*$", "", pending).strip()
    if last:
        yield start, _expanded(last)


def _expanded(line: str) -> str:
    return VARIABLE.sub(lambda found: os.environ.get(found.group(1)) or found.group(0), line)


def plain_parts(text: str) -> Tuple[Optional[str], Dict[str, Any]]:
    found = _OPTION.match(text)
    if found is None:
        return re.split(r"\s+--?[a-z]", text)[0].strip(), {}
    option, value = found.group(1) or found.group(3), (found.group(2) or found.group(4) or "").strip()
    keys = {"-r": "requirements", "--requirement": "requirements", "-c": "constraints", "--constraint": "constraints"}
    keys.update({"-f": "find_links", "--find-links": "find_links"})
    if option in ("-e", "--editable"):
        return value, {"editables": [value]}
    return None, {keys[option]: [value]} if option in keys else {}


def plain_name(text: str) -> Optional[str]:
    found = _NAME.match(text)
    return None if found is None or SCHEME.match(text) else found.group(1)
