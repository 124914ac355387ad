"""Follows a step's code through the project's own files: what it imports, starts and opens, and what that does."""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple, Union

from ..base.text import decoded
from .judge import Sources
from .notebooks import code_cells
from .reader import Import, Reader
from .shell import Shell, Start

_MOST_FILES = 3000


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part)


class Project:
    """Which modules are files of the project."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._known: Dict[str, bool] = {}

    def own(self, folders: List[str], module: str) -> Union[List[str], bool, None]:
        """Files of a module; None when its package is not the project's, False when only the module is not there."""
        parts = module.split(".")
        folder = next((f for f in folders if self._has_package(f, parts)), None)
        if folder is None:
            return None
        files: List[str] = []
        path = folder
        for number, part in enumerate(parts):
            path = _join(path, part)
            last = number == len(parts) - 1
            if self.is_file(path + "/__init__.py"):
                files.append(path + "/__init__.py")
            elif last and self.is_file(path + ".py"):
                files.append(path + ".py")
            elif last and self._is_compiled(path):
                return files
            elif (number == 0 and self.is_file(path + ".py")) or not self.is_folder(path):
                return False
        return files

    def _has_package(self, folder: str, parts: List[str]) -> bool:
        top = _join(folder, parts[0])
        if self.is_file(top + ".py") or self.is_file(top + "/__init__.py"):
            return True
        # A folder without __init__.py may be anybody's, so that only a file that is asked for makes it ours.
        if len(parts) == 1 or not self.is_folder(os.path.join(top, *parts[1:-1])):
            return False
        return self.is_file(_join(top, *parts[1:]) + ".py") or self.is_file(_join(top, *parts[1:], "__init__.py"))

    def _is_compiled(self, path: str) -> bool:
        """Whether it is a module in another form, or is built from one that is here."""
        folder, name = posixpath.split(path)
        forms = re.compile(re.escape(name) + r"(\.[\w-]+)*\.(so|pyd|pyc|pyx|pyi|c|cpp|cu)$")
        try:
            return any(forms.match(entry) for entry in os.listdir(os.path.join(self.root, folder)))
        except OSError:
            return False

    def is_file(self, path: str) -> bool:
        """Whether the project has this file."""
        if path not in self._known:
            self._known[path] = os.path.isfile(os.path.join(self.root, path))
        return self._known[path]

    def is_folder(self, path: str) -> bool:
        """Whether the project has this folder."""
        return os.path.isdir(os.path.join(self.root, path))


class _Unit(NamedTuple):
    """Something to read: a file, or the text of a cell or a command."""

    name: str
    source: Optional[str]
    #: `python` is a file; `cell` and `shell` are texts, or files when they have none.
    kind: str
    folders: List[str]
    sure: bool
    #: It is run itself, so that relative imports do not work in it.
    first: bool
    #: Where its commands run.
    folder: str = ""


class Followed:
    """What the code of one entry reaches."""

    def __init__(self, project: Project, sources: Sources, entry: Dict[str, Any]) -> None:
        self.files: List[str] = []
        #: Those of `files` that are read in any case.
        self.sure: Set[str] = set()
        #: Top-level names that the project does not have: [unit, line, whether it changes `sys.path`, sure].
        self.outside: Dict[str, List[Union[str, int, bool]]] = {}
        #: Modules of the project's packages that do not exist: [module, unit, line, sure].
        self.missing: List[List[Union[str, int, bool]]] = []
        self.waits: List[List[Union[str, int]]] = []
        #: What is started or opened: [kind, path, unit, line, sure, option].
        self.reaches: List[List[Union[str, int, bool]]] = []
        self.installs: List[str] = []
        self.made: Set[str] = set()
        #: Options given that no parser of the code has: [option, unit, line].
        self.unknown_options: List[List[Union[str, int]]] = []
        self.options: List[str] = []
        #: By name what the cells do with a parameter: set, used or unknown.
        self.parameters: Dict[str, str] = {}
        self._project = project
        self._sources = sources
        self._moved = False
        self._given: List[Tuple[List[str], str, int]] = []
        self._read: List[Reader] = []
        folders: List[str] = entry["dirs"]
        first = entry["kind"] != "module"
        kinds = {"notebook": "cell", "shell": "shell"}
        self._queue = [
            _Unit(u["name"], u.get("source"), kinds.get(entry["kind"], "python"), folders, u.get("sure", True), first)
            for u in entry["units"]
        ]
        names = [unit.name for unit in self._queue]
        if entry.get("args"):
            self._given.append((entry["args"], names[-1] if names else "", 0))
        while self._queue and len(self.files) < _MOST_FILES:
            self._unit(self._queue.pop(0))
        self._options()
        self._parameters(entry.get("parameters", []), entry.get("tagged"), names)

    def _unit(self, unit: _Unit) -> None:
        if unit.name in self.files and (unit.name in self.sure or not unit.sure):
            return
        again = unit.name in self.files
        if not again:
            self.files.append(unit.name)
        if unit.sure:
            self.sure.add(unit.name)
        if unit.kind == "shell":
            self._shell(unit)
            return
        reader = self._sources.reader(unit.name, unit.source, main=unit.first)
        if not again:
            self._read.append(reader)
            self.waits += [[unit.name, line] for line in reader.waits]
        self.installs += reader.installs
        self.made |= reader.made
        self._moved |= reader.moves
        folders = [*reader.path_folders, *unit.folders]
        unit = unit._replace(folders=list(dict.fromkeys(folders)))
        for found in reader.imports:
            self._import(unit, found, reader.changes_path)
        for start in reader.starts:
            self._start(unit, start)

    def _shell(self, unit: _Unit) -> None:
        text = unit.source
        if text is None:
            try:
                text = decoded((Path(self._project.root) / unit.name).read_bytes())
            except (OSError, UnicodeDecodeError):
                return
        # A script has its own rules about failing.
        strict = unit.source is not None or re.search(r"^\s*set\s+-\w*e|^#!.*\s-\w*e", text, re.MULTILINE) is not None
        shell = Shell(text, unit.folder, strict)
        self.made |= shell.made
        self.installs += shell.installs
        folders = [folder for folder in shell.python_path if folder is not None]
        unit = unit._replace(folders=list(dict.fromkeys([*folders, *unit.folders])))
        for start in shell.starts:
            self._start(unit, start)

    def _start(self, unit: _Unit, start: Start) -> None:
        sure = unit.sure and start.sure
        if self._moved or (start.target in self.made and not self._project.is_file(start.target)):
            return
        if start.kind == "module":
            self._module(unit, start, sure)
            return
        self.reaches.append([start.kind, start.target, unit.name, start.line, sure, start.option])
        if start.args:
            self._given.append((start.args, unit.name, start.line))
        if not self._project.is_file(start.target):
            return
        own = posixpath.dirname(start.target)
        folders = list(dict.fromkeys([own, *unit.folders]))
        if start.kind == "script" and start.target.endswith(".py"):
            self._queue.append(_Unit(start.target, None, "python", folders, sure, True))
        elif start.kind == "shell":
            self._queue.append(_Unit(start.target, None, "shell", unit.folders, sure, True, start.folder))
        elif start.kind == "notebook":
            self._notebook(unit, start, sure)

    def _module(self, unit: _Unit, start: Start, sure: bool) -> None:
        folders = list(dict.fromkeys([start.folder, *unit.folders]))
        files = self._project.own(folders, start.target + ".__main__")
        if not isinstance(files, list):
            files = self._project.own(folders, start.target)
        if isinstance(files, list):
            if start.args:
                self._given.append((start.args, unit.name, start.line))
            for file in files:
                self.reaches.append(["module", file, unit.name, start.line, sure, ""])
                self._queue.append(_Unit(file, None, "python", folders, sure, False))
        elif files is False:
            self.missing.append([start.target, unit.name, start.line, sure])

    def _notebook(self, unit: _Unit, start: Start, sure: bool) -> None:
        try:
            cells = code_cells(Path(self._project.root) / start.target)
        except (OSError, ValueError):
            return
        self.files.append(start.target)
        for number, cell in enumerate(cells, 1):
            self._queue.append(_Unit(f"{start.target}, code cell {number}", cell, "cell", unit.folders, sure, True))

    def _import(self, unit: _Unit, found: Import, changes_path: bool) -> None:
        name, search = unit.name, unit.folders
        sure = unit.sure and found.sure and not changes_path
        if found.level:
            if unit.first:
                self._miss(name, found, sure)
                return
            folder = posixpath.dirname(name)
            for _ in range(found.level - 1):
                folder = posixpath.dirname(folder)
            search = [folder]
        if found.module:
            files = self._project.own(search, found.module)
            if files is None and not found.level:
                self._outside(found, name, changes_path, sure)
                return
            if not isinstance(files, list):
                self._miss(name, found, sure)
                return
            self._add(unit, files, sure)
        for part in found.names:
            files = self._project.own(search, f"{found.module}.{part}" if found.module else part)
            if isinstance(files, list):
                self._add(unit, files, sure)

    def _outside(self, found: Import, name: str, changes_path: bool, sure: bool) -> None:
        top = found.module.split(".")[0]
        known = self.outside.get(top)
        if not found.optional and (known is None or (sure and not known[3])):
            self.outside[top] = [name, found.line, changes_path, sure]

    def _miss(self, name: str, found: Import, sure: bool) -> None:
        if not found.optional:
            self.missing.append(["." * found.level + found.module, name, found.line, sure])

    def _add(self, unit: _Unit, files: List[str], sure: bool) -> None:
        self._queue += [_Unit(file, None, "python", unit.folders, sure, False) for file in files]

    def _options(self) -> None:
        """Only where every parser is argparse and takes what it names."""
        known = {option for reader in self._read for option in reader.options} | {"-h", "--help"}
        if not any(r.parses for r in self._read) or any(r.parses_freely for r in self._read):
            return
        self.options = sorted(known)
        for args, unit, line in self._given:
            for arg in args[: args.index("--")] if "--" in args else args:
                option = arg.partition("=")[0]
                if re.match(r"^--[A-Za-z]", option) and not any(k.startswith(option) for k in known):
                    self.unknown_options.append([option, unit, line])

    def _parameters(self, asked: List[str], tagged: Optional[str], names: List[str]) -> None:
        readers = {name: self._sources.read[name] for name in names if name in self._sources.read}
        unread = any(name in self._sources.errors or name in self._sources.unjudged for name in names)
        for name in asked:
            if tagged in readers and name in readers[tagged].assigned:
                self.parameters[name] = "set"
            elif unread or any(name in r.used for r in readers.values()):
                self.parameters[name] = "used"
            else:
                self.parameters[name] = "unknown"

    def to_json(self) -> Dict[str, Any]:
        """As it is answered."""
        return {
            "files": self.files,
            "sure": sorted(self.sure),
            "outside": self.outside,
            "missing": self.missing,
            "waits": self.waits,
            "reaches": self.reaches,
            "made": sorted(self.made),
            "installs": self.installs,
            "options": self.options,
            "unknownOptions": self.unknown_options,
            "parameters": self.parameters,
        }
