"""Shell text as simple commands: words, where they run in any case, and what they write. No shell is asked."""

from __future__ import annotations

import re
from typing import Iterator, List, NamedTuple, Optional, Set, Tuple


class Word(NamedTuple):
    """A word; `known` when it has no expansion."""

    text: str
    known: bool


class Command(NamedTuple):
    """One simple command."""

    words: List[Word]
    line: int
    sure: bool
    writes: List[Word]


_OPERATORS = ("&&", "||", ";;", "|&", ";", "&", "|", "\n")
_OPENING = {"if", "while", "until", "for", "case", "select"}
_CLOSING = {"fi", "done", "esac"}
_WITHIN = {"then", "do", "else", "elif"}


class _Lexer:
    """Words and operators of shell text; comments, here documents and what is in `$( )` are passed over."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.line = 1
        self._heredocs: List[Tuple[str, bool]] = []

    def tokens(self) -> Iterator[Tuple[int, object]]:
        """(line, operator as text or Word)."""
        text = self._text
        while self._at < len(text):
            char = text[self._at]
            if text.startswith("\\\n", self._at):
                self._skip(2)
            elif char == "\n":
                yield self.line, "\n"
                self._skip(1)
                self._pass_heredocs()
            elif char.isspace():
                self._skip(1)
            elif char == "#":
                end = text.find("\n", self._at)
                self._skip((end if end >= 0 else len(text)) - self._at)
            elif char in "<>" or (char == "&" and text[self._at + 1 : self._at + 2] == ">"):
                yield self.line, self._redirection()
            elif char in ";&|()":
                operator = next((o for o in _OPERATORS if text.startswith(o, self._at)), char)
                yield self.line, operator
                self._skip(len(operator))
            else:
                line = self.line
                yield line, self._word()

    def _skip(self, count: int) -> None:
        self.line += self._text.count("\n", self._at, self._at + count)
        self._at += count

    def _redirection(self) -> str:
        found = re.compile(r"&>>?|<<<|<<-?|<\(|>\(|>>|>\||[<>]&|[<>]").match(self._text, self._at)
        operator = found.group(0) if found else self._text[self._at]
        if operator in ("<(", ">("):
            self._skip(1)
            self._balanced("(", ")")
            return "substituted"
        self._skip(len(operator))
        if operator in ("<<", "<<-"):
            while self._text[self._at : self._at + 1] in (" ", "\t"):
                self._skip(1)
            self._heredocs.append((self._word().text, operator == "<<-"))
            return "read"
        return ">" if ">" in operator and "&" not in operator[1:] else "<"

    def _pass_heredocs(self) -> None:
        for end, tabs in self._heredocs:
            while self._at < len(self._text):
                stop = self._text.find("\n", self._at)
                stop = len(self._text) if stop < 0 else stop
                line = self._text[self._at : stop]
                self._skip(stop + 1 - self._at)
                if (line.lstrip("\t") if tabs else line) == end:
                    break
        self._heredocs = []

    def _word(self) -> Word:
        out: List[str] = []
        known = True
        text = self._text
        while self._at < len(text):
            char = text[self._at]
            if char.isspace() or char in ";&|()<>":
                break
            if char == "'":
                end = text.find("'", self._at + 1)
                end = len(text) if end < 0 else end
                out.append(text[self._at + 1 : end])
                self._skip(end + 1 - self._at)
            elif char == '"':
                known &= self._quoted(out)
            elif char == "\\":
                out.append("" if text.startswith("\\\n", self._at) else text[self._at + 1 : self._at + 2])
                self._skip(2)
            elif char in "$`":
                self._expansion()
                known = False
            else:
                known &= char not in "*?[{~"
                out.append(char)
                self._skip(1)
        word = "".join(out)
        return Word(word, known or word in ("{", "[", "[["))

    def _quoted(self, out: List[str]) -> bool:
        known = True
        self._skip(1)
        while self._at < len(self._text) and self._text[self._at] != '"':
            char = self._text[self._at]
            if char == "\\" and self._text[self._at + 1 : self._at + 2] in tuple('"\\$`\n'):
                out.append(self._text[self._at + 1].replace("\n", ""))
                self._skip(2)
            elif char in "$`":
                self._expansion()
                known = False
            else:
                known &= char != "{"
                out.append(char)
                self._skip(1)
        self._skip(1)
        return known

    def _expansion(self) -> None:
        if self._text[self._at] == "`":
            end = self._text.find("`", self._at + 1)
            self._skip((len(self._text) if end < 0 else end + 1) - self._at)
            return
        self._skip(1)
        following = self._text[self._at : self._at + 1]
        if following == "(":
            self._balanced("(", ")")
        elif following == "{":
            self._balanced("{", "}")
        elif following in ("'", '"'):
            return
        else:
            found = re.compile(r"\w+|.").match(self._text, self._at)
            self._skip(len(found.group(0)) if found else 0)

    def _balanced(self, opening: str, closing: str) -> None:
        depth = 0
        while self._at < len(self._text):
            char = self._text[self._at]
            depth += (char == opening) - (char == closing)
            self._skip(2 if char == "\\" else 1)
            if depth == 0:
                return


def commands_of(text: str) -> Tuple[List[Command], Set[str]]:
    """The simple commands, and what the text says about failing: `+e` when failures are passed over."""
    found: List[Command] = []
    words: List[Word] = []
    writes: List[Word] = []
    line = 1
    depth = 0
    chained = False
    redirect: Optional[str] = None
    flags: Set[str] = set()
    listed = 0

    def finish(sure: bool) -> None:
        nonlocal words, writes
        if words or writes:
            found.append(Command(words, line, sure, writes))
        words, writes = [], []

    for at, token in _Lexer(text).tokens():
        if isinstance(token, Word):
            if redirect is not None:
                if redirect == ">":
                    writes.append(token)
                redirect = None
                continue
            if not words:
                line = at
                if token.known and token.text in _OPENING:
                    depth += 1
                elif token.known and token.text in _CLOSING | {"}"}:
                    depth = max(0, depth - 1)
                    continue
                elif token.known and token.text in ("{", "!", "[[", "function"):
                    depth += token.text in ("{", "function")
                    chained = True
                if token.known and token.text in _OPENING | _WITHIN | {"{", "!"}:
                    if token.text in ("for", "case", "select"):
                        words.append(token)
                    continue
            words.append(token)
        elif token in ("<", ">"):
            redirect = str(token)
        elif token == "(":
            # A subshell, or the parentheses of a function.
            finish(False)
            depth += 1
        elif token == ")":
            finish(False)
            depth = max(0, depth - 1)
        elif token in _OPERATORS:
            # What `||` follows may fail, and what follows it may not run; what `&` ends is not waited for.
            finish(depth == 0 and not chained)
            if token in ("||", "&"):
                found[listed:] = [command._replace(sure=False) for command in found[listed:]]
            if token not in ("&&", "|", "|&", "||"):
                listed = len(found)
            chained = token == "||" or (chained and token in ("&&", "|", "|&"))
    finish(depth == 0 and not chained)
    for command in found:
        text_of = [word.text for word in command.words]
        if text_of[:1] == ["set"] and any(re.match(r"^\+\w*e", word) for word in text_of[1:]):
            flags.add("+e")
    return found, flags
