"""Which files of the project a step's code imports, found by reading the source."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Set, Tuple

from ..sources.reader import Reader

#: (module, level, names): `from ..a import b, c` is ("a", 2, ["b", "c"]).
Import = Tuple[str, int, List[str]]

_SHELL = (".sh", ".bash")
_PLAIN = re.compile(r"^\s*import\s+([\w., ]+)", re.MULTILINE)
_FROM = re.compile(r"^\s*from\s+(\.*)([\w.]*)\s+import\s+\(?([\w, *]+)", re.MULTILINE)
_RUN = re.compile(r"^\s*%run\s+(?:-\w+\s+)*(\S+)", re.MULTILINE)
_TIMED = re.compile(r"^(\s*)%(?:time|timeit|prun)\s+", re.MULTILINE)
_NO_ADDRESS = re.compile(r"(?!)")
_MAGIC_LINE = re.compile(r"^\s*[%!?].*$|^.*=\s*[%!].*$", re.MULTILINE)


def imports_of(source: str) -> List[Import]:
    """The imports in Python source; what this interpreter cannot parse is searched line by line."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return _imports_by_line(source)
    found: List[Import] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, 0, []) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.module or "", node.level, [alias.name for alias in node.names]))
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("import_module", "__import__", "run_module") and isinstance(node.args[0].value, str):
                found.append((node.args[0].value, 0, []))
    return found


def _imports_by_line(source: str) -> List[Import]:
    found: List[Import] = []
    for match in _PLAIN.finditer(source):
        found += [(part.split(" as ")[0].strip(), 0, []) for part in match.group(1).split(",")]
    for match in _FROM.finditer(source):
        names = [part.split(" as ")[0].strip() for part in match.group(3).split(",")]
        found.append((match.group(2), len(match.group(1)), names))
    return found


class ImportScan:
    """Collects the project's files that code reaches; `roots` are the folders where imports are looked up."""

    def __init__(self, project: Path, roots: Iterable[Path]) -> None:
        self._project = project
        self._roots = list(dict.fromkeys([project, *roots]))
        self.files: Set[Path] = set()

    def relative(self) -> List[str]:
        """The files found, relative to the project, sorted."""
        return sorted(path.relative_to(self._project).as_posix() for path in self.files)

    def module(self, name: str) -> None:
        """What `python -m name` runs."""
        self._add_module(name, self._roots)
        self._add_module(f"{name}.__main__", self._roots)

    def script(self, path: Path) -> None:
        """What `python path` runs; its own folder is where it looks first."""
        if path.parent not in self._roots:
            self._roots.insert(0, path.parent)
        self._add_file(path)

    def notebook(self, cells: Iterable[str]) -> None:
        """What a notebook's code cells import or `%run`; they run in the project folder."""
        for cell in cells:
            for name in _RUN.findall(cell):
                self.script(self._project / name.strip("'\""))
            self._follow(_MAGIC_LINE.sub("", _TIMED.sub(r"\1", cell)), self._project, None)

    def shell(self, command: str) -> None:
        """Files of the project that a shell command names, and modules after `-m`."""
        try:
            words = shlex.split(command, comments=True)
        except ValueError:
            words = command.split()
        for before, word in zip(["", *words], words):
            word = word.rstrip(";")
            if before == "-m" and re.match(r"^[A-Za-z_][\w.]*$", word):
                self.module(word)
            elif word.endswith((".py", *_SHELL)) and not word.startswith("/"):
                self.script(self._project / word)

    def _add_file(self, path: Path) -> None:
        if path in self.files or not self._inside(path) or not path.is_file():
            return
        self.files.add(path)
        if path.suffix not in (".py", *_SHELL):
            return
        try:
            source = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return
        if path.suffix in _SHELL:
            self.shell(source)
        else:
            self._follow(source, path.parent, path)

    def _inside(self, path: Path) -> bool:
        try:
            return ".." not in path.relative_to(self._project).parts
        except ValueError:
            return False

    def _follow(self, source: str, folder: Path, importer: Optional[Path]) -> None:
        self._reached(source, importer)
        for module, level, names in imports_of(source):
            if level:
                base = folder
                for _ in range(level - 1):
                    base = base.parent
                places = [base]
                if importer is None or not self._inside(base / "x"):
                    continue
                self._add_package_init(base)
            else:
                places = self._roots
            if module:
                self._add_module(module, places)
            for name in names:
                self._add_module(f"{module}.{name}" if module else name, places)

    def _reached(self, source: str, importer: Optional[Path]) -> None:
        """Folders that code puts on `sys.path`, and what it runs by a literal name."""
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError):
            return
        file = importer.relative_to(self._project).as_posix() if importer is not None else ""
        reader = Reader(_NO_ADDRESS, "", file, main=True)
        reader.visit(tree)
        for name in reader.path_folders:
            if self._project / name not in self._roots:
                self._roots.insert(0, self._project / name)
        for start in reader.starts:
            if start.kind in ("script", "shell"):
                self.script(self._project / start.target)
            elif start.kind == "module":
                self.module(start.target)

    def _add_package_init(self, folder: Path) -> None:
        while self._inside(folder / "x") and (folder / "__init__.py").is_file():
            self._add_file(folder / "__init__.py")
            folder = folder.parent

    def _add_module(self, name: str, places: Iterable[Path]) -> None:
        parts = name.split(".")
        if not all(part.isidentifier() for part in parts):
            return
        for place in places:
            folder = place.joinpath(*parts[:-1])
            for candidate in (folder / parts[-1] / "__init__.py", folder / f"{parts[-1]}.py"):
                if candidate.is_file():
                    for depth in range(len(parts) - 1):
                        self._add_file(place.joinpath(*parts[: depth + 1]) / "__init__.py")
                    self._add_file(candidate)
                    return


def source_roots(project: Path, environment: Dict[str, str]) -> List[Path]:
    """Folders inside the project that the step's own PYTHONPATH adds."""
    roots = []
    for entry in environment.get("PYTHONPATH", "").split(":"):
        if entry:
            path = Path(entry) if entry.startswith("/") else project / entry
            roots.append(Path(str(path).rstrip("/")))
    return roots
