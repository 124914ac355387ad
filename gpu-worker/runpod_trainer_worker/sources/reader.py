"""What one Python source says, read without running it: imports, what it starts and opens, what waits or stays here."""

from __future__ import annotations

import ast
from typing import Iterable, List, NamedTuple, Optional, Pattern, Set, Tuple

from .cells import magic_call
from .paths import Paths, inside
from .shell import Shell, Start, run_magic

_LONGEST_TEXT = 4000
_SHOWN = 200
#: An import in a `try` that one of these ends is one that the code can do without.
_SOFT = ("ImportError", "ModuleNotFoundError", "Exception", "BaseException")
_RUNS = ("run", "call", "check_call", "check_output", "Popen", "system", "getoutput", "getstatusoutput")
_READS = ("read_csv", "read_json", "read_parquet", "read_pickle", "read_table", "read_excel", "loadtxt", "genfromtxt")
_READ_METHODS = ("read_text", "read_bytes")
_WRITE_METHODS = ("write_text", "write_bytes", "touch", "mkdir")
_OTHER_PARSERS = ("click", "typer", "fire", "hydra", "simple_parsing", "jsonargparse", "tyro", "absl", "docopt", "tap")
_SHELL_MAGICS = ("bash", "sh", "script")


class Import(NamedTuple):
    """`from ..a import b` is level 2, module `a`, names [`b`]; `sure` when it is made in any case."""

    level: int
    module: str
    names: List[str]
    line: int
    optional: bool
    sure: bool


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _is_soft(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(_name(kind) in _SOFT for kind in kinds)


class Reader(ast.NodeVisitor):
    """Collects what is asked about one source."""

    def __init__(self, private_url: Pattern[str], home: str, file: str, main: bool) -> None:
        self.imports: List[Import] = []
        #: (kind, text, line) of addresses and paths that only mean something on this machine.
        self.texts: List[Tuple[str, str, int]] = []
        #: Lines with a call of `input`.
        self.waits: List[int] = []
        self.changes_path = False
        #: Folders of the project that it puts on `sys.path`.
        self.path_folders: List[str] = []
        #: What it runs, and files that it opens to read (`kind` is read).
        self.starts: List[Start] = []
        #: Files that it writes, as far as it says them.
        self.made: Set[str] = set()
        self.installs: List[str] = []
        #: It goes to another folder, so that its relative paths mean something else.
        self.moves = False
        self.options: List[str] = []
        #: It takes exactly the options that it names.
        self.parses = False
        self.parses_freely = False
        self.assigned: Set[str] = set()
        self.used: Set[str] = set()
        self._optional = 0
        self._maybe = 0
        self._private_url = private_url
        self._home = home
        self._main = main
        self._paths = Paths(file)

    def visit_Try(self, node: ast.Try) -> None:
        """What a soft `try` imports is optional."""
        soft = any(_is_soft(handler) for handler in node.handlers)
        self._optional += soft
        self._visit_all(node.body)
        self._optional -= soft
        self._visit_maybe([*node.handlers, *node.orelse])
        self._visit_all(node.finalbody)

    def visit_With(self, node: ast.With) -> None:
        """`with suppress(ImportError)` is a soft `try`."""
        soft = any(
            isinstance(item.context_expr, ast.Call) and _name(item.context_expr.func) == "suppress" for item in node.items
        )
        self._visit_all(node.items)
        self._optional += soft
        self._visit_all(node.body)
        self._optional -= soft

    def visit_If(self, node: ast.If) -> None:
        """What only a type checker imports is optional; of a condition one branch runs."""
        soft = _name(node.test) == "TYPE_CHECKING"
        sure = self._main and _is_main(node.test)
        self.visit(node.test)
        self._optional += soft
        self._maybe += not sure
        self._visit_all(node.body)
        self._maybe -= not sure
        self._optional -= soft
        self._visit_maybe(node.orelse)

    def _maybe_all(self, node: ast.AST) -> None:
        self._maybe += 1
        self.generic_visit(node)
        self._maybe -= 1

    visit_For = visit_AsyncFor = visit_While = visit_IfExp = visit_BoolOp = visit_Lambda = _maybe_all
    visit_FunctionDef = visit_AsyncFunctionDef = visit_Match = _maybe_all

    def _visit_maybe(self, nodes: Iterable[ast.AST]) -> None:
        self._maybe += 1
        self._visit_all(nodes)
        self._maybe -= 1

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    @property
    def _sure(self) -> bool:
        return self._maybe == 0 and self._optional == 0

    def visit_Import(self, node: ast.Import) -> None:
        """`import a.b`."""
        for alias in node.names:
            self.assigned.add(alias.asname or alias.name.split(".")[0])
            self.imports.append(Import(0, alias.name, [], node.lineno, self._optional > 0, self._sure))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """`from ..a import b`."""
        names = [alias.name for alias in node.names]
        for alias in node.names:
            self.assigned.add(alias.asname or alias.name)
        optional = self._optional > 0
        self.imports.append(Import(node.level, node.module or "", names, node.lineno, optional, self._sure))

    def visit_Expr(self, node: ast.Expr) -> None:
        """A string that stands alone is documentation."""
        if not (isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)):
            self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        """Paths are often put together in steps."""
        self._paths.learn(node)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        """Names that are set and used, for parameters."""
        if isinstance(node.ctx, ast.Store):
            self.assigned.add(node.id)
        else:
            self.used.add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """`sys.path`: code that changes it may find what nobody else does."""
        if node.attr == "path" and getattr(node.value, "id", "") == "sys":
            self.changes_path = True
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """What a call waits for, starts, opens or declares."""
        name = _name(node.func)
        owner = _name(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        if name == "input" and not owner:
            self.waits.append(node.lineno)
        elif name == "chdir":
            self.moves = True
        elif owner == "path" and name in ("append", "insert") and node.args:
            folder = self._paths.of(node.args[-1])
            if folder is not None and isinstance(node.func, ast.Attribute) and _is_sys_path(node.func.value):
                self.path_folders.append(folder)
        elif magic_call(node):
            self._magic(magic_call(node), node.lineno)
        elif name in _RUNS and (owner in ("subprocess", "os", "sp") or not owner) and node.args:
            self._runs(node)
        elif name == "run_path" and node.args:
            self._start("script", self._paths.of(node.args[0]), node.lineno)
        elif name in ("run_module", "import_module", "__import__") and node.args:
            module = self._paths.text(node.args[0])
            if module is not None and not module.startswith("."):
                self.imports.append(Import(0, module, [], node.lineno, self._optional > 0, False))
        else:
            self._opens(node, name)
            self._declares(node, name, owner)
        self.generic_visit(node)

    def _start(self, kind: str, target: Optional[str], line: int, args: Optional[List[str]] = None) -> None:
        if target:
            self.starts.append(Start(kind, target, line, self._sure, "", args or []))

    def _runs(self, node: ast.Call) -> None:
        command = node.args[0]
        if any(keyword.arg == "cwd" for keyword in node.keywords):
            return
        if isinstance(command, (ast.List, ast.Tuple)):
            words = [self._word(element) for element in command.elts]
            # A word that is not known ends what is understood.
            text = " ".join("$unknown" if word is None else "'" + word.replace("'", "'\\''") + "'" for word in words)
        else:
            known = self._paths.text(command)
            if known is None:
                return
            text = known
        self._shell(text, node.lineno, sure=False)

    def _word(self, node: ast.AST) -> Optional[str]:
        if isinstance(node, ast.Attribute) and node.attr == "executable":
            return "python"
        return self._paths.text(node)

    def _shell(self, text: str, line: int, sure: bool) -> None:
        shell = Shell(text, strict=sure)
        self.starts += [start._replace(line=line, sure=start.sure and sure and self._sure) for start in shell.starts]
        self.made |= shell.made
        self.installs += shell.installs

    def _magic(self, call: List[str], line: int) -> None:
        if call[0] in ("system", "getoutput", "getoutput_") and len(call) == 2:
            # A command that fails does not fail its cell.
            self._shell(call[1], line, sure=False)
        elif call[0] == "run_line_magic" and len(call) == 3:
            name, rest = call[1], call[2]
            start = run_magic(rest) if name == "run" else None
            if start is not None:
                self.starts.append(start._replace(line=line, sure=self._sure))
            elif name in ("pip", "uv", "conda"):
                self._shell(f"{'pip' if name == 'conda' else name} {rest}", line, sure=False)
            elif name in ("cd", "pushd"):
                self.moves = True
        elif call[0] == "run_cell_magic" and len(call) == 4:
            words = call[2].split()
            if call[1] in _SHELL_MAGICS:
                self._shell(call[3], line, sure=False)
            elif call[1] in ("writefile", "file") and words:
                path = inside(words[-1])
                self.made.update([path] if path else [])

    def _opens(self, node: ast.Call, name: str) -> None:
        plain_open = name == "open" and isinstance(node.func, ast.Name)
        if plain_open or name in _READS or name == "load":
            target = self._paths.of(node.args[0]) if node.args else None
            mode = node.args[1] if plain_open and len(node.args) > 1 else None
            mode = next((k.value for k in node.keywords if k.arg == "mode"), mode) if plain_open else mode
        elif name in (*_READ_METHODS, *_WRITE_METHODS, "open") and isinstance(node.func, ast.Attribute):
            target = self._paths.of(node.func.value)
            mode = node.args[0] if name == "open" and node.args else None
        else:
            if name.startswith(("to_", "save", "dump", "write")) or name in ("copy", "copyfile", "move", "download"):
                self.made.update(path for path in map(self._paths.of, node.args) if path)
            return
        how = self._paths.text(mode) if mode is not None else "r"
        if target and (name in _WRITE_METHODS or how is None or set(how) & set("wax+")):
            self.made.add(target)
        elif target and (name != "load" or "." in target.rpartition("/")[2]):
            self._start("read", target, node.lineno)

    def _declares(self, node: ast.Call, name: str, owner: str) -> None:
        if name == "add_argument":
            names = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            self.parses_freely |= len(names) != len(node.args)
            self.options += [n for n in names if n.startswith("-")]
            if any(_name(k.value) == "BooleanOptionalAction" for k in node.keywords if k.arg == "action"):
                self.options += ["--no-" + n[2:] for n in names if n.startswith("--")]
        elif name == "parse_args":
            self.parses = True
        elif name in ("parse_known_args", "add_subparsers", "HfArgumentParser", "parse_args_into_dataclasses") or (
            name == "ArgumentParser" and any(k.arg in ("parents", "prefix_chars", "add_help") for k in node.keywords)
        ):
            self.parses_freely = True

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

    def finish(self) -> None:
        """After the whole source: other parsers of arguments than argparse."""
        self.parses_freely |= any(found.module.split(".")[0] in _OTHER_PARSERS for found in self.imports)


def _is_main(test: ast.AST) -> bool:
    return isinstance(test, ast.Compare) and "__main__" in ast.dump(test) and "__name__" in ast.dump(test)


def _is_sys_path(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "path" and getattr(node.value, "id", "") == "sys"
