"""A pod's own root file system, inside a mount namespace that the caller has made.

The machine's system folders are seen through overlays whose changes land in the pod's folder, so that a pod may
install packages without touching the machine; everything else of the machine (home folders, other disks) is not there.
"""

from __future__ import annotations

import os
import platform
import shutil

import kernel
from mounts import (
    MNT_DETACH,
    MS_BIND,
    MS_MOVE,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    check,
    libc,
    mount,
)

SYSTEM = (
    "bin",
    "sbin",
    "lib",
    "lib32",
    "lib64",
    "libx32",
    "usr",
    "etc",
    "var",
    "opt",
    "nix",
)
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}


def layer(source: str, target: str, layers: str, name: str) -> str | None:
    """Shows ``source`` at ``target`` with changes kept in ``layers/name``; a note when only a lesser way works."""
    own = os.path.join(layers, name)
    os.makedirs(own, exist_ok=True)
    os.makedirs(target, exist_ok=True)
    if ":" not in source and "," not in source:
        for attempt in ("disk", "memory"):
            try:
                if attempt == "memory":
                    mount("tmpfs", own, "tmpfs")
                # Relative names: the pod's folder may have characters that separate mount options.
                os.chdir(own)
                os.makedirs("upper", exist_ok=True)
                os.makedirs("work", exist_ok=True)
                mount(
                    "overlay",
                    target,
                    "overlay",
                    0,
                    f"lowerdir={source},upperdir=upper,workdir=work",
                )
                return None
            except OSError:
                continue
    mount(source, target, None, MS_BIND | MS_REC)
    mount("none", target, None, MS_BIND | MS_REMOUNT | MS_RDONLY)
    return (
        f"{source} is read-only in this pod: this machine offers no overlay file system"
    )


def plain_file(path: str, content: str, mode: int = 0o644) -> None:
    """Writes a file anew, never through a link."""
    if os.path.lexists(path):
        os.remove(path)
    with open(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8"
    ) as file:
        file.write(content)


def read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def own_accounts(etc: str) -> None:
    """Root's account as official images have it: home /root, bash, no password but not locked."""
    passwd = [
        line
        for line in read("/etc/passwd").splitlines()
        if not line.startswith("root:")
    ]
    shadow = [
        line
        for line in read("/etc/shadow").splitlines()
        if not line.startswith("root:")
    ]
    plain_file(
        os.path.join(etc, "passwd"),
        "\n".join(["root:x:0:0:root:/root:/bin/bash", *passwd, ""]),
    )
    plain_file(
        os.path.join(etc, "shadow"),
        "\n".join(["root:*:19000:0:99999:7:::", *shadow, ""]),
        0o600,
    )


def own_network_files(etc: str) -> None:
    """Container engines bind these files over empty ones; an overlay shows only what is underneath."""
    for name in ("resolv.conf", "hosts", "hostname"):
        plain_file(os.path.join(etc, name), read(os.path.join("/etc", name)))


def remove_host_keys(etc: str) -> None:
    """The machine's own host keys are not the pod's; the start script makes new ones."""
    folder = os.path.join(etc, "ssh")
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        if name.startswith("ssh_host_"):
            os.remove(os.path.join(folder, name))


def enter(pod_dir: str, image: list[str], mounts: list[dict[str, str]]) -> list[str]:
    """Builds the root below ``pod_dir``, enters it and mounts the volumes; returns notes for the system log.

    ``image``: folders of the machine that belong to the image. ``mounts``: ``{"source", "target"}`` pairs.
    Volumes and image folders are put in place after the pivot, so that no link in a target can lead outside.
    """
    new_root, layers = (
        os.path.join(pod_dir, "disk", "root"),
        os.path.join(pod_dir, "disk", "layers"),
    )
    fresh = not os.path.isdir(new_root)
    os.makedirs(new_root, exist_ok=True)
    os.makedirs(layers, exist_ok=True)
    os.chmod(new_root, 0o755)
    notes: list[str] = []
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount(new_root, new_root, None, MS_BIND)

    for name in SYSTEM:
        source, target = f"/{name}", os.path.join(new_root, name)
        if os.path.islink(source):
            if not os.path.lexists(target):
                os.symlink(os.readlink(source), target)
        elif os.path.isdir(source):
            note = layer(source, target, layers, name)
            notes += [note] if note else []
    etc = os.path.join(new_root, "etc")
    own_accounts(etc)
    own_network_files(etc)
    if fresh:
        remove_host_keys(etc)

    for name, mode in (
        ("tmp", 0o1777),
        ("root", 0o700),
        ("home", 0o755),
        ("mnt", 0o755),
        ("srv", 0o755),
    ):
        os.makedirs(os.path.join(new_root, name), exist_ok=True)
        os.chmod(os.path.join(new_root, name), mode)
    kernel.provide(new_root)
    os.makedirs(os.path.join(new_root, "run"), exist_ok=True)
    mount("tmpfs", os.path.join(new_root, "run"), "tmpfs", 0, "mode=755")
    os.mkdir(os.path.join(new_root, "run", "sshd"), 0o755)

    waiting: list[tuple[str, str]] = []
    for index, folder in enumerate(image):
        if folder.split("/")[1] not in SYSTEM:
            holder = f".image-{index}"
            note = layer(folder, os.path.join(new_root, holder), layers, holder)
            notes += [note] if note else []
            waiting.append((f"/{holder}", folder))
    for index, volume in enumerate(mounts):
        holder = f".volume-{index}"
        os.makedirs(os.path.join(new_root, holder), exist_ok=True)
        mount(volume["source"], os.path.join(new_root, holder), None, MS_BIND)
        waiting.append((f"/{holder}", volume["target"]))

    os.chdir(new_root)
    number = PIVOT_ROOT.get(platform.machine())
    if hasattr(libc, "pivot_root"):
        check(libc.pivot_root(b".", b"."), "pivot_root")
    elif number is not None:
        check(libc.syscall(number, b".", b"."), "pivot_root")
    else:
        raise OSError(f"pivot_root is not known for {platform.machine()}")
    check(libc.umount2(b".", MNT_DETACH), "leave the machine's root")
    os.chdir("/")
    for holder, target in waiting:
        os.makedirs(target, exist_ok=True)
        mount(holder, target, None, MS_MOVE)
        shutil.rmtree(holder, ignore_errors=True)
    return notes
