"""Reads the entries of an archive that is not trusted, one kind of entry for tar and zip alike."""

from __future__ import annotations

import bz2
import dataclasses
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from typing import IO, BinaryIO, Callable, Iterator, Optional, cast

#: More than this at once is asked for by no honest archive: names and notes are small, content is read in pieces.
_ONE_READ = 16 << 20
_LINK_LIMIT = 4096


class Refused(Exception):
    """The archive has something that is not unpacked; the text says what."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One entry: a `file` (with `open`), a `folder`, a `link` or a `hardlink` (with `target`)."""

    name: str
    kind: str
    mode: int
    target: str = ""
    open: Optional[Callable[[], IO[bytes]]] = None


class _Bounded(io.RawIOBase):
    """A decompressed stream that refuses to become longer than `limit` bytes, or to be read in huge pieces."""

    def __init__(self, source: BinaryIO, limit: int) -> None:
        self._source = source
        self._limit = limit

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > _ONE_READ:
            raise Refused("a head in it claims more than 16 MiB")
        data = self._source.read(size)
        self._check()
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET and offset > self._limit:
            raise Refused(f"it unpacks to more than {self._limit} bytes")
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def _check(self) -> None:
        if self._source.tell() > self._limit:
            raise Refused(f"it unpacks to more than {self._limit} bytes")


def entries(source: BinaryIO, max_bytes: int) -> Iterator[Entry]:
    """The entries in order; raises Refused. `source` is an open regular file; its first bytes say what it is."""
    magic = source.read(6)
    source.seek(0)
    if magic.startswith(b"PK"):
        return _zip(source)
    if magic.startswith(b"\x1f\x8b"):
        return _tar(cast(BinaryIO, gzip.GzipFile(fileobj=source, mode="rb")), max_bytes)
    if magic.startswith(b"BZh"):
        return _tar(cast(BinaryIO, bz2.BZ2File(source)), max_bytes)
    if magic.startswith(b"\xfd7zXZ\0"):
        return _tar(cast(BinaryIO, lzma.LZMAFile(source)), max_bytes)
    return _tar(source, max_bytes)


def _tar(source: BinaryIO, max_bytes: int) -> Iterator[Entry]:
    # Heads and padding count too: an entry has at least 512 bytes of them, and a long name some more.
    bounded = cast(IO[bytes], _Bounded(source, max_bytes + max_bytes // 4 + (64 << 20)))
    try:
        with tarfile.open(fileobj=bounded, mode="r:") as archive:
            while True:
                member = archive.next()
                if member is None:
                    break
                # The library remembers every entry, which for a million of them is a gigabyte.
                archive.members = []  # type: ignore[attr-defined]
                yield _tar_entry(archive, member)
            # The checksum of a compressed stream comes after its last byte.
            while bounded.read(1 << 20):
                pass
    except (tarfile.TarError, EOFError, OSError, lzma.LZMAError) as problem:
        if isinstance(problem, OSError) and problem.errno is not None:
            raise
        raise Refused(f"it is damaged or not an archive ({problem})") from problem


def _tar_entry(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    name, mode = member.name, member.mode & 0o777
    if member.isreg():
        return Entry(name, "file", mode, open=lambda: _content(archive, member))
    if member.isdir():
        return Entry(name, "folder", mode)
    if member.issym():
        return Entry(name, "link", mode, target=member.linkname)
    if member.islnk():
        return Entry(name, "hardlink", mode, target=member.linkname)
    raise Refused(f"{name!r} is a device, a pipe or of an unknown kind")


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = archive.extractfile(member)
    if content is None:
        raise Refused(f"{member.name!r} has no content")
    return content


def _zip(source: BinaryIO) -> Iterator[Entry]:
    try:
        with zipfile.ZipFile(source) as archive:
            for info in archive.infolist():
                yield _zip_entry(archive, info)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, ValueError, zlib.error) as problem:
        raise Refused(f"it is damaged or of a kind that is not unpacked ({problem})") from problem


def _zip_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    if info.flag_bits & 0x1:
        raise Refused(f"{info.filename!r} is encrypted")
    mode = info.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if info.filename.endswith("/") or kind == stat.S_IFDIR:
        return Entry(info.filename.rstrip("/"), "folder", mode & 0o777)
    if kind == stat.S_IFLNK:
        with archive.open(info) as content:
            target = content.read(_LINK_LIMIT + 1)
        if len(target) > _LINK_LIMIT:
            raise Refused(f"{info.filename!r} is a link with a target that is too long")
        return Entry(info.filename, "link", 0o777, target=target.decode("utf-8", "surrogateescape"))
    if kind not in (0, stat.S_IFREG):
        raise Refused(f"{info.filename!r} is a device, a pipe or of an unknown kind")
    return Entry(info.filename, "file", mode & 0o777, open=lambda: archive.open(info))
