"""A requirements file as pip reads it: by pip's own parser where this Python has one, else by lines without a verdict."""

from __future__ import annotations

import os
import posixpath
import re
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple
from urllib.parse import unquote

from ..base.text import decoded
from .pip_failures import Asked, Failing, failing
from .pip_parser import NotRead, Pip, place_of
from .plain_requirements import ARCHIVE, SCHEME, VARIABLE, is_plain, plain_lines, plain_name, plain_parts


class Line(NamedTuple):
    """One requirement. `path` is a place that it installs from, as written; `problem` what pip says against it.

    `applies` is whether its marker holds on a pod: on all, on none, or None when that depends.
    """

    file: str
    line: int
    text: str
    constraint: bool
    name: Optional[str]
    path: Optional[str]
    editable: bool
    address: bool
    problem: Optional[str]
    applies: Optional[bool]


class Include(NamedTuple):
    """A file that another one names. `path` is relative to the root, or as written when it is outside."""

    file: str
    line: int
    path: str
    there: bool
    #: It includes itself in the end.
    again: bool


class Unset(NamedTuple):
    """A variable of a line that has no value here, so that pip leaves it as it is written.

    `sure` when pip cannot go on with it as it is.
    """

    file: str
    line: int
    name: str
    sure: bool


class Conflict(NamedTuple):
    """Two requirements of one package that no version meets."""

    name: str
    text: str
    file: str
    line: int
    other: str
    other_file: str
    other_line: int


class Requirements:
    """What a file and those that it includes say. `pip` is the version that judged, None when none did.

    It is empty when there is nothing to judge: every pip takes names with plain versions.

    `variables` are the values of `${NAME}` beside those of this process; with `only_these` no others count.
    """

    def __init__(
        self, root: str, file: str, variables: Optional[Mapping[str, str]] = None, only_these: bool = False
    ) -> None:
        self._variables = variables or {}
        self._only_these = only_these
        #: Those of `variables` that the files name.
        self.used: Dict[str, str] = {}
        self.unset: List[Unset] = []
        self.lines: List[Line] = []
        self.includes: List[Include] = []
        #: Folders that `--find-links` names, as [file, line, path].
        self.links: List[Tuple[str, int, str]] = []
        #: Option lines and encodings that pip does not read: [file, line, what it says].
        self.refused: List[Tuple[str, int, str]] = []
        self.conflicts: List[Conflict] = []
        #: What pip reads and does not install.
        self.failing: List[Failing] = []
        self._asked: List[Asked] = []
        self._hashes_required = False
        #: Texts of all files by name, in the order of reading.
        self.texts: Dict[str, str] = {}
        #: It includes something that only the network has.
        self.opaque = False
        self._root = root
        # pip has an error of its own for a file that is not there, and takes half a second to start.
        plain = is_plain(_bytes(os.path.join(root, file)))
        self._tools = None if plain else Pip.find()
        self.pip = "" if plain else self._tools.version if self._tools else None
        before = os.getcwd()
        os.chdir(root)
        try:
            self._file(file, False, [])
            if self._tools:
                self.conflicts = list(_conflicts(self._tools, self.lines))
                self.failing = list(failing(self._tools, self._asked, self._hashes_required))
        finally:
            os.chdir(before)

    def _file(self, name: str, constraint: bool, above: List[str]) -> None:
        try:
            self.texts[name] = text = self._tools.text(name) if self._tools else decoded(_bytes(name))
        except (UnicodeError, LookupError) as problem:
            self.refused.append((name, 0, str(problem)))
            return
        self._set(text)
        lines = self._tools.lines(text) if self._tools else plain_lines(text)
        for number, line in lines:
            self._line(name, number, line, constraint, [*above, name])

    def _set(self, text: str) -> None:
        """pip takes values from its own process."""
        for variable in VARIABLE.findall(text):
            if variable in self._variables:
                os.environ[variable] = self.used[variable] = self._variables[variable]
            elif self._only_these:
                os.environ.pop(variable, None)

    def _line(self, name: str, number: int, text: str, constraint: bool, above: List[str]) -> None:
        try:
            requirement, options = self._tools.parts(text) if self._tools else plain_parts(text)
        except NotRead as problem:
            if not VARIABLE.search(text):
                self.refused.append((name, number, str(problem)))
            self._unset(name, number, text, True)
            return
        if requirement is None:
            is_include = bool(options.get("requirements") or options.get("constraints"))
            self._unset(name, number, text, is_include)
            self._options(name, number, options, constraint, above)
            return
        editable = bool(options.get("editables"))
        path = _path_of(requirement, editable)
        refusal = self._tools.problem(requirement, editable, constraint) if self._tools else None
        if VARIABLE.search(text):
            # What it stands for is known on the pod.
            refusal = None
        found = (self._tools.name(requirement) if self._tools else None) or plain_name(requirement)
        if editable or path is not None:
            found = None
        address = editable or path is not None or bool(re.search(r"://|^\w+\+|\s@\s", requirement))
        shown = ("-e " if editable else "") + requirement
        applies = self._tools.applies(requirement) if self._tools and not editable else True
        self.lines.append(Line(name, number, shown, constraint, found, path, editable, address, refusal, applies))
        if applies is not False:
            self._unset(name, number, text, applies is True and not constraint)
        hashes = options.get("hashes") or {}
        self._hashes_required = self._hashes_required or bool(hashes)
        if not constraint and not refusal and not VARIABLE.search(text):
            known = None if found is None else re.sub(r"[-_.]+", "-", found).lower()
            self._asked.append(Asked(name, number, requirement, known, path, editable, address, applies, hashes))

    def _options(self, name: str, number: int, options: Dict[str, Any], constraint: bool, above: List[str]) -> None:
        self._hashes_required = self._hashes_required or bool(options.get("require_hashes"))
        for link in options.get("find_links") or []:
            if not SCHEME.match(link):
                self.links.append((name, number, link))
        # Of several on one line pip reads the first.
        nested = (options.get("requirements") or []) or (options.get("constraints") or [])
        if not nested:
            return
        inner_constraint = not options.get("requirements")
        if VARIABLE.search(nested[0]) or re.match(r"^https?:", nested[0], re.I):
            self.opaque = True
            return
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), nested[0]))
        again = path in above
        there = os.path.isfile(path)
        self.includes.append(Include(name, number, path, there, again))
        if there and not again:
            self._file(path, inner_constraint, above)

    def _unset(self, name: str, number: int, text: str, sure: bool) -> None:
        for variable in dict.fromkeys(VARIABLE.findall(text)):
            self.unset.append(Unset(name, number, variable, sure))

    def to_json(self) -> Dict[str, Any]:
        """As it is answered."""
        return {
            "pip": self.pip,
            "files": list(self.texts),
            "lines": [line._asdict() for line in self.lines],
            "includes": [include._asdict() for include in self.includes],
            "links": self.links,
            "refused": self.refused,
            "conflicts": [conflict._asdict() for conflict in self.conflicts],
            "failing": [one._asdict() for one in self.failing],
            "unset": [one._asdict() for one in self.unset],
            "opaque": self.opaque,
        }


def _conflicts(pip: Pip, lines: List[Line]) -> Iterator[Conflict]:
    by_name: Dict[str, List[Tuple[Line, Any]]] = {}
    for line in lines:
        wanted = pip.read(line.text) if not line.problem and not line.editable else None
        if wanted is None:
            continue
        name = re.sub(r"[-_.]+", "-", wanted.name).lower()
        for other, before in by_name.get(name, []):
            if not (line.constraint and other.constraint) and pip.apart(wanted, before):
                yield Conflict(name, line.text, line.file, line.line, other.text, other.file, other.line)
                break
        by_name.setdefault(name, []).append((line, wanted))


def _bytes(name: str) -> bytes:
    with open(name, "rb") as file:
        return file.read()


def _path_of(requirement: str, editable: bool) -> Optional[str]:
    """The place on a disk that a requirement names, as it is written."""
    text = requirement.strip()
    named = re.match(r"^[A-Za-z0-9._-]+\s*(?:\[[^\]]*\])?\s*@\s*(.*)$", text)
    if named:
        text = named.group(1)
    text = re.sub(r"\s*;\s.*$", "", text)
    if VARIABLE.search(text):
        return None
    if text.lower().startswith("file:"):
        return unquote(place_of(text))
    if SCHEME.match(text) or named:
        return None
    text = re.sub(r"\s*;.*$", "", text)
    bare = re.sub(r"\[[^\]]*\]$", "", text.strip())
    is_place = bare.startswith((".", "/")) or ARCHIVE.search(bare) or (editable and not re.match(r"^\w+\+", bare))
    return bare if is_place or ("/" in bare and " " not in bare and "@" not in bare) else None


def all_text(read: Requirements) -> str:
    """What an environment depends on: the file's text, and those that it includes."""
    texts: List[str] = list(read.texts.values())
    return texts[0] if len(texts) == 1 else "\n".join(f"# {name}\n{text}" for name, text in read.texts.items())
