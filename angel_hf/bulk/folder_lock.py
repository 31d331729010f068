"""One run at a time in a folder of a disk: a lock that ends with its process, however that ends."""

from __future__ import annotations

import errno
import os
import threading
import weakref
from importlib import import_module
from importlib.util import find_spec
from typing import Any

# Not on Windows; there the digests in the shards tell runs apart.
_FCNTL: Any = import_module("fcntl") if find_spec("fcntl") else None

_TAKEN = (errno.EWOULDBLOCK, errno.EACCES)
_HELD: weakref.WeakValueDictionary[str, FolderLock] = weakref.WeakValueDictionary()
_THREADS = threading.Lock()


class FolderLock:
    """Holds a folder for this process until the lock is forgotten; the operating system ends it with the process.

    The folder itself is locked, so nothing is left behind. Where the disk knows no locks, as some mounts of object
    stores, nothing is held: there, as in an object store, each shard tells its run.

    Args:
        folder: that exists.

    Raises:
        ValueError: another process holds it.
    """

    def __init__(self, folder: str) -> None:
        self._descriptor: int | None = None
        if _FCNTL is None:
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            _FCNTL.flock(descriptor, _FCNTL.LOCK_EX | _FCNTL.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno in _TAKEN:
                raise ValueError(
                    f"{folder}: another process links into this folder; wait for its end, or name another --output"
                ) from None
            return
        self._descriptor = descriptor

    @classmethod
    def of(cls, folder: str) -> FolderLock:
        """The lock of a folder, which the runs of one process share."""
        folder = os.path.realpath(folder)
        with _THREADS:
            held = _HELD.get(folder)
            if held is None:
                held = _HELD[folder] = cls(folder)
            return held

    def __del__(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
