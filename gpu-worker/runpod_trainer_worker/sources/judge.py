"""Whether the sources of a project are valid Python, and what each says. Nothing of them is run."""

from __future__ import annotations

import ast
import os
import re
import sys
from typing import Dict, List, NamedTuple, Optional

from .cells import Cells
from .reader import Reader

_MOST_BYTES = 4 << 20
#: What only a later Python than one of these can read begins or looks like this.
_NEWER = re.compile(
    r"""(?:^|[^\w])[rRbB]?[fFtT][rR]?["']|^\s*type\s+\w|^\s*(?:async\s+)?(?:def|class)\s+\w+\s*\[|^\s*except\b[^(]*,"""
    r"""|^\s*match\b|\*\w+\s*\]|^\s*with\s*\("""
)
NEWEST_KNOWN = (3, 14)


class Problem(NamedTuple):
    """Why a source is no valid Python; `sure` when the pod's Python would say so too."""

    line: int
    text: str
    sure: bool


class Sources:
    """The sources of a project, each read once."""

    def __init__(self, root: str, private_url: str, home: str) -> None:
        self.read: Dict[str, Reader] = {}
        #: By name: why it is no valid Python.
        self.errors: Dict[str, Problem] = {}
        #: Cells that no IPython judged and that are no plain Python.
        self.unjudged: List[str] = []
        self._root = root
        self._private_url = re.compile(private_url, re.I)
        self._home = home
        self._cells: Optional[Cells] = None

    def reader(self, name: str, source: Optional[str], main: bool = False) -> Reader:
        """What is in one source; the project's file of that name unless the text of a cell is given."""
        known = self.read.get(name)
        if known is not None:
            return known
        reader = self.read[name] = Reader(self._private_url, self._home, name if source is None else "", main)
        try:
            tree = self._file(name) if source is None else self._cell(name, source)
            if tree is not None:
                reader.visit(tree)
                reader.finish()
        except SyntaxError as problem:
            self._wrong(name, problem, source)
        except (ValueError, MemoryError) as problem:
            self.errors[name] = Problem(0, str(problem), True)
        except RecursionError as problem:
            self.errors[name] = Problem(0, str(problem), False)
        except OSError as problem:
            self.errors[name] = Problem(0, str(problem), False)
        return reader

    def _wrong(self, name: str, problem: SyntaxError, source: Optional[str]) -> None:
        line = problem.lineno or 0
        newer = False
        if sys.version_info[:2] < NEWEST_KNOWN:
            lines = (source if source is not None else self._content(name).decode("utf-8", "replace")).splitlines()
            newer = any(_NEWER.search(text) for text in lines[max(0, line - 3) : line + 1])
        self.errors[name] = Problem(line, problem.msg or "invalid syntax", not newer)

    def _cell(self, name: str, source: str) -> Optional[ast.AST]:
        self._cells = self._cells or Cells()
        cell = self._cells.read(source)
        if cell.problem is not None and cell.judged:
            raise cell.problem
        if cell.tree is None:
            self.unjudged.append(name)
        return cell.tree

    def _file(self, name: str) -> Optional[ast.AST]:
        content = self._content(name)
        if len(content) > _MOST_BYTES:
            return None
        tree: ast.AST = compile(content, name, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
        # What is wrong with names and places shows only here.
        compile(content, name, "exec", dont_inherit=True)
        return tree

    def _content(self, name: str) -> bytes:
        with open(os.path.join(self._root, name), "rb") as file:
            return file.read(_MOST_BYTES + 1)
