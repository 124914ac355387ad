"""What a pod sees of the machine's kernel, and what its root may ask of it: as much as in a container.

Root of a pod is root of the machine. What holds it back are the capabilities that it lacks and the files of /proc, /sys
and /dev that it cannot write or does not see; a file of /proc/sys needs no capability, only root.
"""

from __future__ import annotations

import ctypes
import os
import stat
from pathlib import Path

from mounts import (
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    bind,
    check,
    libc,
    mount,
    read_only,
)

# Numbers of linux/capability.h. Left out are those that lead to the machine, such as DAC_READ_SEARCH (files by their
# handle), SYS_ADMIN (mounts), MKNOD (disks), SYS_PTRACE, SYS_MODULE and NET_RAW (what others send over the loopback).
KEPT = {
    "CHOWN": 0,
    "DAC_OVERRIDE": 1,
    "FOWNER": 3,
    "FSETID": 4,
    "KILL": 5,
    "SETGID": 6,
    "SETUID": 7,
    "SETPCAP": 8,
    "NET_BIND_SERVICE": 10,
    "SYS_CHROOT": 18,
    "AUDIT_WRITE": 29,
    "SETFCAP": 31,
}
PR_CAPBSET_DROP, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 24, 47, 4
CAPABILITY_VERSION_3 = 0x20080522

CHARACTERS = ("null", "zero", "full", "random", "urandom", "tty")
# GPUs of the machine, where it has some.
HARDWARE = ("nvidia*", "nvidia-caps", "dri", "kfd")
LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
SETTINGS = ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi")
HIDDEN = (
    "kcore",
    "keys",
    "kmsg",
    "timer_list",
    "sched_debug",
    "latency_stats",
    "mtrr",
)


def provide(new_root: str) -> None:
    """Mounts a pod's own /proc, /sys and /dev below ``new_root``."""
    root = Path(new_root)
    for name in ("proc", "sys", "dev"):
        (root / name).mkdir(exist_ok=True)
    _devices(root / "dev")
    _processes(root / "proc", root / "dev" / "null")
    _machine(root / "sys")


def _devices(dev: Path) -> None:
    mount("tmpfs", str(dev), "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k")
    found = [Path("/dev", name) for name in CHARACTERS]
    found += [path for pattern in HARDWARE for path in Path("/dev").glob(pattern)]
    for path in found:
        _show(path, dev)
    for name, target in LINKS.items():
        (dev / name).symlink_to(target)
    for name, kind, data in (
        ("pts", "devpts", "newinstance,ptmxmode=0666,mode=0620,gid=5"),
        ("shm", "tmpfs", "mode=1777"),
    ):
        (dev / name).mkdir()
        mount(kind, str(dev / name), kind, MS_NOSUID | MS_NOEXEC, data)


def _show(path: Path, dev: Path) -> None:
    """Shows a device, or a folder of some, at its own name below ``dev``."""
    target = dev / path.name
    if not path.exists() or target.exists():
        return
    if path.is_dir():
        target.mkdir()
        for below in path.iterdir():
            _show(below, target)
    elif stat.S_ISCHR(path.stat().st_mode):
        target.touch()
        bind(str(path), str(target))


def _processes(proc: Path, nothing: Path) -> None:
    mount("proc", str(proc), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    for name in SETTINGS:
        if (proc / name).exists():
            read_only(str(proc / name))
    for name in HIDDEN:
        if (proc / name).exists():
            bind(str(nothing), str(proc / name))


def _machine(sys: Path) -> None:
    """A /sys of its own, without the debugging file systems that lie below the machine's; control groups may be read."""
    try:
        mount("sysfs", str(sys), "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)
    except OSError:
        # In a container the engine's own is the only one.
        bind("/sys", str(sys))
        read_only(str(sys))
    groups = sys / "fs" / "cgroup"
    if groups.is_dir() and os.path.ismount("/sys/fs/cgroup"):
        bind("/sys/fs/cgroup", str(groups))
        read_only(str(groups))


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Half(ctypes.Structure):
    """The lower or the upper 32 capabilities."""

    _fields_ = [
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


def _permitted() -> int:
    """What this process has: in a container that is not all."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "CapPrm":
            return int(value, 16)
    return 0


def drop_capabilities() -> None:
    """Gives up, for this process and all that it starts, what is not in ``KEPT``; no program can take it back."""
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text(encoding="ascii"))
    for number in range(last + 1):
        if number not in KEPT.values():
            check(
                libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0),
                f"drop capability {number}",
            )
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    kept = _permitted() & sum(1 << number for number in KEPT.values())
    halves = (_Half * 2)(_Half(kept & 0xFFFFFFFF, kept & 0xFFFFFFFF, 0), _Half(0, 0, 0))
    header = _Header(CAPABILITY_VERSION_3, 0)
    check(libc.capset(ctypes.byref(header), halves), "drop capabilities")
