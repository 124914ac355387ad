"""From raw output of a process to lines that are safe to show."""

from __future__ import annotations

import codecs
import re
from typing import List, Optional, Tuple

from ..base.contract import LIMITS
from ..base.cut import cut_characters

LONGEST = LIMITS.log_line_characters

# Operating-system commands and their kin (titles, links, clipboard) end with BEL or ST; colours and cursor moves stay.
_BEGINS = (re.compile(rb"\x1b[\]PX^_]"), re.compile(rb"\xc2[\x90\x98\x9d\x9e\x9f]"))
_COMMAND = re.compile(rb"(?:\x1b[\]PX^_]|\xc2[\x90\x98\x9d\x9e\x9f])[^\r\n]*?(?:\x07|\x1b\\|\xc2\x9c|(?=[\r\n]))")
_END = re.compile(rb"\x07|\x1b\\|\xc2\x9c|(?=[\r\n])")
#: An escape that is not whole yet; of a longer one nobody waits for the end.
_PARTIAL = re.compile(rb"(?:\x1b(?:\[[0-?]{0,60}[ -/]{0,4})?|\xc2)\Z")
_BELL = b"\x07"
_CONTROL = bytes(n for n in (*range(7), 8, *range(11, 13), *range(14, 27), *range(28, 32), 127))


class Cleaner:
    """Takes from a stream the escapes that reach beyond the text, and control characters except tab, CR, LF and ESC.

    What it gives on never ends inside an escape.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._in_command = False

    def feed(self, data: bytes, final: bool = False) -> bytes:
        """The next piece; with `final` also the rest."""
        data = self._rest + data.translate(None, _CONTROL)
        self._rest = b""
        if self._in_command:
            end = _END.search(data)
            if end is None:
                # An end of two bytes may have come by half.
                self._rest = data[-1:] if data[-1:] in (b"\x1b", b"\xc2") else b""
                return b""
            data, self._in_command = data[end.end() :], False
        begin = _begin(data)
        while begin is not None:
            data, count = _COMMAND.subn(b"", data)
            begin = _begin(data)
            if count == 0 and begin is not None:
                data, rest = data[:begin], data[begin:]
                self._in_command = True
                self._rest = rest[-1:] if len(rest) > 2 and rest[-1:] in (b"\x1b", b"\xc2") else b""
                begin = None
        partial = None if final or self._in_command else _PARTIAL.search(data, max(0, len(data) - 70))
        if partial is not None:
            data, self._rest = data[: partial.start()], data[partial.start() :]
        return data.translate(None, _BELL)


def _begin(data: bytes) -> Optional[int]:
    """Where the first command begins."""
    found = [begin.search(data) for begin in _BEGINS]
    return min((match.start() for match in found if match is not None), default=None)


class LineSplitter:
    """Splits clean bytes into lines; memory stays bounded however long a line is."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._more = 0
        self._before: Tuple[str, int] = ("", 0)
        self._bar = False

    def feed(self, data: bytes, final: bool = False) -> List[str]:
        """The lines that `data` completes; with `final` also the rest."""
        done = []
        pieces = self._decoder.decode(data, final).split("\n")
        for index, piece in enumerate(pieces):
            if index:
                done.append(self._take())
            self._append(piece)
        if final and (self._text or self._more or self._before[0]):
            done.append(self._take())
        return done

    def snapshot(self) -> str:
        """The present state of an unfinished progress bar, or an empty text when there is none."""
        return self._shown() if self._bar else ""

    def _append(self, piece: str) -> None:
        parts = piece.split("\r")
        for index, part in enumerate(parts):
            if index:
                if self._text:
                    self._before = (self._text, self._more)
                self._text, self._more = "", 0
                self._bar = True
            room = LONGEST - len(self._text)
            self._text += part[:room]
            self._more += max(0, len(part) - room)

    def _shown(self) -> str:
        text, more = (self._text, self._more) if self._text else self._before
        return cut_characters(text, LONGEST, more)

    def _take(self) -> str:
        line = self._shown()
        self._text, self._more, self._before, self._bar = "", 0, ("", 0), False
        return line
