"""Paths that code builds out of literals and its own place, read without running it."""

from __future__ import annotations

import ast
import posixpath
from typing import Dict, List, Optional

_SAME = {"Path", "PurePath", "PosixPath", "str", "abspath", "realpath", "normpath", "fspath", "resolve", "absolute"}
_SAME |= {"as_posix", "expanduser", "strict"}


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def inside(path: Optional[str]) -> Optional[str]:
    """A path of the project in its plain form (`""` is the project), or None for one outside of it."""
    if path is None or path.startswith(("/", "~")) or "://" in path or "\\" in path or "\0" in path:
        return None
    plain = posixpath.normpath(path)
    return None if plain == ".." or plain.startswith("../") else "" if plain == "." else plain


class Paths:
    """Values of path expressions in one file of the project; code runs in the project's folder."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._known: Dict[str, Optional[str]] = {}

    def learn(self, node: ast.Assign) -> None:
        """What a plain assignment says about a name; a second one makes it unsure."""
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            self._known[name] = self._value(node.value) if name not in self._known else None

    def of(self, node: ast.AST) -> Optional[str]:
        """The path of an expression, relative to the project, or None when it is not known or outside."""
        return inside(self._value(node))

    def text(self, node: ast.AST) -> Optional[str]:
        """The text of an expression as far as it is known."""
        return self._value(node)

    def _value(self, node: ast.AST) -> Optional[str]:
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Name):
            return self._file if node.id == "__file__" else self._known.get(node.id)
        if isinstance(node, ast.Attribute):
            base = self._value(node.value)
            return posixpath.dirname(base) or "." if base is not None and node.attr == "parent" else None
        if isinstance(node, ast.Subscript):
            return self._ancestor(node)
        if isinstance(node, ast.BinOp):
            return self._joined(node)
        if isinstance(node, ast.JoinedStr):
            parts = [self._value(v.value if isinstance(v, ast.FormattedValue) else v) for v in node.values]
            return None if None in parts else "".join(p for p in parts if p is not None)
        return self._call(node) if isinstance(node, ast.Call) else None

    def _ancestor(self, node: ast.Subscript) -> Optional[str]:
        if not isinstance(node.value, ast.Attribute) or node.value.attr != "parents":
            return None
        # Python 3.8 has a node between.
        index = getattr(node.slice, "value", None)
        index = getattr(index, "value", index)
        base = self._value(node.value.value)
        if base is None or not isinstance(index, int):
            return None
        for _ in range(index + 1):
            # Above the project nothing is known.
            base = posixpath.normpath(posixpath.join(base, "..")) if base in ("", ".") else posixpath.dirname(base)
        return base or "."

    def _joined(self, node: ast.BinOp) -> Optional[str]:
        left, right = self._value(node.left), self._value(node.right)
        if left is None or right is None:
            return None
        if isinstance(node.op, ast.Div):
            return posixpath.join(left, right)
        return left + right if isinstance(node.op, ast.Add) else None

    def _call(self, node: ast.Call) -> Optional[str]:
        name = _name(node.func)
        if name in ("getcwd", "cwd"):
            return "."
        values: List[Optional[str]] = [self._value(argument) for argument in node.args]
        if not values and isinstance(node.func, ast.Attribute) and name in _SAME:
            return self._value(node.func.value)
        if not values or None in values:
            return None
        known = [value for value in values if value is not None]
        if name in ("join", "joinpath", "Path", "PurePath"):
            if name == "joinpath" and isinstance(node.func, ast.Attribute):
                base = self._value(node.func.value)
                return None if base is None else posixpath.join(base, *known)
            return posixpath.join(*known)
        if name == "dirname":
            return posixpath.dirname(known[0]) or "."
        return known[0] if name in _SAME else None
