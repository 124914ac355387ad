"""R2.7: an archive from anywhere is unpacked safely, whole or not at all."""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import pytest
from conftest import Bench

Members = List[Tuple[tarfile.TarInfo, bytes]]


def file(name: str, data: bytes = b"data", **more: Any) -> Tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def special(name: str, kind: bytes, target: str = "") -> Tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def tar(bench: Bench, members: Members, mode: str = "w", name: str = "a.tar") -> None:
    with tarfile.open(bench.project / name, mode) as archive:  # type: ignore[call-overload]
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))


def unpack(bench: Bench, *more: str, archive: str = "a.tar", into: str = "d/out") -> Dict[str, Any]:
    done = bench.command("files", "unpack", "--root", str(bench.project), "--archive", archive, "--into", into, *more)
    answer: Dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode == 2) == ("error" in answer), done.stderr
    return answer


def refused(bench: Bench, *more: str, archive: str = "a.tar", into: str = "d/out") -> str:
    before = sorted(str(p) for p in bench.root.rglob("*") if ".runpod-trainer" not in p.parts)
    why: str = unpack(bench, *more, archive=archive, into=into)["error"]["why"]
    after = sorted(str(p) for p in bench.root.rglob("*") if ".runpod-trainer" not in p.parts)
    assert before == after
    incoming = bench.project / ".runpod-trainer" / "incoming"
    assert not incoming.exists() or list(incoming.iterdir()) == []
    return why


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_in_every_compression(bench: Bench, mode: str) -> None:
    long = "x" * 255
    tar(
        bench,
        [
            special("./", tarfile.DIRTYPE),
            file("./top.txt", b"top", mode=0o6777),
            file("deep/er/ü \n'q'.bin", b"q" * 3_000_000, mode=0o400),
            file(f"long/{long}", b""),
            special("link", tarfile.SYMTYPE, "deep/er"),
            special("deep/up", tarfile.SYMTYPE, "../top.txt"),
            special("twin", tarfile.LNKTYPE, "./top.txt"),
            special("empty", tarfile.DIRTYPE),
        ],
        mode,
    )
    assert unpack(bench) == {"into": "d/out", "entries": 8, "bytes": 3_000_006}
    out = bench.project / "d/out"
    assert (out / "top.txt").read_bytes() == (out / "deep/up").read_bytes() == (out / "twin").read_bytes() == b"top"
    assert (out / "link" / "ü \n'q'.bin").stat().st_size == 3_000_000 and (out / "empty").is_dir()
    assert stat.S_IMODE((out / "top.txt").stat().st_mode) == 0o755
    assert stat.S_IMODE((out / "deep/er/ü \n'q'.bin").stat().st_mode) == 0o600
    assert (out / "twin").stat().st_ino != (out / "top.txt").stat().st_ino
    assert "there already" in refused(bench)


def test_zip(bench: Bench) -> None:
    with zipfile.ZipFile(bench.project / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.txt", "b" * 100_000)
        archive.writestr("a/empty/", "")
        link = zipfile.ZipInfo("l")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "a/b.txt")
    assert unpack(bench, archive="a.zip")["bytes"] == 100_000
    assert (bench.project / "d/out/l").read_text() == "b" * 100_000


BAD_NAMES = ["../out", "a/../../out", "/etc/out", "a//b", "", "a/.", "..\\..\\out", "y" * 256]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_leave_the_folder_are_refused(bench: Bench, name: str) -> None:
    with zipfile.ZipFile(bench.project / "a.zip", "w") as archive:
        archive.writestr("good", "good")
        archive.writestr(zipfile.ZipInfo(name), "evil")
    refused(bench, archive="a.zip")
    if name:
        tar(bench, [file("good"), file(name)])
        refused(bench)


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"Q"])
def test_devices_and_pipes_are_refused(bench: Bench, kind: bytes) -> None:
    tar(bench, [file("good"), special("dev", kind)])
    why = refused(bench)
    assert kind == b"Q" or "device" in why


LINKS: Dict[str, Callable[[], Members]] = {
    "absolute": lambda: [special("l", tarfile.SYMTYPE, "/etc/passwd")],
    "relative": lambda: [special("a/l", tarfile.SYMTYPE, "../../x")],
    "to the folder above": lambda: [special("l", tarfile.SYMTYPE, "..")],
    "by another link": lambda: [
        special("a/b/c", tarfile.SYMTYPE, "../.."),
        special("l", tarfile.SYMTYPE, "a/b/c/../x"),
    ],
    "written through": lambda: [special("l", tarfile.SYMTYPE, "/tmp"), file("l/evil")],
    "written through, inside": lambda: [file("d/x"), special("l", tarfile.SYMTYPE, "d"), file("l/evil")],
    "a link below a link": lambda: [special("l", tarfile.SYMTYPE, "."), special("l/m", tarfile.SYMTYPE, "x")],
    "hard, out": lambda: [special("h", tarfile.LNKTYPE, "../../a.tar")],
    "hard, absolute": lambda: [special("h", tarfile.LNKTYPE, "/etc/passwd")],
    "hard, to what is not there": lambda: [special("h", tarfile.LNKTYPE, "nothing")],
    "hard, to a link": lambda: [special("l", tarfile.SYMTYPE, "/etc/passwd"), special("h", tarfile.LNKTYPE, "l")],
    "empty": lambda: [special("l", tarfile.SYMTYPE, "")],
}


@pytest.mark.parametrize("name", LINKS)
def test_links_out_are_refused(bench: Bench, name: str) -> None:
    tar(bench, [file("good"), *LINKS[name]()])
    refused(bench)


def test_a_loop_of_links_does_no_harm(bench: Bench) -> None:
    tar(bench, [special("a", tarfile.SYMTYPE, "b"), special("b", tarfile.SYMTYPE, "a"), file("good")])
    assert unpack(bench)["entries"] == 3


def test_names_twice_are_refused(bench: Bench) -> None:
    tar(bench, [file("a", b"1"), file("a", b"2")])
    assert "twice" in refused(bench)
    tar(bench, [file("a", b"1"), special("a", tarfile.SYMTYPE, "b")])
    assert "twice" in refused(bench)


def test_bombs_are_refused(bench: Bench) -> None:
    tar(bench, [file("zeros", bytes(30_000_000))], "w:gz")
    assert "more than 1000000 bytes" in refused(bench, "--max-bytes", "1000000")
    with zipfile.ZipFile(bench.project / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(30_000_000))
    assert "more than 1000000 bytes" in refused(bench, "--max-bytes", "1000000", archive="a.zip")
    tar(bench, [file(str(n), b"") for n in range(50)])
    assert "more than 49 entries" in refused(bench, "--max-entries", "49")
    assert unpack(bench, "--max-entries", "50")["entries"] == 50


def test_a_head_that_claims_gigabytes_is_refused(bench: Bench) -> None:
    head = special("x", tarfile.XHDTYPE)[0]
    head.size = 3 << 30
    with gzip.open(bench.project / "a.tar", "wb") as archive:
        archive.write(head.tobuf(tarfile.USTAR_FORMAT))
        archive.write(bytes(1 << 20))
    assert "16 MiB" in refused(bench)


def test_skipping_over_a_bomb_is_refused(bench: Bench) -> None:
    head = special("dir", tarfile.DIRTYPE)[0]
    entry = file("zeros", b"")[0]
    entry.size = 1 << 40
    with gzip.open(bench.project / "a.tar", "wb") as archive:
        archive.write(entry.tobuf(tarfile.GNU_FORMAT))
        archive.write(bytes(200 << 20))
        archive.write(head.tobuf())
    assert refused(bench, "--max-bytes", str(10 << 20))


@pytest.mark.parametrize("name", ["a.tar", "a.zip", "a.tgz", "a.txz", "a.tbz"])
def test_damaged_archives_are_refused(bench: Bench, name: str) -> None:
    path = bench.project / name
    if name == "a.zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x", os.urandom(100_000))
    else:
        modes = {"a.tar": "w", "a.tgz": "w:gz", "a.txz": "w:xz", "a.tbz": "w:bz2"}
        tar(bench, [file("x", os.urandom(100_000))], modes[name], name)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    refused(bench, archive=name)
    path.write_bytes(data[:20_000] + bytes(x ^ 0x55 for x in data[20_000:20_100]) + data[20_100:])
    if name != "a.tar":
        refused(bench, archive=name)
    path.write_bytes(b"no archive at all" * 100)
    refused(bench, archive=name)


def test_encrypted_zip_is_refused(bench: Bench) -> None:
    path = bench.project / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "secret")
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    assert "encrypted" in refused(bench, archive="a.zip")


def test_places_that_are_no_good_are_refused(bench: Bench) -> None:
    tar(bench, [file("x")])
    outside = bench.root / "outside"
    outside.mkdir()
    os.symlink(outside, bench.project / "link")
    os.symlink("a.tar", bench.project / "alias")
    (bench.project / "taken").mkdir()
    for into in ("../out", "/tmp/out", "link/out", "taken", "a.tar", ".runpod-trainer/x", "link"):
        refused(bench, into=into)
    for archive in ("../a.tar", "/etc/passwd", "alias", "nothing", "taken"):
        refused(bench, archive=archive)
    assert list(outside.iterdir()) == [] and not Path("/tmp/out").exists()
