"""A remembered hash is trusted only where the file cannot have changed unseen."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from runpod_trainer_worker.base.contract import LIMITS
from runpod_trainer_worker.files.hashes import HashCache, digest_of
from runpod_trainer_worker.files.safe_root import open_root

SETTLE_NS = LIMITS.settle_milliseconds * 1_000_000


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("age", "known"), [(-1, False), (0, False), (SETTLE_NS // 2, False), (SETTLE_NS, False), (SETTLE_NS + 1, True)]
)
def test_a_file_that_was_young_when_it_was_read_is_read_again(tmp_path: Path, age: int, known: bool) -> None:
    """Two writes within one tick of the clock have one time: only what was settled when it was read is known."""
    (tmp_path / "a").write_text("one")
    info = (tmp_path / "a").stat()
    cache = HashCache(tmp_path)
    cache.remember("a", info, sha("one"), info.st_mtime_ns + age)
    assert cache.known("a", info) == (sha("one") if known else None)


def test_a_change_right_after_the_reading_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("one")
    cache = HashCache(tmp_path)
    assert cache.sha256("a") == sha("one")
    cache.save()
    before = file.stat()
    file.write_text("two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    # As on a disk whose clock ticks too rarely to tell both writes apart.
    stored = HashCache(tmp_path)
    stored._known["a"][2] = file.stat().st_ctime_ns
    assert stored.sha256("a") == sha("two")


def test_each_sign_of_a_change_counts(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("one")
    os.utime(file, (1_600_000_000, 1_600_000_000))
    cache = HashCache(tmp_path)
    assert cache.sha256("a") == sha("one")
    entry = cache._known["a"]
    assert cache.known("a", file.stat()) == sha("one")
    for place in range(4):
        cache._known["a"] = [value + 1 if place == index else value for index, value in enumerate(entry)]
        assert cache.known("a", file.stat()) is None, f"size, mtime, ctime, inode: number {place}"
    assert cache.known("b", file.stat()) is None


def test_what_is_damaged_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / ".runpod-trainer").mkdir()
    (tmp_path / "a").write_text("one")
    for text in ("{", "[]", '{"files": []}', '{"files": {"a": 1}}', '{"files": {"a": [1, 2]}}'):
        for name in ("worker-hashes.json", "hashes.json"):
            (tmp_path / ".runpod-trainer" / name).write_text(text)
        assert HashCache(tmp_path).sha256("a") == sha("one")


def test_what_an_earlier_release_kept_is_used_and_the_file_of_the_client_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    os.utime(tmp_path / "a", (1_600_000_000, 1_600_000_000))
    cache = HashCache(tmp_path)
    cache.sha256("a")
    cache.save()
    own, other = (tmp_path / ".runpod-trainer" / name for name in ("worker-hashes.json", "hashes.json"))
    own.rename(other)
    assert HashCache(tmp_path).known("a", (tmp_path / "a").stat()) == sha("one")
    text = json.dumps({"schema": 1, "files": {"/home/me/a": [3, 1.5, 7, sha("one")]}})
    other.write_text(text)
    cache = HashCache(tmp_path)
    cache.sha256("a")
    cache.save()
    assert other.read_text() == text and "/home/me/a" not in own.read_text()


def test_reading_leaves_nothing_open(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    (tmp_path / "folder").mkdir()
    cache, safe = HashCache(tmp_path), open_root(tmp_path)
    before = os.listdir("/proc/self/fd")
    for _ in range(3):
        assert cache.sha256("a") == sha("one")
        with pytest.raises(OSError):
            cache.sha256("folder")
        assert digest_of(safe, cache, "a", 3) == sha("one")
        assert digest_of(safe, cache, "a", 4) is None and digest_of(safe, cache, "b", 3) is None
    assert len(os.listdir("/proc/self/fd")) == len(before)
    safe.close()
