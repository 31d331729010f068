"""Repositories of the loopback Hub: commits, branches and tags, kept in memory."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

LARGE_ENDINGS = (".safetensors", ".bin", ".pt", ".pkl", ".parquet", ".arrow", ".gz", ".zip", ".npy")
LARGE_SIZE = 10 * 1024 * 1024


class HubError(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


@dataclass(frozen=True)
class File:
    """A file of a commit; a large one is kept by LFS."""

    content: bytes
    large: bool

    @property
    def oid(self) -> str:
        """Git's name of the blob."""
        return hashlib.sha1(b"blob %d\0" % len(self.content) + self.content).hexdigest()

    @property
    def sha256(self) -> str:
        """LFS's name of the contents."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def etag(self) -> str:
        """What the Hub gives a client to tell versions apart."""
        return self.sha256 if self.large else self.oid


@dataclass(frozen=True)
class Commit:
    """All files of a repository at one moment."""

    oid: str
    parent: Commit | None
    files: dict[str, File]
    title: str
    date: datetime

    def history(self) -> list[Commit]:
        """The commit itself and those before it, newest first."""
        return [self] + (self.parent.history() if self.parent else [])


@dataclass
class Repository:
    """A model, dataset or Space."""

    kind: str
    repo_id: str
    private: bool = False
    gated: bool = False
    branches: dict[str, Commit] = field(default_factory=dict)
    tags: dict[str, Commit] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.commit("main", {}, "initial commit")

    @property
    def head(self) -> Commit:
        """The newest commit of the main branch."""
        return self.branches["main"]

    @property
    def files(self) -> dict[str, bytes]:
        """The contents of every file of the main branch."""
        return {path: file.content for path, file in self.head.files.items()}

    def find(self, revision: str) -> Commit | None:
        """The commit of a branch, tag or commit id."""
        return self.branches.get(revision) or self.tags.get(revision) or self.commits.get(revision)

    def commit(self, branch: str, changes: dict[str, File | None], title: str) -> Commit:
        """Add a commit in which some files are new or changed, and those given as None are gone."""
        parent = self.branches.get(branch)
        files = dict(parent.files) if parent else {}
        files |= {path: file for path, file in changes.items() if file is not None}
        files = {path: file for path, file in files.items() if changes.get(path, file) is not None}
        named = f"{parent and parent.oid} {title} {sorted((path, file.oid) for path, file in files.items())}"
        oid = hashlib.sha1(f"{self.kind} {self.repo_id} {named}".encode()).hexdigest()
        # One second a commit, so that the order shows and nothing depends on the clock.
        date = datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=len(self.commits))
        made = Commit(oid, parent, files, title, date)
        self.commits[oid] = self.branches[branch] = made
        return made

    def change_json(self, path: str, **values: object) -> None:
        """Commit a file of JSON with some values changed."""
        self.put({path: json.dumps(json.loads(self.files[path]) | values).encode()})

    def put(self, files: dict[str, bytes | None], branch: str = "main") -> str:
        """Commit contents as they are, even under names that a client would refuse; returns the commit's id."""
        changes = {path: None if data is None else make_file(path, data) for path, data in files.items()}
        return self.commit(branch, changes, f"put {', '.join(files)}").oid


def make_file(path: str, content: bytes) -> File:
    """A file, large if its name or size says so."""
    return File(content, is_large(path, len(content)))


def is_large(path: str, size: int) -> bool:
    """Whether the Hub keeps such a file by LFS."""
    return size > 0 and (path.endswith(LARGE_ENDINGS) or size > LARGE_SIZE)
