"""Programs that only start another one, such as `env`, `timeout` or `uv run`: what they start."""

from __future__ import annotations

import posixpath
import re
from typing import List

from .shell_words import Word

_PREFIXES = {"exec", "command", "builtin", "nohup", "time", "setsid", "catchsegv", "xvfb-run", "ddtrace-run"}
_PREFIXES_WITH_OPTIONS = {"env", "sudo", "nice", "ionice", "stdbuf", "timeout", "numactl", "taskset", "chrt", "unbuffer"}
_RUNNERS = {"uv", "poetry", "pipenv", "pdm", "hatch", "rye", "conda", "mamba", "micromamba", "pixi"}


def first_script(words: List[Word]) -> int:
    """Where the options of a launcher end."""
    return next((n for n, w in enumerate(words) if w.text.endswith(".py") or w.text in ("-m", "--module")), len(words))


def unwrapped(words: List[Word]) -> List[Word]:
    """The command without programs that only start another one."""
    while words:
        name = posixpath.basename(words[0].text)
        if name in _PREFIXES:
            words = words[1:]
            while words and words[0].text.startswith("-"):
                words = words[1:]
        elif name in _PREFIXES_WITH_OPTIONS:
            words = _after_options(words[1:], name)
        elif name in _RUNNERS and len(words) > 1 and words[1].text == "run":
            words = _after_options(words[2:], name)
        elif name == "uv" and len(words) > 1 and words[1].text == "pip":
            words = words[1:]
        else:
            break
    return words


def _after_options(words: List[Word], name: str) -> List[Word]:
    valued = {"env": "uCS", "sudo": "ugCDhp", "nice": "n", "ionice": "cn", "stdbuf": "ioe", "timeout": "ks"}
    valued.update({"numactl": "mNiCpl", "taskset": "", "uv": "p", "conda": "np", "mamba": "np", "micromamba": "np"})
    long_valued = {"--with", "--python", "--extra", "--group", "--project", "--directory", "--env-file", "--index"}
    long_valued |= {"--name", "--prefix", "--cwd", "--with-requirements", "--package", "--signal", "--kill-after"}
    while words and (words[0].text.startswith("-") or re.match(r"^[A-Za-z_]\w*=", words[0].text)):
        text = words[0].text
        if text == "--":
            return words[1:]
        takes = (text in long_valued) or (len(text) == 2 and text[1] in valued.get(name, ""))
        if name == "uv" and text in ("-m", "--module"):
            return [Word("python", True), Word("-m", True), *words[1:]]
        words = words[2:] if takes else words[1:]
    if name in ("timeout", "taskset"):
        words = words[1:]
    if name in _RUNNERS and words and words[0].known and words[0].text.endswith(".py"):
        return [Word("python", True), *words]
    return words
