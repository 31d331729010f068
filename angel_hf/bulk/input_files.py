"""The Parquet files of a path, a folder or a pattern."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath

import pyarrow
import pyarrow.parquet
from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType

from angel_hf.bulk.storage import resolve

_FOOTERS_AT_ONCE = 16
_EXPECTED = "expected a Parquet file, a folder of them, or a pattern such as 'folder/*.parquet'"


@dataclass(frozen=True, slots=True)
class InputFile:
    """A Parquet file.

    Args:
        name: below the folder or pattern's fixed part, the same wherever the data are moved to.
        path: in its file system.
        size: in bytes.
        rows: number of documents.
        schema: of its columns.
    """

    name: str
    path: str
    size: int
    rows: int
    schema: pyarrow.Schema


@dataclass(frozen=True, slots=True)
class InputFiles:
    """All files of a run, by rising name."""

    filesystem: FileSystem
    files: tuple[InputFile, ...]

    @classmethod
    def find(cls, source: str) -> InputFiles:
        """Find the files and read their footers.

        Args:
            source: a file, a folder (files ending in `.parquet`, in its folders too), or a pattern: `*` in
                names, `**/` for any folders.

        Raises:
            FileNotFoundError: there is nothing.
            ValueError: a file is not Parquet.
        """
        filesystem, path = resolve(source)
        folder, found = _list(filesystem, path, source)
        with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
            files = pool.map(
                lambda info: _input_file(filesystem, folder, info), sorted(found, key=lambda one: one.path)
            )
            return cls(filesystem, tuple(files))


def would_be_read(source: str, filesystem: FileSystem, path: str) -> bool:
    """Whether a Parquet file, if it were at a path of a file system, would be one of a source's files.

    Raises:
        ValueError: no file system has URIs such as the source's.
    """
    own, below = resolve(source)
    folder, pattern = _selection(below)
    return own.equals(filesystem) and pattern.fullmatch(path) is not None and not _hidden(path[len(folder) :])


def _list(filesystem: FileSystem, path: str, source: str) -> tuple[str, list[FileInfo]]:
    """The folder that names are given below, and the files."""
    if "*" not in path:
        info = filesystem.get_file_info(path)
        if info.type is FileType.File:
            return path.rpartition("/")[0], [info]
    folder, pattern = _selection(path)
    found = [info for info in _below(filesystem, folder, source) if pattern.fullmatch(info.path)]
    if not found:
        raise FileNotFoundError(f"{source}: no Parquet file is there; {_EXPECTED}")
    return folder, found


def _selection(path: str) -> tuple[str, re.Pattern[str]]:
    """The folder that files are looked for in, and what the paths of those look like that are read."""
    pattern = path if "*" in path else f"{path.rstrip('/')}/**/*.parquet"
    return pattern.partition("*")[0].rpartition("/")[0], re.compile(_regular_expression(pattern))


def _regular_expression(pattern: str) -> str:
    """`*` is any part of a name, `**/` any folders, none at all included."""
    return re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")


def _below(filesystem: FileSystem, folder: str, source: str) -> Iterator[FileInfo]:
    """The files in a folder and its folders; hidden ones are unfinished or notes of other programs."""
    try:
        infos = filesystem.get_file_info(FileSelector(folder, recursive=True))
    except FileNotFoundError:
        raise FileNotFoundError(f"{source}: no such file or folder; {_EXPECTED}") from None
    return (info for info in infos if info.type is FileType.File and not _hidden(info.path[len(folder) :]))


def _hidden(path: str) -> bool:
    return any(part[:1] in "._" for part in PurePosixPath(path).parts if part != "/")


def _input_file(filesystem: FileSystem, folder: str, info: FileInfo) -> InputFile:
    try:
        with filesystem.open_input_file(info.path) as stream, pyarrow.parquet.ParquetFile(stream) as file:
            name = info.path[len(folder) :].lstrip("/")
            return InputFile(name, info.path, info.size, file.metadata.num_rows, file.schema_arrow)
    except (FileNotFoundError, PermissionError):
        raise
    except (pyarrow.ArrowException, OSError) as error:  # a damaged footer is the latter
        reason = " ".join(str(error).split())  # which has lines of its own
        raise ValueError(f"{info.path}: not a readable Parquet file ({reason}); {_EXPECTED}") from None
