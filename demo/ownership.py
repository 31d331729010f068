"""Whose upload is whose: a file is read for the visitor who uploaded it, and for nobody else."""

from __future__ import annotations

import os
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from demo.limits import VisitorError

_Scope = MutableMapping[str, Any]
_Application = Callable[[_Scope, Any, Any], Awaitable[None]]


@dataclass
class _Upload:
    """A file as it came last, and the sessions of those who uploaded it: equal files come under one path."""

    identity: tuple[int, int]
    owners: set[str] = field(default_factory=set)


class Ownership:
    """The uploads of a running page, by visitor, and who is being served."""

    def __init__(self) -> None:
        self._uploads: dict[str, _Upload] = {}
        self._served: set[str] = set()
        self._lock = threading.Lock()

    def claim(self, file: str | Path, session: str | None) -> Path:
        """The file, for the visitor who uploaded it: the first who comes with it, or who uploads the same one again.

        Raises:
            VisitorError: another visitor uploaded it, or it is gone.
        """
        path = os.path.realpath(file)
        with self._lock:
            upload = self._uploads.get(path)
            try:
                found = os.stat(path)
            except OSError:
                found = None
            if session is None or found is None:
                raise VisitorError("This file is not here any more: upload it again.")
            identity = (found.st_ino, found.st_mtime_ns)
            if upload is None or upload.identity != identity:
                upload = self._uploads[path] = _Upload(identity, upload.owners if upload else set())
                upload.owners.add(session)
            if session not in upload.owners:
                raise VisitorError("This file is not yours: upload it yourself.")
        return Path(path)

    def leave(self, session: str | None) -> None:
        """Delete the uploads that only this visitor has."""
        with self._lock:
            for path, upload in list(self._uploads.items()):
                upload.owners.discard(session or "")
                if not upload.owners:
                    del self._uploads[path]
                    Path(path).unlink(missing_ok=True)

    def is_upload(self, path: str) -> bool:
        """Whether a path is that of anyone's upload."""
        return os.path.realpath(path) in self._uploads

    @contextmanager
    def alone(self, session: str | None) -> Iterator[None]:
        """Long work for a visitor, one at a time, so that nobody takes all places from the others.

        Raises:
            VisitorError: something of this visitor is being worked on.
        """
        with self._lock:
            if session in self._served:
                raise VisitorError("Your last request is still being answered: wait for it, then try again.")
            if session is not None:
                self._served.add(session)
        try:
            yield
        finally:
            with self._lock:
                self._served.discard(session or "")


class UploadsStayPrivate:
    """Answers 404 where an address names a visitor's upload: gradio would serve it to whoever knows its path."""

    def __init__(self, app: _Application, ownership: Ownership) -> None:
        self._app = app
        self._ownership = ownership

    async def __call__(self, scope: _Scope, receive: Any, send: Any) -> None:
        """Answer a request, or pass it on."""
        _, found, path = unquote(str(scope.get("path", ""))).partition("/file=")
        if found and self._ownership.is_upload(path):
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await self._app(scope, receive, send)
