"""The library that numpy's matrix products come from, where it is the one of numpy's own wheels."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

# Kernels for 256-bit vectors.
_AVX2 = ("haswell", "zen")


def has_avx2_openblas() -> bool:
    """Whether numpy multiplies by OpenBLAS's kernels for AVX2, in a number of threads that `one_thread` can set."""
    library = _openblas()
    return library is not None and all(one["architecture"].lower() in _AVX2 for one in library.info())


class _OneThread:
    """OpenBLAS on one thread as long as anybody asks for it.

    The number is that of the whole process. So the first of several callers finds what the last one leaves behind.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._callers = 0
        self._limit: Any = None

    @contextmanager
    def kept(self) -> Iterator[None]:
        library = _openblas()
        with self._lock:
            if self._callers == 0 and library is not None:
                self._limit = library.limit(limits=1)
            self._callers += 1
        try:
            yield
        finally:
            with self._lock:
                self._callers -= 1
                if self._callers == 0 and self._limit is not None:
                    self._limit.restore_original_limits()
                    self._limit = None


one_thread = _OneThread().kept
"""A context in which products of numpy's OpenBLAS take one thread each, those of other callers included."""


@functools.cache
def _openblas() -> Any:
    """The controller of numpy's own OpenBLAS, or None."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:  # code that travels with a model has only what transformers requires, and does without
        return None
    libraries = ThreadpoolController().select(internal_api="openblas")
    own = [one.filepath for one in libraries.lib_controllers if Path(one.filepath).parent.name == "numpy.libs"]
    found = libraries.select(filepath=own)
    return found if len(found) else None
