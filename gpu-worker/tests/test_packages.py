"""The worker's packages lie in one order, and each imports only from itself and from those below it."""

from __future__ import annotations

import ast
import graphlib
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Set

import pytest

NAME = "runpod_trainer_worker"
SOURCES = Path(__file__).resolve().parent.parent / NAME
#: The lowest first; `usage` and `cli` are modules that are in no package. The top `__init__` is below all of them.
ORDER = ["base", "sources", "files", "volume", "journal", "keeper", "resume", "gates", "run", "usage", "cli"]


def modules_of(root: Path) -> Dict[str, Path]:
    """Dotted name below the root to file; a package is its `__init__`, and the root's own has no name."""
    found = {}
    for path in root.rglob("*.py"):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def names_imported(module: str, path: Path) -> Iterator[str]:
    """What the module imports of the worker, inside functions too: `package.module`, perhaps with a name after it."""
    here = module.split(".") if path.stem == "__init__" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == NAME:
                    yield alias.name[len(NAME) + 1 :]
        elif isinstance(node, ast.ImportFrom):
            base = (node.module or "").split(".") if node.module else []
            if node.level:
                base = [*here[: len(here) - node.level + 1], *base]
            elif base[0] == NAME:
                base = base[1:]
            else:
                continue
            for alias in node.names:
                yield ".".join([*base, alias.name])


def imports_of(root: Path) -> Dict[str, Set[str]]:
    """For each module those that it imports."""
    modules = modules_of(root)
    graph: Dict[str, Set[str]] = {}
    for module, path in modules.items():
        graph[module] = set()
        for name in names_imported(module, path):
            while name not in modules:  # a name in a module
                name = name.rpartition(".")[0]
            graph[module].add(name)
    return graph


def problems_of(root: Path, order: Sequence[str]) -> List[str]:
    """Sentences about imports and packages that are not in order."""
    graph = imports_of(root)
    place = {name: number for number, name in enumerate(["", *order])}
    packages = {module: module.split(".")[0] for module in graph}
    problems = [f"{name} is not in the list" for name in sorted({*packages.values()} - place.keys())]
    problems += [f"{name} is in the list and does not exist" for name in order if name not in packages.values()]
    for module, imported in sorted(graph.items()):
        for other in sorted(imported):
            if place.get(packages[module], -1) < place.get(packages[other], -1):
                problems.append(f"{module} imports {other}, which is above it")
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as problem:
        problems.append(f"a circle: {' -> '.join(problem.args[1])}")
    return problems


def test_packages_are_in_order() -> None:
    assert problems_of(SOURCES, ORDER) == []


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"low/a": "from ..high import b\n"}, "low.a imports high.b, which is above it"),
        ({"low/a": "def f():\n    from ..high.b import name\n"}, "low.a imports high.b, which is above it"),
        ({"low/a": f"import {NAME}.high.b\n"}, "low.a imports high.b, which is above it"),
        ({"other/c": ""}, "other is not in the list"),
        ({"c": "import os\n"}, "c is not in the list"),
        ({"high/c": "from .b import x\n", "high/b": "def f():\n    from . import c\n"}, "a circle: high."),
    ],
)
def test_what_is_out_of_order_is_found(tmp_path: Path, files: Dict[str, str], expected: str) -> None:
    sound = {"low/a": "from .. import __version__\n", "high/b": "from ..low.a import x\n", "__init__": ""}
    for name, text in {**sound, **files}.items():
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        (path.parent / "__init__.py").touch()
    problems = problems_of(tmp_path, ["low", "high"])
    assert [p for p in problems if p.startswith(expected)], problems
