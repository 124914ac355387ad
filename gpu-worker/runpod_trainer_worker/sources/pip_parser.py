"""pip's own parser: of this Python, or the one that it would put into an environment."""

from __future__ import annotations

import glob
import importlib
import os
import posixpath
import re
import sys
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple
from urllib.parse import unquote

#: What markers may find on a pod.
_PODS = [
    {
        **{"python_version": python, "python_full_version": python + ".0", "implementation_version": python + ".0"},
        **{"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"},
        **{"implementation_name": "cpython", "platform_python_implementation": "CPython", "extra": ""},
    }
    for python in ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
]


#: Minor versions of Python 3 that a pod may have, also to come.
_PYTHONS = range(7, 21)
_PLATFORMS = ["linux_x86_64", *(f"manylinux{kind}_x86_64" for kind in ("1", "2010", "2014"))]
_PLATFORMS += [f"manylinux_2_{minor}_x86_64" for minor in range(5, 61)]


def place_of(address: str) -> str:
    """An address without what it says beside the place."""
    return re.sub(r"^file:(//(localhost)?)?", "", re.split(r"[#?]", address, maxsplit=1)[0], flags=re.I)


class NotRead(Exception):
    """pip does not read this line; the message is its own."""


class Pip:
    """pip's parts, as they have been called since 20.1."""

    _found: "Optional[Pip]" = None

    def __init__(self) -> None:
        files = importlib.import_module("pip._internal.req.req_file")
        constructors = importlib.import_module("pip._internal.req.constructors")
        self.version: str = importlib.import_module("pip").__version__
        self._content = files.get_file_content
        self._preprocess = files.preprocess
        self._line_parser = files.get_line_parser
        self._option_error = files.OptionParsingError
        self._line = files.ParsedLine
        self._requirement = files.handle_requirement_line
        self._install = constructors.install_req_from_parsed_requirement
        self._constraint_problem = importlib.import_module("pip._internal.req.req_install").check_invalid_constraint_type
        self._install_error = importlib.import_module("pip._internal.exceptions").PipError
        self._packaging = importlib.import_module("pip._vendor.packaging.requirements")
        self._wheel = importlib.import_module("pip._internal.models.wheel").Wheel
        self._tags = importlib.import_module("pip._vendor.packaging.tags")
        self._known_tags: Set[str] = set()
        self._marker = importlib.import_module("pip._vendor.packaging.markers").Marker

    @classmethod
    def find(cls) -> "Optional[Pip]":
        """This Python's pip, or the one that it would put into an environment; None when there is none to ask."""
        if cls._found is None:
            try:
                cls._found = cls()
            except Exception:
                for wheel in _bundled():
                    sys.path.append(wheel)
                    try:
                        cls._found = cls()
                        break
                    except Exception:
                        sys.path.remove(wheel)
        return cls._found

    def text(self, name: str) -> str:
        content: str = self._content(name, None)[1]
        return content

    def lines(self, text: str) -> Iterator[Tuple[int, str]]:
        yield from self._preprocess(text)

    def parts(self, text: str) -> Tuple[Optional[str], Dict[str, Any]]:
        try:
            args, options = self._line_parser(None)(text)
        except (self._option_error, self._install_error, ValueError) as problem:
            raise NotRead(getattr(problem, "msg", None) or str(problem)) from problem
        values = dict(vars(options))
        if args:
            values.pop("editables", None)
            return args, values
        editables = values.get("editables")
        return (editables[0] if editables else None), values

    def problem(self, requirement: str, editable: bool, constraint: bool) -> Optional[str]:
        prefix = "-e " if editable else ""
        try:
            args, options = self._line_parser(None)(prefix + requirement)
            line = self._line("file", 1, args, options, constraint)
            found = self._install(self._requirement(line))
            said = self._constraint_problem(found) if constraint else ""
            return str(said) or None
        except (self._install_error, ValueError) as problem:
            said = str(problem).split(" (from line")[0].strip()
            return said.splitlines()[0] if said else type(problem).__name__
        except Exception:
            # Another pip than those that are known: it has said nothing.
            return None

    def applies(self, requirement: str) -> Optional[bool]:
        """By the marker after the semicolon; an address needs a space before it."""
        parts = re.split(
            r"; " if re.search(r"^[\w+]+:", requirement) else r";", re.split(r"\s--", requirement)[0], maxsplit=1
        )
        if len(parts) < 2 or not parts[1].strip():
            return True
        try:
            marker = self._marker(parts[1].strip())
            answers = {bool(marker.evaluate(pod)) for pod in _PODS}
        except Exception:
            return None
        return answers.pop() if len(answers) == 1 else None

    def read(self, text: str) -> Any:
        try:
            return self._packaging.Requirement(re.split(r"\s+--", text)[0])
        except Exception:
            return None

    def name(self, text: str) -> Optional[str]:
        wanted = self.read(text)
        return wanted.name if wanted is not None else None

    def apart(self, one: Any, two: Any) -> bool:
        """Whether no version meets both on any pod."""
        if not self._always_both(one, two):
            return False
        if one.url and two.url:
            return place_of(one.url) != place_of(two.url)
        if one.url or two.url:
            wheel, other = (one, two) if one.url else (two, one)
            version = self.wheel_version(wheel.url)
            return version is not None and not other.specifier.contains(version, prereleases=True)
        pins = [(self._pin(one), two), (self._pin(two), one)]
        known = [(pin, other) for pin, other in pins if pin is not None]
        return bool(known) and not any(other.specifier.contains(pin, prereleases=True) for pin, other in known)

    def is_pinned(self, requirement: str) -> bool:
        """Whether it has one version, as the checking of hashes wants it."""
        wanted = self.read(requirement)
        operators = [specifier.operator for specifier in wanted.specifier] if wanted is not None else []
        return len(operators) == 1 and operators[0] in ("==", "===")

    def wheel(self, address: str) -> Any:
        """What the name of a wheel says; None when it is no wheel. Raises NotRead for a name that pip does not read."""
        name = posixpath.basename(unquote(place_of(address)))
        if not name.lower().endswith(".whl"):
            return None
        try:
            return self._wheel(name)
        except Exception as problem:
            raise NotRead(str(problem)) from problem

    def wheel_version(self, address: str) -> Optional[str]:
        try:
            wheel = self.wheel(address)
        except NotRead:
            return None
        return None if wheel is None else str(wheel.version)

    def fits_a_pod(self, wheel: Any) -> bool:
        """Whether some Python of some pod takes it."""
        tags = {str(tag) for tag in wheel.file_tags}
        return any("musllinux" in tag for tag in tags) or not tags.isdisjoint(self._pod_tags())

    def _pod_tags(self) -> Set[str]:
        if not self._known_tags:
            for minor in _PYTHONS:
                name = f"cp3{minor}"
                given = {"python_version": (3, minor), "platforms": _PLATFORMS}
                self._known_tags |= {str(tag) for tag in self._tags.cpython_tags(abis=[name], **given)}
                self._known_tags |= {str(tag) for tag in self._tags.compatible_tags(interpreter=name, **given)}
        return self._known_tags

    def _pin(self, wanted: Any) -> Optional[str]:
        for specifier in wanted.specifier:
            if specifier.operator in ("==", "===") and not specifier.version.endswith("*"):
                return str(specifier.version)
        return None

    def _always_both(self, one: Any, two: Any) -> bool:
        markers = [m for m in (one.marker, two.marker) if m is not None]
        if len(markers) == 2 and str(markers[0]) == str(markers[1]):
            markers = markers[:1]
        try:
            return all(marker.evaluate(pod) for pod in _PODS for marker in markers)
        except Exception:
            return False


def _bundled() -> List[str]:
    """Wheels of pip that this Python brings for its environments."""
    import ensurepip

    folders = [os.path.join(os.path.dirname(ensurepip.__file__ or ""), "_bundled"), "/usr/share/python-wheels"]
    return [wheel for folder in folders for wheel in sorted(glob.glob(os.path.join(folder, "pip-*.whl")))]
