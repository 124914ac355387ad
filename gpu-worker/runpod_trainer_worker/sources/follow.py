"""Follows the imports of each step's code through the project's own modules: no file but these is opened."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional, Tuple, Union

from .reader import Import, Sources

_MOST_FILES = 3000


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part)


class Project:
    """Which modules are files of the project."""

    def __init__(self, root: str) -> None:
        self._root = root
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
            if self._is_file(path + "/__init__.py"):
                files.append(path + "/__init__.py")
            elif last and self._is_file(path + ".py"):
                files.append(path + ".py")
            elif (number == 0 and self._is_file(path + ".py")) or not self._is_folder(path):
                return False
        return files

    def _has_package(self, folder: str, parts: List[str]) -> bool:
        top = _join(folder, parts[0])
        if self._is_file(top + ".py") or self._is_file(top + "/__init__.py"):
            return True
        # A folder without __init__.py may be anybody's, so that only a file that is asked for makes it ours.
        if len(parts) == 1 or not self._is_folder(os.path.join(top, *parts[1:-1])):
            return False
        return self._is_file(_join(top, *parts[1:]) + ".py") or self._is_file(_join(top, *parts[1:], "__init__.py"))

    def _is_file(self, path: str) -> bool:
        if path not in self._known:
            self._known[path] = os.path.isfile(os.path.join(self._root, path))
        return self._known[path]

    def _is_folder(self, path: str) -> bool:
        return os.path.isdir(os.path.join(self._root, path))


class Followed:
    """What the code of one entry reaches."""

    def __init__(self, project: Project, sources: Sources, entry: Dict[str, Any]) -> None:
        self.files: List[str] = []
        #: Top-level names that the project does not have: [unit, line, whether the unit changes sys.path].
        self.outside: Dict[str, List[Union[str, int, bool]]] = {}
        #: Modules of the project's packages that do not exist: [module, unit, line].
        self.missing: List[List[Union[str, int]]] = []
        self.waits: List[List[Union[str, int]]] = []
        self._project = project
        self._folders: List[str] = entry["dirs"]
        self._is_module = entry["kind"] == "module"
        self._queue: List[Tuple[str, Optional[str]]] = [(unit["name"], unit.get("source")) for unit in entry["units"]]
        self._first = {name for name, _ in self._queue}
        self._follow(sources)

    def _follow(self, sources: Sources) -> None:
        while self._queue and len(self.files) < _MOST_FILES:
            name, source = self._queue.pop(0)
            if name in self.files:
                continue
            self.files.append(name)
            reader = sources.reader(name, source)
            self.waits += [[name, line] for line in reader.waits]
            for found in reader.imports:
                self._import(name, found, reader.changes_path)

    def _import(self, name: str, found: Import, changes_path: bool) -> None:
        search = self._folders
        if found.level:
            if name in self._first and not self._is_module:
                self._miss(name, found)
                return
            folder = os.path.dirname(name)
            for _ in range(found.level - 1):
                folder = os.path.dirname(folder)
            search = [folder]
        if found.module:
            files = self._project.own(search, found.module)
            if files is None and not found.level:
                if not found.optional:
                    self.outside.setdefault(found.module.split(".")[0], [name, found.line, changes_path])
                return
            if not isinstance(files, list):
                self._miss(name, found)
                return
            self._add(files)
        for part in found.names:
            files = self._project.own(search, f"{found.module}.{part}" if found.module else part)
            if isinstance(files, list):
                self._add(files)

    def _miss(self, name: str, found: Import) -> None:
        if not found.optional:
            self.missing.append(["." * found.level + found.module, name, found.line])

    def _add(self, files: List[str]) -> None:
        self._queue += [(file, None) for file in files]

    def to_json(self) -> Dict[str, Any]:
        """As it is answered."""
        return {"files": self.files, "outside": self.outside, "missing": self.missing, "waits": self.waits}
