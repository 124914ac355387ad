"""What one Python source says, read without running it: imports, calls that wait for input, texts that stay here."""

from __future__ import annotations

import ast
import os
import re
from typing import Dict, Iterable, List, NamedTuple, Optional, Pattern, Tuple, Union

_MOST_BYTES = 4 << 20
_LONGEST_TEXT = 4000
_SHOWN = 200
#: An import in a `try` that one of these ends is one that the code can do without.
_SOFT = ("ImportError", "ModuleNotFoundError", "Exception", "BaseException")


class Import(NamedTuple):
    """`from ..a import b` is level 2, module `a`, names [`b`]."""

    level: int
    module: str
    names: List[str]
    line: int
    optional: bool


def _is_soft(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any((k.attr if isinstance(k, ast.Attribute) else getattr(k, "id", "")) in _SOFT for k in kinds)


class Reader(ast.NodeVisitor):
    """Collects what is asked about one source."""

    def __init__(self, private_url: Pattern[str], home: str) -> None:
        self.imports: List[Import] = []
        #: (kind, text, line) of addresses and paths that only mean something on this machine.
        self.texts: List[Tuple[str, str, int]] = []
        #: Lines with a call of `input`.
        self.waits: List[int] = []
        self.changes_path = False
        self._optional = 0
        self._private_url = private_url
        self._home = home

    def visit_Try(self, node: ast.Try) -> None:
        """What a soft `try` imports is optional."""
        soft = any(_is_soft(handler) for handler in node.handlers)
        self._optional += soft
        self._visit_all(node.body)
        self._optional -= soft
        self._visit_all([*node.handlers, *node.orelse, *node.finalbody])

    def visit_If(self, node: ast.If) -> None:
        """What only a type checker imports is optional."""
        name = node.test.attr if isinstance(node.test, ast.Attribute) else getattr(node.test, "id", "")
        soft = name == "TYPE_CHECKING"
        self._optional += soft
        self._visit_all(node.body)
        self._optional -= soft
        self.visit(node.test)
        self._visit_all(node.orelse)

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        """`import a.b`."""
        for alias in node.names:
            self.imports.append(Import(0, alias.name, [], node.lineno, self._optional > 0))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """`from ..a import b`."""
        names = [alias.name for alias in node.names]
        self.imports.append(Import(node.level, node.module or "", names, node.lineno, self._optional > 0))

    def visit_Expr(self, node: ast.Expr) -> None:
        """A string that stands alone is documentation."""
        if not (isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)):
            self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """`sys.path`: code that changes it may find what nobody else does."""
        if node.attr == "path" and getattr(node.value, "id", "") == "sys":
            self.changes_path = True
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """`input()` waits for somebody who is not there."""
        if getattr(node.func, "id", "") == "input":
            self.waits.append(node.lineno)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Addresses of a private network, and paths in the home folder."""
        text = node.value
        if not isinstance(text, str) or len(text) >= _LONGEST_TEXT:
            return
        found = self._private_url.search(text)
        if found:
            self.texts.append(("address", found.group(0)[:_SHOWN], node.lineno))
        elif len(self._home) > 3 and text.startswith(self._home + "/"):
            self.texts.append(("home", text[:_SHOWN], node.lineno))


class Sources:
    """The sources of a project, each read once."""

    def __init__(self, root: str, private_url: str, home: str) -> None:
        self.read: Dict[str, Reader] = {}
        #: By name: the line and what the compiler said.
        self.errors: Dict[str, Dict[str, Union[int, str]]] = {}
        self._root = root
        self._private_url = re.compile(private_url, re.I)
        self._home = home

    def reader(self, name: str, source: Optional[str]) -> Reader:
        """What is in one source; the project's file of that name unless its text is given."""
        known = self.read.get(name)
        if known is not None:
            return known
        reader = self.read[name] = Reader(self._private_url, self._home)
        try:
            reader.visit(_parsed(name, source if source is not None else self._content(name)))
        except SyntaxError as problem:
            self.errors[name] = {"line": problem.lineno or 0, "text": problem.msg or "invalid syntax"}
        except (ValueError, RecursionError, MemoryError, OSError) as problem:
            self.errors[name] = {"line": 0, "text": str(problem)}
        return reader

    def _content(self, name: str) -> bytes:
        with open(os.path.join(self._root, name), "rb") as file:
            return file.read(_MOST_BYTES)


def _parsed(name: str, source: Union[str, bytes]) -> ast.AST:
    # A notebook's cell may wait for something at its top level.
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    tree: ast.AST = compile(source, name, "exec", flags, dont_inherit=True)
    return tree
