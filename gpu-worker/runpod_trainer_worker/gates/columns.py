"""The values of an Arrow array as equality compares them."""

from __future__ import annotations

import importlib
from typing import Any, List

from .equality import Kind

_UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def _types() -> Any:
    return importlib.import_module("pyarrow.types")


def kind_of(kind: Any) -> Kind:
    """The kind of an Arrow type."""
    types = _types()
    if types.is_dictionary(kind):
        return kind_of(kind.value_type)
    if hasattr(kind, "storage_type"):
        return kind_of(kind.storage_type)
    if types.is_boolean(kind):
        return Kind("bool")
    if types.is_integer(kind) or types.is_duration(kind) or types.is_null(kind):
        return Kind("int")
    if types.is_floating(kind):
        return Kind("float", bits=kind.bit_width)
    if types.is_decimal(kind):
        return Kind("decimal")
    if types.is_date(kind):
        return Kind("date")
    if types.is_time(kind):
        return Kind("time")
    if types.is_timestamp(kind):
        return Kind("timestamp", utc=kind.tz is not None)
    if types.is_struct(kind):
        fields = [kind[number] for number in range(kind.num_fields)]
        return Kind("struct", parts=tuple(kind_of(f.type) for f in fields), names=tuple(f.name for f in fields))
    if types.is_map(kind):
        return Kind("map", parts=(kind_of(kind.key_type), kind_of(kind.item_type)))
    if _is_list(kind):
        return Kind("list", parts=(kind_of(kind.value_type),))
    return Kind("text", size=kind.byte_width if types.is_fixed_size_binary(kind) else None)


def _is_list(kind: Any) -> bool:
    types = _types()
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def plain_array(values: Any) -> Any:
    """The array without dictionary and extension."""
    while True:
        if hasattr(values, "dictionary"):
            values = values.dictionary_decode()
        elif hasattr(values.type, "storage_type"):
            values = values.storage
        else:
            return values


def raw(values: Any) -> List[Any]:
    """The raw values of an Arrow array. Dates and times by their number, which Python's own types cannot always hold."""
    values = plain_array(values)
    types, kind = _types(), values.type
    if types.is_date32(kind):
        return list(values.cast("int32").to_pylist())
    if types.is_date64(kind):
        return [value if value is None else value // 86_400_000 for value in values.cast("int64").to_pylist()]
    if types.is_time(kind) or types.is_timestamp(kind):
        unit = _UNITS[kind.unit]
        number = "int32" if types.is_time32(kind) else "int64"
        return [value if value is None else value * unit for value in values.cast(number).to_pylist()]
    if types.is_duration(kind):
        return list(values.cast("int64").to_pylist())
    if types.is_floating(kind):
        return [value if value is None else float(value) for value in values.to_pylist()]
    if types.is_string(kind) or types.is_large_string(kind):
        # As bytes: what is no UTF-8 has a value too.
        return list(values.cast("large_binary" if types.is_large_string(kind) else "binary").to_pylist())
    if types.is_struct(kind):
        children = [raw(values.field(number)) for number in range(kind.num_fields)]
        rows = zip(*children) if children else (() for _ in range(len(values)))
        return [row if valid else None for row, valid in zip(rows, values.is_valid().to_pylist())]
    if types.is_map(kind):
        pairs = list(zip(raw(values.keys), raw(values.items)))
        return _slices(values, pairs)
    if _is_list(kind):
        return _slices(values, raw(values.values))
    return [value.encode() if isinstance(value, str) else value for value in values.to_pylist()]


def _slices(values: Any, flat: List[Any]) -> List[Any]:
    """The lists of an array by the values of all of them."""
    if _types().is_fixed_size_list(values.type):
        size = values.type.list_size
        ends = [(values.offset + number) * size for number in range(len(values) + 1)]
    else:
        ends = values.offsets.to_pylist()
    rows = zip(ends, ends[1:], values.is_valid().to_pylist())
    return [flat[start:end] if valid else None for start, end, valid in rows]
