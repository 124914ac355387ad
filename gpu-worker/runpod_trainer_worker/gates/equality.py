"""When a value of a column is the one that the project file names. The client's check says the same (contract/vectors)."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import struct
from decimal import Decimal
from typing import Any, Callable, List, Optional, Tuple

#: What a value is found under: values with the same key count as one.
Key = Any

_DATE = re.compile(r"(-?[0-9]{4,5})-([0-9]{2})-([0-9]{2})")
_TIME = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?")
_MOMENT = re.compile(r"([-0-9]+)(?:[T ]([0-9:.]+)(?:Z|([+-])([0-9]{2}):?([0-9]{2})?)?)?")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "+inf": math.inf, "-inf": -math.inf}
_NOT_FINITE.update({"infinity": math.inf, "+infinity": math.inf, "-infinity": -math.inf})
_DAY = 86_400 * 10**9


@dataclasses.dataclass(frozen=True)
class Kind:
    """
    What a column holds. Raw values: bool; int (also durations); float of `bits`; Decimal; bytes (`text`, of `size` when all
    are as long); days (`date`); nanoseconds (`time`, `timestamp`); lists; tuples by `names` (`struct`); pairs (`map`).
    """

    name: str
    bits: int = 64
    utc: bool = False
    size: Optional[int] = None
    parts: Tuple["Kind", ...] = ()
    names: Tuple[str, ...] = ()


def _rounded(value: float, bits: int) -> float:
    """The nearest float of so many bits."""
    if bits == 64 or not math.isfinite(value):
        return value
    try:
        return float(struct.unpack("<" + "ef"[bits == 32], struct.pack("<" + "ef"[bits == 32], value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def _short(value: float, bits: int) -> float:
    """The shortest decimal that is this float, as a number: 0.1 of 32 bits and not 0.10000000149011612."""
    if bits == 64 or not math.isfinite(value):
        return value
    return next(short for digits in range(1, 18) if _rounded(short := float(f"{value:.{digits}g}"), bits) == value)


def key_of(kind: Kind, value: Any) -> Key:
    """Equal for what counts as one value: NaN is one, 0.0 and -0.0 are one, 1.10 is 1.1."""
    if kind.name == "float":
        return "nan" if value != value else value
    if value is None:
        return None
    if kind.name == "list":
        return tuple(key_of(kind.parts[0], item) for item in value)
    if kind.name == "struct":
        return tuple(key_of(part, item) for part, item in zip(kind.parts, value))
    if kind.name == "map":
        return tuple((key_of(kind.parts[0], name), key_of(kind.parts[1], item)) for name, item in value)
    return value


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def _texts_of(wanted: Any) -> List[str]:
    """How a value of the project file may stand in a column of texts."""
    if isinstance(wanted, bool):
        return ["true" if wanted else "false"]
    if isinstance(wanted, float):
        return [repr(wanted), *([str(int(wanted))] if wanted == int(wanted) else [])]
    return [str(wanted)]


def _days(text: str) -> Optional[int]:
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day = (int(part) for part in found.groups())
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    if not (1 <= month <= 12 and 1 <= day <= lengths[month - 1]):
        return None
    # Years begin in March, so that the leap day is the last one.
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def _nanoseconds(text: str) -> Optional[int]:
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    hours, minutes, seconds = int(found[1]), int(found[2]), int(found[3] or 0)
    if hours > 23 or minutes > 59 or seconds > 59:
        return None
    return ((hours * 60 + minutes) * 60 + seconds) * 10**9 + int((found[4] or "").ljust(9, "0"))


def _moment(text: str, utc: bool) -> Optional[int]:
    """
    Nanoseconds since 1970. A text without a zone is in UTC for a column that knows moments; a column without them has the
    same digits in every zone.
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    date, time, sign, hours, minutes = found.groups()
    offset = (int(hours or 0) * 60 + int(minutes or 0)) * (-1 if sign == "-" else 1)
    days, within = _days(date), 0 if time is None else _nanoseconds(time)
    if days is None or within is None or (offset != 0 and not utc):
        return None
    return days * _DAY + within - offset * 60 * 10**9


def _nothing(_: Any) -> bool:
    return False


def _number(kind: Kind, wanted: Any) -> Callable[[Any], bool]:
    if isinstance(wanted, bool):
        return _nothing
    exact: Any = wanted
    if isinstance(wanted, str):
        if kind.name == "float" and wanted.lower() in _NOT_FINITE:
            special = _NOT_FINITE[wanted.lower()]
            return (lambda value: bool(value != value)) if special != special else (lambda value: bool(value == special))
        if not _NUMBER.fullmatch(wanted):
            return _nothing
        exact = Decimal(wanted) if "." in wanted or "e" in wanted.lower() else int(wanted)
    if kind.name == "float" and not isinstance(exact, int):
        near = _rounded(float(exact), kind.bits)
        return lambda value: bool(value == near)
    if kind.name == "decimal" and isinstance(exact, float):
        # The file holds the nearest double of what was written.
        return lambda value: float(value) == exact
    return lambda value: bool(value == exact)


def matcher(kind: Kind, wanted: Any) -> Callable[[Any], bool]:
    """Whether a raw value, never null, is the one that the project file names."""
    if kind.name == "bool":
        answer = {True: True, False: False, "true": True, "false": False}
        meant = answer.get(wanted) if isinstance(wanted, (bool, str)) else None
        return lambda value: value is meant
    if kind.name in ("int", "float", "decimal"):
        return _number(kind, wanted)
    if kind.name == "text":
        if kind.size == 16 and isinstance(wanted, str) and _UUID.fullmatch(wanted):
            number = bytes.fromhex(wanted.replace("-", ""))
            return lambda value: bool(value == number) or _text(value) == wanted
        texts = _texts_of(wanted)
        return lambda value: _text(value) in texts
    if not isinstance(wanted, str):
        return _nothing
    if kind.name in ("date", "time", "timestamp"):
        moment = (
            _days(wanted)
            if kind.name == "date"
            else _nanoseconds(wanted)
            if kind.name == "time"
            else _moment(wanted, kind.utc)
        )
        return lambda value: bool(value == moment)
    try:
        meant = json.loads(wanted)
    except (ValueError, RecursionError):
        return _nothing
    return lambda value: _same(kind, value, meant)


def _same(kind: Kind, value: Any, wanted: Any) -> bool:
    """The same for a part of a nested value; `wanted` is JSON, where null is null."""
    if value is None or wanted is None:
        return value is None and wanted is None
    if kind.name == "list":
        whole = isinstance(wanted, list) and len(wanted) == len(value)
        return whole and all(_same(kind.parts[0], item, want) for item, want in zip(value, wanted))
    if kind.name == "struct":
        whole = isinstance(wanted, dict) and set(wanted) == set(kind.names)
        return whole and all(_same(*part) for part in zip(kind.parts, value, (wanted[name] for name in kind.names)))
    if kind.name == "map":
        pairs = list(wanted.items()) if isinstance(wanted, dict) else wanted
        if not isinstance(pairs, list) or len(pairs) != len(value):
            return False
        return all(
            any(
                isinstance(pair, (list, tuple))
                and len(pair) == 2
                and _same(kind.parts[0], name, pair[0])
                and _same(kind.parts[1], item, pair[1])
                for pair in pairs
            )
            for name, item in value
        )
    return isinstance(wanted, (str, int, float)) and matcher(kind, wanted)(value)


def _day_text(days: int) -> str:
    era, of_era = divmod(days + 719_468, 146_097)
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month += 3 if month < 10 else -9
    year = year_of_era + era * 400 + (month <= 2)
    return f"{'-' if year < 0 else ''}{abs(year):04d}-{month:02d}-{day:02d}"


def _time_text(nanoseconds: int) -> str:
    seconds, fraction = divmod(nanoseconds, 10**9)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return text if fraction == 0 else f"{text}.{fraction:09d}".rstrip("0")


def shown(kind: Kind, value: Any) -> Any:
    """The value as a project file would name it."""
    if value is None:
        return None
    if kind.name == "float":
        return _short(value, kind.bits)
    if kind.name == "decimal":
        return f"{value:f}"
    if kind.name == "text":
        return _text(value)
    if kind.name == "date":
        return _day_text(value)
    if kind.name == "time":
        return _time_text(value)
    if kind.name == "timestamp":
        days, within = divmod(value, _DAY)
        return f"{_day_text(days)}T{_time_text(within)}{'Z' if kind.utc else ''}"
    if kind.name == "list":
        return [shown(kind.parts[0], item) for item in value]
    if kind.name == "struct":
        return {name: shown(part, item) for name, part, item in zip(kind.names, kind.parts, value)}
    if kind.name == "map":
        return [[shown(kind.parts[0], name), shown(kind.parts[1], item)] for name, item in value]
    return value


def has_value(kind: Kind, value: Any) -> bool:
    """Not null, not an empty text or list, not NaN, not a list without such."""
    if value is None:
        return False
    if kind.name == "float":
        return bool(value == value)
    if kind.name == "text":
        return len(value) > 0
    if kind.name == "list":
        (part,) = kind.parts
        return any(item is not None and not (part.name == "float" and item != item) for item in value)
    return True
