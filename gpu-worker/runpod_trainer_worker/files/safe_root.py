"""Opens, makes and renames files below one root; no name and no link leads outside it."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath
from typing import List, Optional

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LINKS = 16


class Escape(Exception):
    """A name that leaves the root or cannot be a file's."""


def parts_of(name: str) -> List[str]:
    """The parts of a relative name; raises Escape for one that is absolute or has `..`."""
    if not name or "\0" in name or name.startswith("/") or name.endswith("/"):
        raise Escape(f"{name!r} is not a relative file name")
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise Escape(f"{name!r} has an empty part, '.' or '..'")
    return parts


class SafeRoot:
    """One root folder. Folders are opened part by part; a link is followed only to a place inside the root."""

    def __init__(self, root: Path) -> None:
        #: Folders that were made, relative to the root.
        self.made: List[str] = []
        self.path = Path(os.path.realpath(root))
        self._descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def close(self) -> None:
        """Gives the root up."""
        os.close(self._descriptor)

    def folder(self, parts: List[str], make: bool = False, depth: int = 0) -> int:
        """A descriptor of the folder; the caller closes it. Raises Escape or OSError."""
        current = os.dup(self._descriptor)
        try:
            for number, part in enumerate(parts):
                if make:
                    try:
                        os.mkdir(part, 0o755, dir_fd=current)
                        self.made.append("/".join(parts[: number + 1]))
                    except FileExistsError:
                        pass
                info = os.stat(part, dir_fd=current, follow_symlinks=False)
                if stat.S_ISLNK(info.st_mode):
                    return self._through_link(parts, number, make, depth)
                following = os.open(part, _FOLDER, dir_fd=current)
                os.close(current)
                current = following
            result, current = current, -1
            return result
        finally:
            if current >= 0:
                os.close(current)

    def _through_link(self, parts: List[str], number: int, make: bool, depth: int) -> int:
        shown = "/".join(parts[: number + 1])
        target = PurePosixPath(os.path.realpath(self.path.joinpath(*parts[: number + 1])))
        if depth > _LINKS or (target != PurePosixPath(self.path) and PurePosixPath(self.path) not in target.parents):
            raise Escape(f"{shown} is a link out of the folder")
        inside = list(target.relative_to(PurePosixPath(self.path)).parts)
        return self.folder([*inside, *parts[number + 1 :]], make, depth + 1)

    def open_file(self, name: str) -> Optional[int]:
        """A descriptor for reading a regular file, or None when there is none under this name (a link is none)."""
        parts = parts_of(name)
        try:
            folder = self.folder(parts[:-1])
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            info = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
            if not stat.S_ISREG(info.st_mode):
                return None
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            return os.open(parts[-1], flags, dir_fd=folder)
        except FileNotFoundError:
            return None
        finally:
            os.close(folder)

    def real(self, name: str) -> str:
        """Where a file lies to which a link of this name leads; raises Escape when that is outside of the root."""
        parts_of(name)
        place = PurePosixPath(os.path.realpath(self.path / name))
        if PurePosixPath(self.path) not in place.parents:
            raise Escape(f"{name} is a link out of the folder")
        return str(place.relative_to(PurePosixPath(self.path)))

    def rename(self, source: str, target: str) -> None:
        """Moves a file to its name, making its folders and replacing what is there; never a folder."""
        old, new = parts_of(source), parts_of(target)
        old_folder = self.folder(old[:-1])
        try:
            new_folder = self.folder(new[:-1], make=True)
            try:
                os.replace(old[-1], new[-1], src_dir_fd=old_folder, dst_dir_fd=new_folder)
            finally:
                os.close(new_folder)
        finally:
            os.close(old_folder)

    def unlink(self, name: str) -> None:
        """Removes a file or a link, never what a link leads to."""
        parts = parts_of(name)
        folder = self.folder(parts[:-1])
        try:
            os.unlink(parts[-1], dir_fd=folder)
        finally:
            os.close(folder)

    def rmdir(self, name: str) -> None:
        """Removes an empty folder; raises OSError for any other."""
        parts = parts_of(name)
        folder = self.folder(parts[:-1])
        try:
            os.rmdir(parts[-1], dir_fd=folder)
        finally:
            os.close(folder)

    def exists(self, name: str) -> bool:
        """Whether anything has this name, a link to nothing included."""
        parts = parts_of(name)
        try:
            folder = self.folder(parts[:-1])
        except (FileNotFoundError, NotADirectoryError):
            return False
        try:
            os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
            return True
        except FileNotFoundError:
            return False
        finally:
            os.close(folder)


def open_root(root: Path, make: bool = True) -> SafeRoot:
    """The root, made when it is not there."""
    if make:
        root.mkdir(parents=True, exist_ok=True)
    return SafeRoot(root)
