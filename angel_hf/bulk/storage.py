"""Folders on a disk or in an object store, by path or URI."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow
from pyarrow.fs import FileSelector, FileSystem, FileType, LocalFileSystem

from angel_hf.arrays.array_file import is_abandoned, written_whole
from angel_hf.bulk.folder_lock import FolderLock


def resolve(location: str) -> tuple[FileSystem, str]:
    """The file system of a path or URI, and the path in it.

    Raises:
        ValueError: no file system has such URIs.
    """
    if "://" not in location:
        return LocalFileSystem(), absolute(location)
    try:
        return FileSystem.from_uri(location)
    except (pyarrow.ArrowException, ImportError) as error:
        raise ValueError(
            f"{location}: {error}; expected a path, s3://bucket/..., gs://bucket/... or hf://..."
        ) from None


def absolute(location: str) -> str:
    """A path that means the same in every folder; a URI as it is."""
    return location if "://" in location else os.path.abspath(location)


class Storage:
    """A folder whose files are whole or absent.

    Args:
        location: a path or URI.

    Raises:
        ValueError: no file system has such URIs.
    """

    def __init__(self, location: str) -> None:
        self.location = location
        self.filesystem, self._root = resolve(location)

    def path(self, name: str) -> str:
        """Where a file is, in the terms of `filesystem`."""
        return f"{self._root}/{name}"

    def read(self, name: str) -> bytes | None:
        """The contents of a file, or None where there is none."""
        if self.filesystem.get_file_info(self.path(name)).type is not FileType.File:
            return None
        with self.filesystem.open_input_stream(self.path(name)) as stream:
            return stream.read()

    def names(self, folder: str) -> set[str]:
        """The files of a folder below this one; unfinished ones are not among them."""
        selector = FileSelector(self.path(folder), allow_not_found=True)
        found = (info.base_name for info in self.filesystem.get_file_info(selector) if info.type is FileType.File)
        return {name for name in found if not name.startswith(".")}

    def write(self, name: str, data: bytes | pyarrow.Buffer) -> None:
        """Write a file; it replaces one of that name when it is complete.

        An object store shows an object when it is complete. On a disk the data go to a hidden file first, which
        readers of the folder pass over.
        """
        if not isinstance(self.filesystem, LocalFileSystem):
            with self.filesystem.open_output_stream(self.path(name)) as stream:
                stream.write(data)
            return
        with written_whole(self.path(name)) as partial, open(partial, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        if self.filesystem.get_file_info(self.path(name)).type is FileType.File:
            self.filesystem.delete_file(self.path(name))

    def remove_partial(self, folder: str) -> None:
        """Remove the unfinished files of killed processes from a folder."""
        if isinstance(self.filesystem, LocalFileSystem):
            for partial in Path(self.path(folder)).glob(".*.tmp"):
                if is_abandoned(partial):
                    partial.unlink(missing_ok=True)

    def lock(self) -> FolderLock | None:
        """Hold the folder for this process, where it is on a disk; see `FolderLock`.

        Raises:
            ValueError: another process holds it.
        """
        if not isinstance(self.filesystem, LocalFileSystem):
            return None
        os.makedirs(self._root, exist_ok=True)
        return FolderLock.of(self._root)
