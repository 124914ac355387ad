"""What a shell command starts: scripts, modules, notebooks, requirements files. Read, never run.

What depends on a variable, a substitution or a wildcard is not known and not told. `sure` is what runs in any case and
makes the command fail when it is not there.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import List, NamedTuple, Optional, Set

from .shell_prefixes import first_script, unwrapped
from .shell_words import Command, Word, commands_of


class Start(NamedTuple):
    """`kind` is script, module, shell, notebook, requirements, program, folder (to install) or file (an argument)."""

    kind: str
    #: A path relative to the project, or the name of a module.
    target: str
    line: int
    sure: bool
    #: Where the command runs, `""` is the project.
    folder: str
    args: List[str]
    #: The option before an argument that is a file.
    option: str = ""


#: Programs that make no file of the project.
# fmt: off
_HARMLESS = {
    "echo", "printf", "export", "set", "unset", "cd", "pwd", "ls", "mkdir", "nvidia-smi", "date", "sleep", "env",
    "printenv", "ulimit", "umask", "df", "du", "free", "whoami", "hostname", "uname", "which", "type", "true", ":",
    "chmod", "apt", "apt-get", "pip", "pip3", "shopt", "trap", "wait", "declare", "local", "readonly", "ldconfig",
    "nvcc", "lscpu", "id", "cat", "head", "tail", "wc",
}
# fmt: on
_LAUNCHERS = {"torchrun", "deepspeed", "mpirun", "mpiexec", "horovodrun", "srun", "composer", "bagua"}
_LAUNCHING_MODULES = {
    "torch.distributed.run",
    "torch.distributed.launch",
    "accelerate.commands.launch",
    "deepspeed.launcher.runner",
    "deepspeed.launcher.launch",
    "paddle.distributed.launch",
    "composer.cli",
}
_SHELLS = {"bash", "sh", "dash", "zsh", "ksh"}
_PYTHON = re.compile(r"^(?:.*/)?(?:i?python|pypy)[\d.]*$")
_MODULE = re.compile(r"^[A-Za-z_]\w*(\.\w+)*$")
_FILE = re.compile(r"\.(ya?ml|json|jsonl|toml|cfg|ini|conf|csv|tsv|txt|parquet|pt|pth|safetensors|npy|npz|py)$", re.I)
_OUTPUT = re.compile(r"out|save|log|report|dump|dest|write|target|result|export", re.I)
_PYTHON_VALUES = "WX"


class Shell:
    """Reads one shell text; `made` are paths that it writes itself, `installs` the words of `pip install`."""

    def __init__(self, text: str, folder: str = "", strict: bool = True) -> None:
        self.starts: List[Start] = []
        self.made: Set[str] = set()
        self.installs: List[str] = []
        #: Folders that it puts on PYTHONPATH; None in it when one is not known.
        self.python_path: List[Optional[str]] = []
        self._folder: Optional[str] = folder
        self._strict = strict
        self._loose = False
        commands, flags = commands_of(text)
        self._strict = strict and "+e" not in flags
        for command in commands:
            if not self._read(command):
                break

    def _read(self, command: Command) -> bool:
        """False when nothing after it runs."""
        words = self._assigned(command.words)
        for word in command.writes:
            self._writes(word)
        if not words:
            return True
        sure = command.sure and self._strict and not self._loose
        name = words[0].text if words[0].known else ""
        if name == "cd":
            self._enter(words[1:], command.sure)
        elif name in ("exit", "return") and command.sure:
            return False
        elif name in ("[", "[[", "test"):
            # What follows may hang on it.
            self._loose = True
        else:
            self._command(words, command.line, sure)
        return True

    def _writes(self, word: Word) -> None:
        path = self._path(word)
        if path is None:
            self._loose = self._loose or word.text != "/dev/null"
        else:
            self.made.add(path)

    def _assigned(self, words: List[Word]) -> List[Word]:
        if words and words[0].text == "export":
            for word in words[1:]:
                self._variable(word)
            return words
        while words and re.match(r"^[A-Za-z_]\w*\+?=", words[0].text):
            self._variable(words[0])
            words = words[1:]
        return words

    def _variable(self, word: Word) -> None:
        name, _, value = word.text.partition("=")
        if name != "PYTHONPATH" or "=" not in word.text:
            return
        for part in value.split(":"):
            # Of `$PWD/src` the lexer leaves `/src`.
            path = self._resolve(part.lstrip("/") if not word.known else part) if part else None
            self.python_path.append(path if path is not None else None)

    def _enter(self, words: List[Word], sure: bool) -> None:
        target = self._path(words[0]) if words else None
        self._folder = target if sure else None if target is None else self._folder
        if not sure:
            self._loose = True

    def _resolve(self, text: str) -> Optional[str]:
        if self._folder is None or text.startswith(("/", "~")) or "://" in text or not text:
            return None
        path = posixpath.normpath(posixpath.join(self._folder, text))
        return None if path == ".." or path.startswith("../") else "" if path == "." else path

    def _path(self, word: Word) -> Optional[str]:
        return self._resolve(word.text) if word.known else None

    def _command(self, words: List[Word], line: int, sure: bool) -> None:
        words = unwrapped(words)
        if not words:
            return
        first = words[0]
        name = posixpath.basename(first.text) if first.known else ""
        rest = words[1:]
        if first.known and _PYTHON.match(first.text):
            self._python(rest, line, sure)
        elif name in _SHELLS or first.text in ("source", "."):
            self._shell(rest, line, sure, first.text in ("source", "."))
        elif name in _LAUNCHERS or (name == "accelerate" and rest and rest[0].text == "launch"):
            self._launcher(rest[1:] if name == "accelerate" else rest, line, sure)
        elif name in ("pip", "pip3"):
            self._pip(rest, line, sure)
        elif name in ("papermill", "jupyter", "jupyter-nbconvert", "jupyter-execute"):
            self._notebook(name, rest, line, sure)
        elif "/" in first.text and first.known:
            self._program(first, rest, line, sure)
        if name not in _HARMLESS:
            self._loose = True

    def _start(self, kind: str, word: Word, rest: List[Word], line: int, sure: bool) -> None:
        target = word.text if kind == "module" else self._path(word)
        if not word.known or target is None or self._folder is None:
            return
        args = [other.text for other in rest] if all(other.known for other in rest) else []
        self.starts.append(Start(kind, target, line, sure, self._folder, args))
        if kind in ("script", "module", "program"):
            self._files(rest, line, sure)

    def _files(self, words: List[Word], line: int, sure: bool) -> None:
        for before, word in zip([Word("", True), *words], words):
            option, text = before.text if before.text.startswith("-") else "", word.text
            if text.startswith("-"):
                option, _, text = text.partition("=")
            path = self._resolve(text) if word.known and _FILE.search(text) else None
            if path and not _OUTPUT.search(option) and not text.startswith("-"):
                self.starts.append(Start("file", path, line, sure, self._folder or "", [], option))

    def _python(self, words: List[Word], line: int, sure: bool) -> None:
        index = 0
        while index < len(words):
            text = words[index].text
            if not text.startswith("-") or text == "-":
                if text != "-" and words[index].known:
                    self._start("script", words[index], words[index + 1 :], line, sure)
                return
            for place, letter in enumerate(text[1:] if not text.startswith("--") else ""):
                if letter == "c":
                    return
                if letter == "m":
                    name = text[place + 2 :]
                    tail = words[index + 1 :]
                    module = Word(name, words[index].known) if name else (tail[0] if tail else Word("", False))
                    self._module(module, tail if name else tail[1:], line, sure)
                    return
                if letter in _PYTHON_VALUES:
                    index += not text[place + 2 :]
                    break
            index += 1

    def _module(self, module: Word, rest: List[Word], line: int, sure: bool) -> None:
        if module.text == "pip":
            self._pip(rest, line, sure)
        elif module.text in _LAUNCHING_MODULES:
            self._launcher(rest, line, sure)
        elif module.text in ("papermill", "jupyter", "nbconvert"):
            self._notebook("jupyter" if module.text == "nbconvert" else module.text, rest, line, sure)
        elif module.known and _MODULE.match(module.text):
            self._start("module", module, rest, line, sure)

    def _launcher(self, words: List[Word], line: int, sure: bool) -> None:
        self._files(words[: first_script(words)], line, sure)
        module = False
        for index, word in enumerate(words):
            if not word.known:
                return
            if word.text in ("-m", "--module"):
                module = True
            elif _PYTHON.match(word.text):
                self._python(words[index + 1 :], line, sure)
                return
            elif word.text.endswith(".py") and not word.text.startswith("-"):
                self._start("script", word, words[index + 1 :], line, sure)
                return
            elif module and _MODULE.match(word.text) and words[index - 1].text in ("-m", "--module"):
                self._start("module", word, words[index + 1 :], line, sure)
                return

    def _shell(self, words: List[Word], line: int, sure: bool, sourced: bool) -> None:
        index = 0
        while index < len(words) and words[index].text.startswith(("-", "+")) and not sourced:
            text = words[index].text
            if not text.startswith("--") and "c" in text:
                if index + 1 < len(words) and words[index + 1].known:
                    inner = Shell(words[index + 1].text, self._folder or "", "e" in text or False)
                    self.starts += [s._replace(line=line, sure=s.sure and sure) for s in inner.starts]
                    self.made |= inner.made
                    self.installs += inner.installs
                return
            index += 2 if text.endswith("o") and not text.startswith("--") else 1
        if index < len(words):
            self._start("shell", words[index], words[index + 1 :], line, sure)

    def _program(self, word: Word, rest: List[Word], line: int, sure: bool) -> None:
        kind = "script" if word.text.endswith(".py") else "shell" if word.text.endswith((".sh", ".bash")) else "program"
        self._start(kind, word, rest, line, sure)

    def _notebook(self, name: str, words: List[Word], line: int, sure: bool) -> None:
        texts = [word.text for word in words]
        runs = name in ("papermill", "jupyter-execute") or "--execute" in texts or texts[:1] == ["execute"]
        book = next((word for word in words if word.known and word.text.endswith(".ipynb")), None)
        if runs and book is not None:
            self._start("notebook", book, [], line, sure)

    def _pip(self, words: List[Word], line: int, sure: bool) -> None:
        if not any(word.text == "install" for word in words):
            return
        skip = False
        for before, word in zip([Word("", True), *words], words):
            text = word.text
            if skip:
                skip = False
                continue
            option, separator, value = text.partition("=")
            if option in ("-r", "--requirement", "-c", "--constraint") and separator:
                self._start("requirements", Word(value, word.known), [], line, sure)
            elif re.match(r"^-[rc].", text):
                self._start("requirements", Word(text[2:], word.known), [], line, sure)
            elif before.text in ("-r", "--requirement", "-c", "--constraint"):
                self._start("requirements", word, [], line, sure)
            elif re.match(r"^(\./|\.$|\.\[)", text) or before.text in ("-e", "--editable"):
                self._start("folder", Word(re.sub(r"\[.*$", "", text), word.known or "[" in text), [], line, sure)
            elif text.startswith("-"):
                skip = text in ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "-t", "--target")
            elif text != "install" and word.text:
                self.installs.append(text)


def run_magic(line: str, folder: str = "") -> Optional[Start]:
    """What `%run` with these arguments starts."""
    try:
        words = shlex.split(line)
    except ValueError:
        return None
    index = 0
    while index < len(words) and words[index].startswith("-"):
        if words[index] == "-m" and index + 1 < len(words):
            return Start("module", words[index + 1], 1, True, folder, words[index + 2 :])
        index += 2 if words[index] in ("-b", "-T", "-l", "-s") else 1
    if index >= len(words) or re.search(r"[{$*?~]", words[index]):
        return None
    name = words[index]
    kind = "notebook" if name.endswith(".ipynb") else "script"
    target = name if name.endswith((".py", ".ipy", ".ipynb")) else name + ".py"
    path = posixpath.normpath(posixpath.join(folder, target))
    outside = path.startswith(("../", "/"))
    return None if outside else Start(kind, path, 1, True, folder, words[index + 1 :])
