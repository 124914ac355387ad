"""A network disk as RunPod's volumes are one: a file system that another program serves, here over FUSE.

    disk.py SOURCE TARGET

shows the folder SOURCE at TARGET and passes everything on, until standard input closes. Each line there is a JSON
object that lets the disk be bad for a while, and the only thing that it can do wrong is what a network disk does:

- ``{"hang": SECONDS}``: nothing is answered, neither reads nor writes.
- ``{"fail": {"fsync": "EIO", "write": "EDQUOT", "make": "ENOSPC"}, "seconds": SECONDS}``: such calls are refused;
  ``make`` is every call that makes a name.

It prints ``ready`` once the disk can be used. Linux, root.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import stat
import struct
import sys
import threading
import time
from collections.abc import Callable

HEADER_IN = struct.Struct("<IIQQIIII")
HEADER_OUT = struct.Struct("<IiQ")
ATTRIBUTES = struct.Struct("<6Q10I")
ENTRY = struct.Struct("<4Q2I")
VALID = struct.Struct("<QII")
INIT = struct.Struct("<4I2H2I2H2I6I")
SET = struct.Struct("<2I6Q8I")
OPENED = struct.Struct("<QII")
AT = struct.Struct("<QQI")
STATISTICS = struct.Struct("<5Q4I6I")
NAMED = struct.Struct("<QQII")

LARGEST_WRITE = 1 << 17
#: Seconds for which the kernel may remember names and attributes.
REMEMBERED = 1
IGNORED_FLAGS = os.O_CREAT | os.O_EXCL | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW

Answer = bytes


class Weather:
    """What is wrong with the disk at the moment."""

    def __init__(self) -> None:
        self._hangs_until = 0.0
        self._fails_until = 0.0
        self._fails: dict[str, int] = {}

    def change(self, wanted: dict[str, object]) -> None:
        """Follows one line of standard input."""
        now = time.monotonic()
        hang, fail, seconds = (
            wanted.get("hang"),
            wanted.get("fail"),
            wanted.get("seconds"),
        )
        if isinstance(hang, (int, float)):
            self._hangs_until = now + hang
        if isinstance(fail, dict) and isinstance(seconds, (int, float)):
            self._fails = {
                call: int(getattr(errno, name)) for call, name in fail.items()
            }
            self._fails_until = now + seconds

    def wait(self) -> None:
        """Returns when the disk answers again."""
        while (left := self._hangs_until - time.monotonic()) > 0:
            time.sleep(left)

    def check(self, call: str) -> None:
        """Raises what such a call meets now."""
        number = self._fails.get(call)
        if number is not None and time.monotonic() < self._fails_until:
            raise OSError(number, os.strerror(number))


class Node:
    """A file or folder that the kernel knows, and how many of its names it was told."""

    def __init__(self, handle: int, key: tuple[int, int]) -> None:
        self.handle = handle
        self.key = key
        self.told = 0

    @property
    def path(self) -> str:
        """Leads to this very file, whatever its name is."""
        return f"/proc/self/fd/{self.handle}"


class Disk:
    """Answers the kernel's requests from a folder."""

    def __init__(self, source: str, weather: Weather) -> None:
        self._weather = weather
        handle = os.open(source, os.O_PATH)
        root = Node(handle, self._key(os.fstat(handle)))
        self._nodes: dict[int, Node] = {1: root}
        self._numbers: dict[tuple[int, int], int] = {root.key: 1}
        self._next = 2
        self._listings: dict[int, list[tuple[str, int, int]]] = {}
        self._calls: dict[int, Callable[[int, memoryview, tuple[int, int]], Answer]] = {
            1: self._lookup,
            3: self._get,
            4: self._set,
            5: self._read_link,
            6: self._make_link,
            8: self._make_node,
            9: self._make_folder,
            10: self._remove,
            11: self._remove_folder,
            12: self._rename,
            13: self._link,
            14: self._open,
            15: self._read,
            16: self._write,
            17: self._statistics,
            18: self._release,
            20: self._sync,
            25: self._flush,
            26: self._init,
            27: self._open_folder,
            28: self._read_folder,
            29: self._release_folder,
            30: self._sync_folder,
            35: self._create,
        }

    @staticmethod
    def _key(seen: os.stat_result) -> tuple[int, int]:
        return seen.st_dev, seen.st_ino

    def serve(self, kernel: int) -> None:
        """Answers until the disk is taken away."""
        while True:
            try:
                request = os.read(kernel, LARGEST_WRITE + 4096)
            except OSError as problem:
                if problem.errno in (errno.ENOENT, errno.EINTR, errno.EAGAIN):
                    continue
                return
            _, code, unique, node, uid, gid, _, _ = HEADER_IN.unpack_from(request)
            body = memoryview(request)[HEADER_IN.size :]
            if code in (2, 42):
                self._forget(code, node, body)
                continue
            if code in (36, 38):
                continue
            error, answer = 0, b""
            try:
                self._weather.wait()
                call = self._calls.get(code)
                if call is None:
                    raise OSError(errno.ENOSYS, "not here")
                answer = call(node, body, (uid, gid))
            except OSError as problem:
                error = problem.errno or errno.EIO
            try:
                os.write(
                    kernel,
                    HEADER_OUT.pack(HEADER_OUT.size + len(answer), -error, unique)
                    + answer,
                )
            except OSError:
                # Whoever asked was killed meanwhile.
                continue

    @staticmethod
    def _init(_node: int, body: memoryview, _who: tuple[int, int]) -> Answer:
        (readahead,) = struct.unpack_from("<I", body, 8)
        big_writes = 1 << 5
        return INIT.pack(
            7, 31, readahead, big_writes, 12, 9, LARGEST_WRITE, 1, *[0] * 10
        )

    # Names and attributes.

    @staticmethod
    def _attributes(seen: os.stat_result) -> bytes:
        times = [
            divmod(value, 10**9)
            for value in (seen.st_atime_ns, seen.st_mtime_ns, seen.st_ctime_ns)
        ]
        return ATTRIBUTES.pack(
            seen.st_ino,
            seen.st_size,
            seen.st_blocks,
            *[seconds for seconds, _ in times],
            *[rest for _, rest in times],
            seen.st_mode,
            seen.st_nlink,
            seen.st_uid,
            seen.st_gid,
            seen.st_rdev,
            4096,
            0,
        )

    def _entry(self, parent: int, name: str) -> Answer:
        handle = os.open(
            name, os.O_PATH | os.O_NOFOLLOW, dir_fd=self._nodes[parent].handle
        )
        seen = os.fstat(handle)
        key = self._key(seen)
        number = self._numbers.get(key)
        if number is None:
            number, self._next = self._next, self._next + 1
            self._nodes[number] = Node(handle, key)
            self._numbers[key] = number
        else:
            os.close(handle)
        self._nodes[number].told += 1
        return ENTRY.pack(number, 0, REMEMBERED, REMEMBERED, 0, 0) + self._attributes(
            seen
        )

    def _forget(self, code: int, node: int, body: memoryview) -> None:
        if code == 2:
            forgotten = [(node, struct.unpack_from("<Q", body)[0])]
        else:
            (count,) = struct.unpack_from("<I", body)
            forgotten = [
                struct.unpack_from("<QQ", body, 8 + 16 * i) for i in range(count)
            ]
        for number, times in forgotten:
            known = self._nodes.get(number)
            if known is None or number == 1:
                continue
            known.told -= times
            if known.told <= 0:
                os.close(known.handle)
                del self._nodes[number]
                self._numbers.pop(known.key, None)

    @staticmethod
    def _names(body: memoryview) -> list[str]:
        return [os.fsdecode(name) for name in bytes(body).split(b"\0")[:-1]]

    def _lookup(self, node: int, body: memoryview, _who: tuple[int, int]) -> Answer:
        return self._entry(node, self._names(body)[0])

    def _get(self, node: int, _body: memoryview, _who: tuple[int, int]) -> Answer:
        seen = os.fstat(self._nodes[node].handle)
        return VALID.pack(REMEMBERED, 0, 0) + self._attributes(seen)

    def _set(self, node: int, body: memoryview, who: tuple[int, int]) -> Answer:
        valid, _, _, size, _, atime, mtime, _, anano, mnano, _, mode, _, uid, gid, _ = (
            SET.unpack_from(body)
        )
        path = self._nodes[node].path
        if valid & 1:
            os.chmod(path, stat.S_IMODE(mode))
        if valid & 6:
            os.chown(path, uid if valid & 2 else -1, gid if valid & 4 else -1)
        if valid & 8:
            self._weather.check("write")
            os.truncate(path, size)
        if valid & (16 | 32 | 128 | 256):
            before, now = os.stat(path), time.time_ns()
            accessed = atime * 10**9 + anano if valid & 16 else before.st_atime_ns
            changed = mtime * 10**9 + mnano if valid & 32 else before.st_mtime_ns
            os.utime(
                path,
                ns=(now if valid & 128 else accessed, now if valid & 256 else changed),
            )
        return self._get(node, body, who)

    def _own(self, node: int, name: str, who: tuple[int, int]) -> None:
        if who != (0, 0):
            os.chown(name, *who, dir_fd=self._nodes[node].handle, follow_symlinks=False)

    def _read_link(self, node: int, _body: memoryview, _who: tuple[int, int]) -> Answer:
        return os.fsencode(os.readlink("", dir_fd=self._nodes[node].handle))

    def _make_link(self, node: int, body: memoryview, who: tuple[int, int]) -> Answer:
        self._weather.check("make")
        name, target = self._names(body)
        os.symlink(target, name, dir_fd=self._nodes[node].handle)
        self._own(node, name, who)
        return self._entry(node, name)

    def _make_node(self, node: int, body: memoryview, who: tuple[int, int]) -> Answer:
        self._weather.check("make")
        mode, device = struct.unpack_from("<II", body)
        name = self._names(body[16:])[0]
        os.mknod(name, mode, device, dir_fd=self._nodes[node].handle)
        self._own(node, name, who)
        return self._entry(node, name)

    def _make_folder(self, node: int, body: memoryview, who: tuple[int, int]) -> Answer:
        self._weather.check("make")
        (mode,) = struct.unpack_from("<I", body)
        name = self._names(body[8:])[0]
        os.mkdir(name, mode, dir_fd=self._nodes[node].handle)
        self._own(node, name, who)
        return self._entry(node, name)

    def _remove(self, node: int, body: memoryview, _who: tuple[int, int]) -> Answer:
        os.unlink(self._names(body)[0], dir_fd=self._nodes[node].handle)
        return b""

    def _remove_folder(
        self, node: int, body: memoryview, _who: tuple[int, int]
    ) -> Answer:
        os.rmdir(self._names(body)[0], dir_fd=self._nodes[node].handle)
        return b""

    def _rename(self, node: int, body: memoryview, _who: tuple[int, int]) -> Answer:
        (folder,) = struct.unpack_from("<Q", body)
        before, after = self._names(body[8:])
        os.rename(
            before,
            after,
            src_dir_fd=self._nodes[node].handle,
            dst_dir_fd=self._nodes[folder].handle,
        )
        return b""

    def _link(self, node: int, body: memoryview, _who: tuple[int, int]) -> Answer:
        self._weather.check("make")
        (target,) = struct.unpack_from("<Q", body)
        name = self._names(body[8:])[0]
        os.link(
            self._nodes[target].path,
            name,
            dst_dir_fd=self._nodes[node].handle,
            follow_symlinks=True,
        )
        return self._entry(node, name)

    def _statistics(
        self, node: int, _body: memoryview, _who: tuple[int, int]
    ) -> Answer:
        seen = os.fstatvfs(self._nodes[node].handle)
        counts = (
            seen.f_blocks,
            seen.f_bfree,
            seen.f_bavail,
            seen.f_files,
            seen.f_ffree,
        )
        return STATISTICS.pack(*counts, seen.f_bsize, 255, seen.f_frsize, 0, *[0] * 6)

    # Content.

    def _open(self, node: int, body: memoryview, _who: tuple[int, int]) -> Answer:
        (flags,) = struct.unpack_from("<I", body)
        return OPENED.pack(
            os.open(self._nodes[node].path, flags & ~IGNORED_FLAGS), 0, 0
        )

    def _create(self, node: int, body: memoryview, who: tuple[int, int]) -> Answer:
        self._weather.check("make")
        flags, mode = struct.unpack_from("<II", body)
        name = self._names(body[16:])[0]
        handle = os.open(
            name,
            flags & ~IGNORED_FLAGS | flags & os.O_EXCL | os.O_CREAT,
            stat.S_IMODE(mode),
            dir_fd=self._nodes[node].handle,
        )
        self._own(node, name, who)
        return self._entry(node, name) + OPENED.pack(handle, 0, 0)

    @staticmethod
    def _read(_node: int, body: memoryview, _who: tuple[int, int]) -> Answer:
        handle, offset, size = AT.unpack_from(body)
        return os.pread(handle, size, offset)

    def _write(self, _node: int, body: memoryview, _who: tuple[int, int]) -> Answer:
        self._weather.check("write")
        handle, offset, size = AT.unpack_from(body)
        return struct.pack("<II", os.pwrite(handle, body[40 : 40 + size], offset), 0)

    @staticmethod
    def _flush(_node: int, _body: memoryview, _who: tuple[int, int]) -> Answer:
        return b""

    @staticmethod
    def _release(_node: int, body: memoryview, _who: tuple[int, int]) -> Answer:
        os.close(struct.unpack_from("<Q", body)[0])
        return b""

    def _sync(self, _node: int, body: memoryview, _who: tuple[int, int]) -> Answer:
        self._weather.check("fsync")
        os.fsync(struct.unpack_from("<Q", body)[0])
        return b""

    # Folders.

    def _open_folder(
        self, node: int, _body: memoryview, _who: tuple[int, int]
    ) -> Answer:
        handle = os.open(self._nodes[node].path, os.O_RDONLY | os.O_DIRECTORY)
        return OPENED.pack(handle, 0, 0)

    def _read_folder(
        self, _node: int, body: memoryview, _who: tuple[int, int]
    ) -> Answer:
        handle, offset, size = AT.unpack_from(body)
        if offset == 0:
            listing = [(".", 1, stat.S_IFDIR >> 12), ("..", 1, stat.S_IFDIR >> 12)]
            with os.scandir(handle) as found:
                for one in found:
                    mode = one.stat(follow_symlinks=False).st_mode
                    listing.append((one.name, one.inode(), mode >> 12))
            self._listings[handle] = listing
        answer = b""
        for place, (text, number, kind) in enumerate(
            self._listings.get(handle, [])[offset:], offset + 1
        ):
            name = os.fsencode(text)
            one_entry = NAMED.pack(number, place, len(name), kind) + name
            one_entry += b"\0" * (-len(one_entry) % 8)
            if len(answer) + len(one_entry) > size:
                break
            answer += one_entry
        return answer

    def _release_folder(
        self, node: int, body: memoryview, who: tuple[int, int]
    ) -> Answer:
        self._listings.pop(struct.unpack_from("<Q", body)[0], None)
        return self._release(node, body, who)

    def _sync_folder(self, node: int, body: memoryview, who: tuple[int, int]) -> Answer:
        return self._sync(node, body, who)


def mount(target: str) -> int:
    """Puts a disk in place that this process serves; the descriptor of the kernel's requests."""
    kernel = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={kernel},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions"
    no_devices, no_suid = 4, 2
    if (
        libc.mount(
            b"volume",
            target.encode(),
            b"fuse",
            no_devices | no_suid,
            options.encode(),
        )
        != 0
    ):
        number = ctypes.get_errno()
        raise OSError(number, f"mount at {target}: {os.strerror(number)}")
    return kernel


def follow(weather: Weather, target: str) -> None:
    """Does what standard input says until it closes; then the disk is taken away."""
    for line in sys.stdin:
        weather.change(json.loads(line))
    ctypes.CDLL(None).umount2(target.encode(), 2)
    os._exit(0)


def main() -> None:
    source, target = sys.argv[1:]
    os.umask(0)
    weather = Weather()
    disk = Disk(source, weather)
    kernel = mount(target)
    print("ready", flush=True)
    threading.Thread(target=follow, args=(weather, target), daemon=True).start()
    disk.serve(kernel)


if __name__ == "__main__":
    main()
