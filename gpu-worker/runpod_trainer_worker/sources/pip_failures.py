"""What pip reads and then does not install, on whichever pod: hashes that are missing, wheels for other machines."""

from __future__ import annotations

import os
import re
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Set

from .pip_parser import NotRead, Pip

#: Digits of the hashes that pip compares.
_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
_IN_ADDRESS = re.compile(r"[#&](?:md5|sha1|sha224|sha256|sha384|sha512)=")


class Asked(NamedTuple):
    """A line that asks for a package, as far as it decides whether pip installs it."""

    file: str
    line: int
    text: str
    #: As the index writes it.
    name: Optional[str]
    path: Optional[str]
    editable: bool
    address: bool
    applies: Optional[bool]
    hashes: Dict[str, List[str]]


class Failing(NamedTuple):
    """A line at which pip stops. `kind` is `hash` or `wheel`; `sure` where its marker holds on every pod."""

    file: str
    line: int
    text: str
    name: Optional[str]
    kind: str
    said: str
    sure: bool


def failing(pip: Pip, asked: Sequence[Asked], hashes_required: bool) -> Iterator[Failing]:
    """The lines that fail, in their order."""
    seen: Set[str] = set()
    for one in asked:
        if one.applies is False:
            continue
        said, kind = _wheel_problem(pip, one), "wheel"
        # Of several lines for a package pip takes the hashes of the first.
        if said is None and hashes_required and (one.name is None or one.name not in seen):
            said, kind = _hash_problem(pip, one), "hash"
        if one.name is not None:
            seen.add(one.name)
        if said is not None:
            yield Failing(one.file, one.line, one.text, one.name, kind, said, one.applies is True)


def _hash_problem(pip: Pip, one: Asked) -> Optional[str]:
    if one.editable or (one.path is not None and os.path.isdir(one.path)):
        return "a folder has no single file to hash"
    if re.search(r"(^|@\s)\s*(git|hg|svn|bzr)\+", one.text):
        return "the hash of a repository cannot be checked"
    if not one.address and not pip.is_pinned(one.text):
        return "where hashes are checked, all requirements must have their versions pinned with =="
    if not one.hashes and not _IN_ADDRESS.search(one.text):
        return "where hashes are checked, all requirements must have one"
    digests = [(kind, digest) for kind, found in one.hashes.items() for digest in found]
    if digests and all(len(digest) != _DIGITS.get(kind, len(digest)) for kind, digest in digests):
        return "a hash of this kind has another length"
    return None


def _wheel_problem(pip: Pip, one: Asked) -> Optional[str]:
    wanted = pip.read(one.text) if not one.editable else None
    url = getattr(wanted, "url", None)
    address = url or (re.sub(r"\s;.*$", "", one.text) if one.address else "")
    try:
        wheel = pip.wheel(re.split(r"\s", address.strip())[0]) if address else None
    except NotRead as problem:
        return str(problem)
    if wheel is None:
        return None
    if not pip.fits_a_pod(wheel):
        return "it is not a supported wheel on Linux with a 64-bit Intel or AMD processor and a Python of today"
    if wanted is not None and url and _index_name(wheel.name) != _index_name(wanted.name):
        return f"the wheel is one of {wheel.name}"
    return None


def _index_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
