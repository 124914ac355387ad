"""Patterns of the project file, as `contract/vectors/globs.json` has them and the client reads them.

`*`, `?` and `[ab]` stay within one name; `**` is any number of folders where it is a whole part of the path, else `*`;
`\\` takes the next character as it is; a trailing `/` means everything below a folder. A path that is the pattern letter
by letter matches too. Names are compared in one Unicode form.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Iterable, Iterator, List, Set, Tuple

#: Folders that never count as a project's files.
SKIPPED = {".runpod-trainer", ".git", "__pycache__", ".ipynb_checkpoints", "node_modules", ".venv"}
_MAGIC = re.compile(r"[*?\[\\]")


def has_magic(pattern: str) -> bool:
    """Whether the pattern is more than a plain path."""
    return _MAGIC.search(pattern) is not None or pattern.endswith("/")


def normal(path: str) -> str:
    """The path in the Unicode form in which paths are compared: file systems keep the form in which a name was typed."""
    if path.isascii():
        return path
    import unicodedata

    return unicodedata.normalize("NFC", path)


class Glob:
    """One pattern."""

    def __init__(self, text: str) -> None:
        self.plain = normal(text[2:] if text.startswith("./") else text)
        self.is_magic = has_magic(self.plain)
        below = f"{self.plain}**" if self.plain.endswith("/") else self.plain
        self._expression = re.compile(_expression(below), re.DOTALL)
        self._folder = self.plain if self.plain.endswith("/") else f"{self.plain}/"
        self._parts = [None if part == "**" else re.compile(_part(part), re.DOTALL) for part in below.split("/")]

    def matches(self, path: str) -> bool:
        """Whether a relative path of a file is meant."""
        name = normal(path)
        if name == self.plain or (not self.is_magic and name.startswith(self._folder)):
            return True
        return self._expression.fullmatch(name) is not None

    def may_match_below(self, folder: str) -> bool:
        """Whether the path of a file in this folder, or deeper, could match."""
        name = normal(folder)
        if self.plain.startswith(f"{name}/") or (not self.is_magic and f"{name}/".startswith(self._folder)):
            return True
        reached = self._past_any({0})
        for part in name.split("/"):
            here, reached = reached, set()
            for index in here:
                expression = self._parts[index]
                if expression is None:
                    reached.add(index)
                elif index + 1 < len(self._parts) and expression.fullmatch(part) is not None:
                    reached.add(index + 1)
            reached = self._past_any(reached)
        return len(reached) > 0

    def _past_any(self, reached: Set[int]) -> Set[int]:
        """With where one stands when a `**` is no folder at all."""
        for index in sorted(reached):
            while self._parts[index] is None and index + 1 < len(self._parts):
                index += 1
                reached.add(index)
        return reached


def _expression(glob: str) -> str:
    parts = [part for part, before in _with_previous(glob.split("/")) if not (part == before == "**")]
    last = len(parts) - 1
    out = ""
    for index, part in enumerate(parts):
        if part == "**":
            out += ".+" if index == last else "(?:[^/]+/)*"
        else:
            out += _part(part) + ("" if index == last else "/")
    return out


def _with_previous(parts: List[str]) -> Iterator[Tuple[str, str]]:
    return zip(parts, ["", *parts])


def _part(part: str) -> str:
    """One name of the path."""
    out, index = "", 0
    while index < len(part):
        character = part[index]
        end = _class_end(part, index)
        if character == "*":
            out = out if out.endswith("[^/]*") else f"{out}[^/]*"
        elif character == "?":
            out += "[^/]"
        elif end is not None:
            out, index = out + _class(part[index + 1 : end]), end
        else:
            if character == "\\" and index + 1 < len(part):
                index += 1
                character = part[index]
            out += re.escape(character)
        index += 1
    return out


def _class_end(part: str, start: int) -> "int | None":
    """Where the `]` of a class that begins here is; one that comes first belongs to it."""
    if part[start] != "[":
        return None
    index = start + (2 if part[start + 1 : start + 2] in ("!", "^") else 1)
    first = index
    while index < len(part):
        if part[index] == "]" and index > first:
            return index
        index += 2 if part[index] == "\\" else 1
    return None


def _class(inside: str) -> str:
    negated = inside[0] in "!^"
    characters: List[Tuple[str, bool]] = []
    escaped = False
    for character in inside[1 if negated else 0 :]:
        if character == "\\" and not escaped:
            escaped = True
            continue
        characters.append((character, escaped))
        escaped = False
    ranges, index = "", 0
    while index < len(characters):
        low = high = characters[index][0]
        if characters[index + 1 : index + 2] == [("-", False)] and index + 2 < len(characters):
            high, index = characters[index + 2][0], index + 2
        index += 1
        if low <= high:
            ranges += f"{re.escape(low)}-{re.escape(high)}"
    if not ranges:
        return "[^/]" if negated else "(?!)"
    return f"(?!/)[{'^' if negated else ''}{ranges}]"


def static_part(pattern: str) -> str:
    """The folders before the first part that may be spelled in several ways."""
    fixed = []
    for part in pattern.split("/")[:-1]:
        if _MAGIC.search(part) or not part.isascii():
            break
        fixed.append(part)
    return "/".join(fixed)


def _is_file(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself
        return False


def _is_linked_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:
        return False


def _is_within(place: str, folder: str) -> bool:
    return place == folder or place.startswith(f"{folder}/")


def _walk(root: Path, start: str, through_links: bool) -> Iterator[str]:
    """Files below a folder; through links to folders as far as none leads back."""
    stack: List[Tuple[str, Tuple[str, ...]]] = [(start, (os.path.realpath(root / start),))]
    while stack:
        folder, trail = stack.pop()
        try:
            entries = sorted(os.scandir(root / folder), key=lambda e: e.name)
        except OSError:
            continue
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in SKIPPED:
                    stack.append((path, trail))
            elif through_links and _is_linked_folder(entry):
                real = os.path.realpath(entry.path)
                if entry.name not in SKIPPED and not any(_is_within(place, real) for place in trail):
                    stack.append((path, (*trail, real)))
            elif _is_file(entry):
                yield path


def match(root: Path, pattern: str, through_links: bool = False) -> List[str]:
    """Sorted relative paths of the regular files that match; a plain path to a folder means all below it.

    Folders that are links are entered where that is asked for; they may lie outside of `root`.
    """
    glob = Glob(pattern)
    if not glob.is_magic and glob.plain.isascii():
        target = root / glob.plain
        if any(part in ("", ".") for part in glob.plain.split("/")):
            return []  # no path of a file is written so
        if target.is_file():
            return [glob.plain]
        return sorted(_walk(root, glob.plain, through_links)) if target.is_dir() else []
    return sorted(path for path in _walk(root, static_part(glob.plain), through_links) if glob.matches(path))


def match_all(root: Path, patterns: Iterable[str], through_links: bool = False) -> List[str]:
    """Union of the matches, sorted, each once."""
    found = set()
    for pattern in patterns:
        found.update(match(root, pattern, through_links))
    return sorted(found)
