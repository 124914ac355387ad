"""
Writes parquet files over the types, encodings and codecs of a writer, with gates on them, and asks the worker's gates.

    parquet.py write <pyarrow|fastparquet> <folder> <seed> <files>     leaves cases.jsonl there
    parquet.py ask <folder>                                            leaves answers.jsonl there
"""

import datetime
import decimal
import json
import math
import random
import struct
import sys
import uuid
from pathlib import Path

NAN = float("nan")
EPOCH = datetime.datetime(1970, 1, 1)


def f32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def short(value, code):
    """The shortest decimal that is this float of fewer bits."""
    for digits in range(1, 18):
        near = float(f"{value:.{digits}g}")
        if struct.unpack(f"<{code}", struct.pack(f"<{code}", near))[0] == value:
            return near
    raise AssertionError(value)


def number_name(value, code="d"):
    """How a project file names a number: JSON, or a word for what JSON has not."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if value != value else "inf" if value > 0 else "-inf"
    return short(value, code) if code != "d" and isinstance(value, float) else value


def moment_name(days, nanoseconds, zone=""):
    seconds, fraction = divmod(nanoseconds, 10**9)
    date = (EPOCH + datetime.timedelta(days=days)).date().isoformat()
    time = str(datetime.timedelta(seconds=seconds)).rjust(8, "0")
    return f"{date}T{time}" + (f".{fraction:09d}" if fraction else "") + zone


class Column:
    """A column: its name, values as the writer takes them, and for each value how a project file may name it."""

    def __init__(self, name, values, names, kind=None, count=None, empty=()):
        self.name, self.values, self.names, self.kind = name, values, names, kind
        #: Different values that are not null; None where this file does not know.
        self.count = count
        #: Values beside null that count as none.
        self.empty = empty


def picks(draw, pool, rows, nulls=0.2):
    return [None if draw.random() < nulls else draw.choice(pool) for _ in range(rows)]


def count_of(values, key=lambda value: value):
    return len({key(value) for value in values if value is not None})


def float_key(value):
    return "nan" if value != value else value


# What pyarrow writes -------------------------------------------------------------------------------------------------


def integers(draw, rows, pa):
    bits = draw.choice([8, 16, 32, 64])
    signed = draw.random() < 0.5
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    pool = [low, high, high - 1, low + 1, 0, 1, 7, min(high, 9007199254740993), min(high, 9007199254740992)]
    values = picks(draw, pool, rows)
    return Column("i", values, {}, getattr(pa, f"{'' if signed else 'u'}int{bits}")(), count_of(values))


def floats(draw, rows, pa):
    code, kind = draw.choice([("e", pa.float16()), ("f", pa.float32()), ("d", pa.float64())])
    cut = lambda v: struct.unpack(f"<{code}", struct.pack(f"<{code}", v))[0]  # noqa: E731
    pool = [cut(v) for v in (0.1, 1.5, -2.25, 0.0, 1e-5, 3.0, 1234.5)] + [-0.0, NAN, math.inf, -math.inf]
    if code == "d":
        pool += [1e300, 5e-324, 9007199254740992.0, 0.1 + 0.2, 1e21, 123456789.123456789]
    if code == "f":
        pool += [f32(16777216.0), f32(1e38), f32(1e-40), f32(3.4e38)]
    values = picks(draw, pool, rows)
    names = {repr(v): number_name(v, code) for v in pool}
    return Column("f", values, names, kind, count_of(values, float_key), empty=(NAN,))


def decimals(draw, rows, pa):
    precision = draw.choice([1, 5, 9, 18, 19, 38, 40, 76])
    scale = draw.choice([0, 1, min(2, precision), precision // 2, precision])
    context = decimal.Context(prec=precision + 5)
    top = 10 ** min(precision, 30) - 1
    digits = [0, 1, 10, 110, 111, top, -top, -1, 1000299, 25]
    pool = [context.scaleb(decimal.Decimal(d), -scale) for d in digits if abs(d) < 10**precision]
    values = picks(draw, pool, rows)
    kind = pa.decimal256(precision, scale) if precision > 38 else pa.decimal128(precision, scale)
    names = {repr(v): f"{v:f}" if draw.random() < 0.5 else json.loads(f"{v:f}") for v in pool}
    return Column("d", values, names, kind, count_of(values))


TEXTS = ["", "a", "A", "warm", "ｗａｒｍ", "🌈", "é", "e\u0301", "1", "1.0", "true", "nan", "null", "2024-01-01", "x" * 70]
TEXTS += ["z" * 69 + "🌈", "\x00", "\\xff", "\uffff", "\U00010000", "a\nb", "1e-07", "0"]


def texts(draw, rows, pa):
    pool = draw.sample(TEXTS, draw.randint(2, len(TEXTS)))
    values = picks(draw, pool, rows)
    kind = draw.choice([pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
    return Column("s", values, {}, kind, count_of(values), empty=("",))


def binaries(draw, rows, pa):
    size = draw.choice([None, None, 1, 4, 16])
    pool = [b"", b"a", b"\xff", b"\xff\xfe\x00", "é🌈".encode(), b"\xed\xa0\x80", b"plain", b"\x00"]
    if size is not None:
        pool = [bytes(draw.randrange(256) for _ in range(size)) for _ in range(5)] + [b"a" * size, b"\x00" * size]
    values = picks(draw, pool, rows)
    kind = draw.choice([pa.binary(), pa.large_binary()]) if size is None else pa.binary(size)
    names = {repr(v): v.decode("utf-8", "backslashreplace") for v in pool}
    if size == 16 and draw.random() < 0.5:
        names = {repr(v): str(uuid.UUID(bytes=v)) for v in pool}
    return Column("b", values, names, kind, count_of(values), empty=(b"",))


def booleans(draw, rows, pa):
    values = picks(draw, [True, False], rows)
    return Column("t", values, {}, pa.bool_(), count_of(values))


def dates(draw, rows, pa):
    pool = [datetime.date(1, 1, 1), datetime.date(1969, 12, 31), datetime.date(1970, 1, 1), datetime.date(2024, 2, 29)]
    pool += [datetime.date(2024, 1, 1), datetime.date(9999, 12, 31), datetime.date(1900, 3, 1)]
    values = picks(draw, pool, rows)
    names = {repr(v): v.isoformat() for v in pool}
    return Column("day", values, names, draw.choice([pa.date32(), pa.date64()]), count_of(values))


UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def times(draw, rows, pa):
    unit = draw.choice(["s", "ms", "us", "ns"])
    pool = [0, 1, 43200 * 10**9 // UNITS[unit], 86_399 * 10**9 // UNITS[unit], 3723 * 10**9 // UNITS[unit] + 1]
    values = picks(draw, pool, rows)
    kind = (pa.time32 if unit in ("s", "ms") else pa.time64)(unit)
    names = {repr(v): moment_name(0, v * UNITS[unit])[11:] for v in pool}
    return Column("at", values, names, kind, count_of(values))


def timestamps(draw, rows, pa):
    unit, zone = draw.choice(["s", "ms", "us", "ns"]), draw.choice([None, None, "UTC", "Europe/Berlin", "+05:30"])
    second = 10**9 // UNITS[unit]
    pool = [0, 1, -1, 1704067200 * second, 1704067200 * second + 1, 1709210096 * second, -2208988800 * second]
    values = picks(draw, pool, rows)
    names = {}
    for value in pool:
        days, within = divmod(value * UNITS[unit], 86_400 * 10**9)
        names[repr(value)] = moment_name(days, within, "Z" if zone or draw.random() < 0.3 else "")
        if zone and draw.random() < 0.3:
            days, within = divmod(value * UNITS[unit] + 7200 * 10**9, 86_400 * 10**9)
            names[repr(value)] = moment_name(days, within, "+02:00")
    return Column("ts", values, names, pa.timestamp(unit, zone), count_of(values))


def durations(draw, rows, pa):
    values = picks(draw, [0, 1, -5, 86_400_000, 2**53 + 1], rows)
    return Column("took", values, {}, pa.duration(draw.choice(list(UNITS))), count_of(values))


def nothing(draw, rows, pa):
    return Column("none", [None] * rows, {}, pa.null(), 0)


def dumps(value):
    return json.dumps(value, ensure_ascii=draw_ascii)


draw_ascii = False


def lists(draw, rows, pa):
    pools = {
        "int64": (pa.int64(), [1, 2, 2**53 + 1, None]),
        "uint64": (pa.uint64(), [2**64 - 1, 0, None]),
        "float32": (pa.float32(), [0.5, 1.5, None]),
        "nan": (pa.float64(), [NAN, NAN, None, 0.5]),
        "string": (pa.string(), ["", "a", "🌈", None]),
        "bool": (pa.bool_(), [True, False, None]),
        "date": (pa.date32(), [datetime.date(2024, 1, 1), None]),
        "list": (pa.list_(pa.int32()), [[], [1], [1, None], None]),
        "struct": (pa.struct([("x", pa.int32()), ("y", pa.string())]), [{"x": 1, "y": None}, {"x": None, "y": "b"}, None]),
        "decimal": (pa.decimal128(9, 2), [decimal.Decimal("1.10"), decimal.Decimal("2.00"), None]),
    }
    name = draw.choice(list(pools))
    inner, items = pools[name]
    size = draw.choice([None, None, 2])
    form = draw.choice([pa.list_, pa.large_list])
    lengths = [0, 1, 2, 3] if size is None else [size]
    pool = [[draw.choice(items) for _ in range(draw.choice(lengths))] for _ in range(6)]
    values = picks(draw, pool, rows)
    simple = name in ("int64", "uint64", "float32", "string", "bool", "list", "struct")
    names = {repr(v): json.dumps(v) for v in pool} if simple else {}
    key = (lambda v: repr(v).replace("-0.0", "0.0")) if name == "nan" else repr
    kind = pa.list_(inner, size) if size is not None else form(inner)
    return Column("l", values, names, kind, count_of(values, key))


def structs(draw, rows, pa):
    pool = [{"a": 1, "b": "x"}, {"a": None, "b": "x"}, {"a": 1, "b": None}, {"a": None, "b": None}, {"a": 2, "b": ""}]
    kind = pa.struct([("a", pa.int64()), ("b", pa.string())])
    names = {repr(v): json.dumps(v) for v in pool}
    if draw.random() < 0.4:
        pool = [{"in": p, "at": [1.5, None]} for p in pool] + [{"in": None, "at": None}, {"in": None, "at": []}]
        kind = pa.struct([("in", kind), ("at", pa.list_(pa.float32()))])
        names = {repr(v): json.dumps(v) for v in pool}
    values = picks(draw, pool, rows)
    return Column("box", values, names, kind, count_of(values, repr))


def maps(draw, rows, pa):
    pool = [[], [("k", 1)], [("k", None)], [("k", 1), ("l", 2)], [("l", 2), ("k", 1)], [("", 0)]]
    kind = pa.map_(pa.string(), pa.int64())
    if draw.random() < 0.4:
        pool = [[(k, {"v": [v, None]}) for k, v in pairs] for pairs in pool]
        kind = pa.map_(pa.string(), pa.struct([("v", pa.list_(pa.int64()))]))
    values = picks(draw, pool, rows)
    names = {repr(v): json.dumps(dict(v)) if draw.random() < 0.5 else json.dumps(v) for v in pool}
    return Column("m", values, names, kind, count_of(values, repr))


MAKERS = [integers, integers, floats, floats, decimals, texts, texts, binaries, booleans, dates, times, timestamps]
MAKERS += [timestamps, durations, nothing, lists, lists, structs, maps]


def encodings_for(kind, types, draw):
    if types.is_boolean(kind):
        return ["PLAIN", "RLE"]
    if types.is_integer(kind) or types.is_date(kind) or types.is_timestamp(kind) or types.is_time(kind):
        return ["PLAIN", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"]
    if types.is_floating(kind):
        return ["PLAIN", "BYTE_STREAM_SPLIT"]
    if types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind):
        return ["PLAIN", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"]
    if types.is_fixed_size_binary(kind) or types.is_decimal(kind):
        return ["PLAIN", "BYTE_STREAM_SPLIT", "DELTA_BYTE_ARRAY"]
    return []


def write_pyarrow(file, draw):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = draw.choice([1, 3, 40, 200, 1500])
    columns = [draw.choice(MAKERS)(draw, rows, pa) for _ in range(draw.randint(2, 6))]
    for number, column in enumerate(columns):
        column.name += str(number) if draw.random() < 0.9 else f".{number}"
    if draw.random() < 0.1:
        for column in columns:
            column.values = [v if v is not None else next((w for w in column.values if w is not None), None) for v in column.values]
            column.count = None
    arrays, fields = [], []
    for column in columns:
        array = pa.array(column.values, column.kind)
        required = array.null_count == 0 and draw.random() < 0.5
        arrays.append(array)
        fields.append(pa.field(column.name, column.kind, nullable=not required))
    table = pa.table(arrays, schema=pa.schema(fields))
    options = {
        "compression": draw.choice(["none", "snappy", "gzip", "brotli", "zstd", "lz4"]),
        "version": draw.choice(["1.0", "2.4", "2.6"]),
        "data_page_version": draw.choice(["1.0", "2.0"]),
        "row_group_size": draw.choice([7, 100, 10_000]),
        # One row in pages of nothing is more than pyarrow itself can read again.
        "data_page_size": 1 << 20 if rows == 1 else draw.choice([64, 1 << 20]),
        "write_statistics": draw.random() < 0.8,
        "write_page_index": draw.random() < 0.3,
        "store_schema": draw.random() < 0.7,
        "use_compliant_nested_type": draw.random() < 0.8,
        # INT96 has no zone.
        "use_deprecated_int96_timestamps": draw.random() < 0.15 and all(getattr(c.kind, "tz", None) is None for c in columns),
        "use_dictionary": draw.random() < 0.6,
    }
    if not options["use_dictionary"] and draw.random() < 0.7:
        types = pa.types
        chosen = {c.name: encodings_for(c.kind, types, draw) for c in columns}
        options["column_encoding"] = {name: draw.choice(names) for name, names in chosen.items() if names}
    try:
        pq.write_table(table, file, **options)
    except (pa.ArrowException, OSError, ValueError, NotImplementedError):
        # A combination that the writer does not have.
        options.pop("column_encoding", None)
        pq.write_table(table, file, **{**options, "version": "2.6", "use_deprecated_int96_timestamps": False})
    return rows, columns, f"pyarrow {options}"


# What fastparquet writes ---------------------------------------------------------------------------------------------


def write_fastparquet(file, draw):
    import fastparquet
    import numpy as np
    import pandas as pd

    rows = draw.choice([1, 3, 40, 300])
    times = draw.choice(["int64", "int64", "int96"])
    # Its INT96 takes microseconds for nanoseconds.
    unit = "ns" if times == "int96" else draw.choice(["ns", "us"])
    frame, columns, encoding = {}, [], {}

    def add(name, values, names, series, how="infer", count=None, empty=()):
        name = f"{name}{len(columns)}"
        columns.append(Column(name, values, names, count=count, empty=empty))
        frame[name] = series
        encoding[name] = how

    for _ in range(draw.randint(2, 6)):
        kind = draw.choice(["int", "nullable", "float", "text", "bytes", "bool", "time", "span", "category", "json", "decimal"])
        if kind == "int":
            dtype = draw.choice(["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
            info = np.iinfo(dtype)
            values = picks(draw, [int(info.min), int(info.max), 0, 1], rows, 0)
            add("i", values, {}, np.array(values, dtype), count=count_of(values))
        elif kind == "nullable":
            values = picks(draw, [1, 2**53 + 1, -7], rows)
            add("n", values, {}, pd.array(values, "Int64"), count=count_of(values))
        elif kind == "float":
            dtype, code = draw.choice([("float32", "f"), ("float64", "d")])
            pool = [float(np.dtype(dtype).type(v)) for v in (0.1, 1.5, -2.0, 0.0)]
            values = picks(draw, pool, rows, 0)
            add("f", values, {repr(v): number_name(v, code) for v in pool}, np.array(values, dtype), count=count_of(values))
        elif kind == "text":
            values = picks(draw, [t for t in TEXTS if "\x00" not in t], rows)
            add("s", values, {}, pd.Series(values, dtype=object), "utf8", count_of(values), ("",))
        elif kind == "bytes":
            pool = [b"a", b"\xff\xfe", "é".encode(), b""]
            values = picks(draw, pool, rows)
            names = {repr(v): v.decode("utf-8", "backslashreplace") for v in pool}
            add("b", values, names, pd.Series(values, dtype=object), "bytes", count_of(values), (b"",))
        elif kind == "bool":
            values = picks(draw, [True, False], rows, 0)
            add("t", values, {}, np.array(values), count=count_of(values))
        elif kind == "time":
            pool = [0, 1704067200 * 10**9, 1704067200 * 10**9 + 1000, -(10**9)]
            values = picks(draw, pool, rows)
            zone = draw.choice([None, "UTC", "Europe/Berlin"])
            series = pd.Series(pd.to_datetime(values, unit="ns")).astype(f"datetime64[{unit}]")
            names = {repr(v): moment_name(*divmod(v, 86_400 * 10**9), "Z" if zone else "") for v in pool}
            add("ts", values, names, series.dt.tz_localize("UTC").dt.tz_convert(zone) if zone else series, count=count_of(values))
        elif kind == "span":
            values = picks(draw, [0, 5_000_000_000, 3_600_000_000_000], rows)
            names = {repr(v): moment_name(0, v)[11:] for v in values if v is not None}
            add("took", values, names, pd.Series(pd.to_timedelta(values, unit="ns")))
        elif kind == "category":
            values = picks(draw, ["x", "y", "🌈"], rows)
            add("c", values, {}, pd.Series(pd.Categorical(values)), count=count_of(values))
        elif kind == "json":
            pool = [{"a": 1}, [1, 2], "t"]
            add("j", picks(draw, pool, rows), {}, None, "json")
            frame[columns[-1].name] = pd.Series(columns[-1].values, dtype=object)
            columns[-1].names = {repr(v): json.dumps(v, separators=(",", ":")) for v in pool}
        else:
            values = picks(draw, [decimal.Decimal("1.1"), decimal.Decimal("2")], rows)
            add("d", values, {}, pd.Series(values, dtype=object), "decimal")
    options = {
        "compression": draw.choice(["UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD", "BROTLI", "LZ4_RAW", "LZ4"]),
        "row_group_offsets": draw.choice([10, 10_000_000]),
        "times": times,
        "stats": draw.choice([True, False, "auto"]),
        # It writes what nobody can read where it is told of no nulls and meets some.
        "has_nulls": True if any(None in c.values for c in columns) else draw.choice([True, False]),
    }
    frame = pd.DataFrame(frame)
    try:
        fastparquet.write(str(file), frame, object_encoding=encoding, **options)
    except Exception:  # a combination that the writer does not have
        fastparquet.write(str(file), frame, object_encoding=encoding)
    return rows, columns, f"fastparquet {options}"


# Gates ---------------------------------------------------------------------------------------------------------------

#: Values of any kind, asked of columns of any kind.
ANY = [0, 1, 1.0, -1, 0.1, True, False, "true", "1", "1.0", "", "nan", "inf", "a", "warm", "🌈", "2024-01-01", "12:00:00"]
ANY += ["2024-01-01T00:00:00", "2024-01-01T00:00:00Z", 2**53 + 1, 2**53, 2**64 - 1, 1e300, "[]", "{}", "[1, 2]", "null", "\\xff"]


def filled_rows(column, values):
    return sum(1 for v in values if v is not None and not any(v == e or (v != v and e != e) for e in column.empty))


def gates_of(rows, columns, draw):
    """Gates with what is known of their answer: True, False or None."""
    yield {"type": "rows", "equals": rows}, True
    yield {"type": "rows", "min": rows + 1}, False
    yield {"type": "rows", "max": rows - 1}, False
    for column in columns:
        there = [v for v in column.values if v is not None]
        base = {"type": "distinct", "column": column.name}
        if column.count is not None:
            if column.count > 0:
                yield {**base, "count": column.count}, True
            yield {**base, "count": column.count + 1}, False
        if there:
            value = draw.choice(there)
            plain = value if isinstance(value, (bool, int, float, str)) else None
            name = column.names.get(repr(value), plain)
            known = repr(value) in column.names or (plain is not None and not column.names)
            if name is not None and known:
                yield {**base, "includes": [name]}, True
                if draw.random() < 0.5:
                    where = {"column": column.name, "equals": name}
                    full = not any(value == e or (value != value and e != e) for e in column.empty)
                    sure = not isinstance(value, (list, dict, float))
                    yield {"type": "populated", "column": column.name, "where": where}, full if sure else None
        for value in draw.sample(ANY, 2):
            yield {**base, "includes": [value]}, None
        other = draw.choice(columns)
        share = draw.choice([1, 0.5, 0.1, 0.3, 0.8])
        where = {"column": other.name, "equals": draw.choice(ANY)}
        yield {"type": "populated", "column": column.name, "minShare": share, "where": where}, None
        simple = not there or not isinstance(there[0], list)
        filled = filled_rows(column, column.values)
        sure = simple and not column.name.startswith(("none", "took"))
        yield {"type": "populated", "column": column.name, "minShare": share}, filled >= share * rows - 1e-9 if sure else None


def write(writer, folder, seed, files):
    draw = random.Random(f"{writer} {seed}")
    make = {"pyarrow": write_pyarrow, "fastparquet": write_fastparquet}[writer]
    with open(folder / "cases.jsonl", "a", encoding="utf-8") as cases:
        for number in range(files):
            name = f"{writer}-{number}.parquet"
            rows, columns, told = make(folder / name, draw)
            for gate, holds in gates_of(rows, columns, draw):
                cases.write(json.dumps({"gate": {**gate, "path": name}, "holds": holds, "told": told}) + "\n")


def ask(folder):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "gpu-worker"))
    from runpod_trainer_worker.gates.child import evaluate

    with open(folder / "cases.jsonl", encoding="utf-8") as cases, open(folder / "answers.jsonl", "w") as answers:
        for line in cases:
            request = {"index": 0, "gate": json.loads(line)["gate"], "project": str(folder), "metrics": {}}
            result = evaluate(request)
            answers.write(json.dumps({"status": result["status"], "message": result["message"]}) + "\n")


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "write":
        write(arguments[0], Path(arguments[1]), arguments[2], int(arguments[3]))
    else:
        ask(Path(arguments[0]))
