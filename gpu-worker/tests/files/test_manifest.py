"""R2.5: the manifest loses no record, however many connections write it at the same moment."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

from conftest import HERE

from runpod_trainer_worker.base.clock import iso
from runpod_trainer_worker.files.hashes import HashCache
from runpod_trainer_worker.files.manifest import Manifest, present
from runpod_trainer_worker.files.safe_root import open_root

ENTRY = {"size": 1, "sha256": "a" * 64, "mtime": "2026-01-01T00:00:00.000Z"}

#: Begins when it is told to, and puts and takes away names of its own, one at a time.
WRITER = """
import sys
from pathlib import Path
from runpod_trainer_worker.files.manifest import Manifest
from runpod_trainer_worker.files.safe_root import open_root
root, own, count, entry = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), eval(sys.argv[4])
safe = open_root(root)
print("ready", flush=True)
sys.stdin.readline()
for number in range(count):
    Manifest(safe).change(put={f"{own}/{number}": entry, f"{own}/gone": entry}, made=[f"{own}-{number}"])
    Manifest(safe).change(gone=[f"{own}/gone"])
safe.close()
"""


def test_writers_at_the_same_moment_lose_no_record(tmp_path: Path) -> None:
    (tmp_path / ".runpod-trainer").mkdir()
    writers, count = 4, 25
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), f"w{number}", str(count), repr(ENTRY)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=HERE.parent,
        )
        for number in range(writers)
    ]
    try:
        for process in running:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in running:
            assert process.wait(timeout=40) == 0
    finally:
        for process in running:
            process.kill()
            process.communicate()
    safe = open_root(tmp_path)
    manifest = Manifest(safe)
    assert set(manifest.files()) == {f"w{w}/{n}" for w in range(writers) for n in range(count)}
    assert manifest.folders() == {f"w{w}-{n}" for w in range(writers) for n in range(count)}
    safe.close()


def test_who_changes_it_waits_for_who_is_at_it(tmp_path: Path) -> None:
    (tmp_path / ".runpod-trainer").mkdir()
    safe = open_root(tmp_path)
    change = threading.Thread(target=lambda: Manifest(safe).change(put={"a": ENTRY}))
    with open(tmp_path / ".runpod-trainer" / "files.lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        change.start()
        change.join(timeout=0.3)
        assert change.is_alive() and Manifest(safe).files() == {}
    change.join(timeout=10)
    assert not change.is_alive() and set(Manifest(safe).files()) == {"a"}
    safe.close()


def test_a_file_is_read_only_when_it_may_differ_from_its_record(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    os.utime(tmp_path / "a", (1_600_000_000, 1_600_000_000))
    safe = open_root(tmp_path)
    cache = HashCache(tmp_path)
    digest = hashlib.sha256(b"one").hexdigest()
    seen = {"size": 3, "sha256": digest, "mtime": iso(1_600_000_000)}
    # Another hash in the record shows that the content was not looked at.
    record = {**seen, "sha256": "b" * 64}
    assert present(safe, cache, "a", record) == record
    assert present(safe, cache, "a", {**record, "size": 4}) == seen
    assert present(safe, cache, "a", {**record, "mtime": iso(1_600_000_001)}) == seen
    assert present(safe, cache, "a", None) == seen
    assert present(safe, cache, "b", record) is None
    safe.close()
