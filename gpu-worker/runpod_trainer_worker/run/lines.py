"""From raw output of a process to lines that are safe to show."""

from __future__ import annotations

import codecs
import re
from typing import List, Tuple

from ..base.contract import LIMITS
from ..base.cut import cut_characters

LONGEST = LIMITS.log_line_characters

# Operating-system commands and their kin (titles, links, clipboard) end with BEL or ST; colours and cursor moves stay.
_STRING_ESCAPE = re.compile("\x1b[\\]PX^_].*?(?:\x07|\x1b\\\\|$)|[\x9d\x90\x98\x9e\x9f].*?(?:\x07|\x9c|$)", re.DOTALL)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]")


def clean(line: str) -> str:
    """Without escapes that reach beyond the text and without control characters, except tab and ESC."""
    return _CONTROL.sub("", _STRING_ESCAPE.sub("", line))


class LineSplitter:
    """Splits bytes into lines; memory stays bounded however long a line is."""

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
        return cut_characters(clean(text), LONGEST, more)

    def _take(self) -> str:
        line = self._shown()
        self._text, self._more, self._before, self._bar = "", 0, ("", 0), False
        return line
