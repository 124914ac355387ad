"""A notebook's cell as Python. IPython decides what it is, where this Python has it; else nothing is refused."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import sys
import types
from typing import Any, List, NamedTuple, Optional

#: Cell magics that compile their body as a cell, and fail with it.
_PYTHON_MAGICS = ("time", "timeit", "prun")
_LENIENT_MAGICS = ("capture",)
#: Line magics and aliases of IPython 9, which a cell of one line may call without `%`.
_WORDS = (
    "alias alias_magic autoawait autocall automagic autosave bookmark cat cd clear code_wrap colors conda config "
    "connect_info cp debug dhist dirs doctest_mode ed edit env gui hist history killbgscripts ldir less lf lk ll load "
    "load_ext loadpy logoff logon logstart logstate logstop ls lsmagic lx macro magic mamba man matplotlib micromamba "
    "mkdir more mv notebook page pastebin pdb pdef pdoc pfile pinfo pinfo2 pip popd pprint precision prun psearch psource "
    "pushd pwd pycat pylab qtconsole quickref recall rehashx reload_ext rep rerun reset reset_selective rm rmdir run save "
    "sc set_env store subshell sx system tb time timeit unalias unload_ext uv who who_ls whos xdel xmode"
)
_MAGICS = frozenset(_WORDS.split())
_TOP_LEVEL = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


class Cell(NamedTuple):
    """`tree` is None when it is not Python; `judged` when IPython said so."""

    tree: Optional[ast.Module]
    judged: bool
    problem: Optional[SyntaxError] = None
    #: The text that was compiled, by lines as in the cell.
    text: str = ""


class Cells:
    """Reads cells; IPython is imported with the first."""

    def __init__(self) -> None:
        self._manager = _transformer_manager()

    def read(self, source: str) -> Cell:
        """Never raises."""
        if self._manager is None:
            return _guessed(source)
        try:
            text: str = self._manager().transform_cell(source)
            tree = compile(text, "cell", "exec", _TOP_LEVEL, dont_inherit=True)
            assert isinstance(tree, ast.Module)
            _compile_apart(tree)
            return self._with_body(tree, text)
        except SyntaxError as problem:
            words = source.strip().split(None, 1)
            # Whether it calls one depends on the names that the cells before it have made.
            is_magic = bool(words) and words[0] in _MAGICS and "\n" not in source.strip()
            return Cell(None, not is_magic, problem, source)
        except Exception:
            return _guessed(source)

    def _with_body(self, tree: ast.Module, text: str) -> Cell:
        """The code below a cell magic such as `%%time` belongs to the cell."""
        name, _, body = cell_magic(tree)
        if name not in _PYTHON_MAGICS + _LENIENT_MAGICS:
            return Cell(tree, True, None, text)
        inner = self.read(body)
        if inner.problem is not None:
            line = (inner.problem.lineno or 0) + 1
            problem = SyntaxError(inner.problem.msg, ("cell", line, None, inner.problem.text))
            return Cell(None, inner.judged and name in _PYTHON_MAGICS, problem, text)
        if inner.tree is None:
            return inner
        ast.increment_lineno(inner.tree)
        return inner._replace(text="\n" + inner.text)


def _transformer_manager() -> Any:
    """IPython's class, or None. Its package imports all of it, of which cells need one module."""
    found = importlib.util.find_spec("IPython")
    if found is None or not found.submodule_search_locations:
        return None
    bare = types.ModuleType("IPython")
    bare.__path__ = list(found.submodule_search_locations)
    for packages in ({"IPython": bare}, {}):
        try:
            sys.modules.update(packages)
            return importlib.import_module("IPython.core.inputtransformer2").TransformerManager
        except Exception:
            # Of another release or a broken installation anything may come.
            pass
        finally:
            for name in [name for name in sys.modules if name.partition(".")[0] == "IPython"]:
                del sys.modules[name]
    return None


def _compile_apart(tree: ast.Module) -> None:
    """Compiles statement by statement, as IPython does; raises SyntaxError."""
    for node in tree.body:
        call = magic_call(node.value) if isinstance(node, ast.Expr) else []
        if call[:1] == ["run_line_magic"] and call[1:2] and call[1].startswith("%"):
            raise SyntaxError(f"%{call[1]} is not in the first line of its cell", ("cell", node.lineno, None, None))
        compile(ast.Module([node], []), "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


def magic_call(node: ast.AST) -> List[str]:
    """`get_ipython().<name>("a", "b")` as [name, a, b]; empty for anything else."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return []
    owner = node.func.value
    if not isinstance(owner, ast.Call) or getattr(owner.func, "id", "") != "get_ipython":
        return []
    texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    return [node.func.attr, *texts] if len(texts) == len(node.args) else []


def cell_magic(tree: ast.Module) -> "tuple[str, str, str]":
    """(name, line, body) of the cell magic that a cell is; empty texts when it is none."""
    value = tree.body[0].value if len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr) else None
    call = magic_call(value) if value is not None else []
    if len(call) == 4 and call[0] == "run_cell_magic":
        return call[1], call[2], call[3]
    return "", "", ""


_LINE = re.compile(r"^([ \t]*)(%{1,2}|!{1,2})(\w*)[ \t]*(.*)$")


def _guessed(source: str) -> Cell:
    """What can be told without IPython: plain Python is that, else magics are taken by line; nothing is judged."""
    try:
        tree = compile(source, "cell", "exec", _TOP_LEVEL, dont_inherit=True)
        return Cell(tree if isinstance(tree, ast.Module) else None, False, None, source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    lines = source.splitlines()
    first = next((line for line in lines if line.strip()), "")
    found = _LINE.match(first)
    if found and found.group(2) == "%%" and found.group(3) not in _PYTHON_MAGICS + _LENIENT_MAGICS:
        body = "\n".join(lines[lines.index(first) + 1 :]) + "\n"
        text = f"get_ipython().run_cell_magic({found.group(3)!r}, {found.group(4)!r}, {body!r})"
    else:
        text = "\n".join(_plain(line) for line in lines)
    try:
        tree = compile(text, "cell", "exec", _TOP_LEVEL, dont_inherit=True)
        return Cell(tree if isinstance(tree, ast.Module) else None, False, None, text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Cell(None, False, None, source)


def _plain(line: str) -> str:
    found = _LINE.match(line)
    if found is None:
        line = re.sub(r"^([ \t]*)[\w., \[\]\"']+=\s*[%!].*$", r"\1pass", line)
        return re.sub(r"^([ \t]*)\??[\w.]+\?{1,2}\s*$", r"\1pass", line)
    indent, mark, name, rest = found.groups()
    if mark == "%%":
        return indent + "pass"
    if mark.startswith("!"):
        return f"{indent}get_ipython().system({name + ' ' + rest!r})"
    return f"{indent}get_ipython().run_line_magic({name!r}, {rest!r})"
