"""What a push would put into a repository, and the push itself: one commit, or none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token

_SEARCHED = 10_000_000


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file to be uploaded: from disk, or text rendered for the push."""

    path: str
    content: Path | bytes

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    def read(self) -> bytes:
        """The contents."""
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()


@dataclass(frozen=True, slots=True)
class PushPlan:
    """Everything that one commit does.

    Args:
        repository: "owner/name".
        kind: "model", "dataset" or "space".
        files: to be uploaded.
        stale: patterns of paths that belonged to what was pushed before: those of the repository that are not among
            `files` are deleted.
        left_out: files of the directory that stay behind, and why.
        title: of the commit.
        space_sdk: of a Space.
    """

    repository: str
    kind: str
    files: tuple[PlannedFile, ...]
    title: str
    stale: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    space_sdk: str | None = None

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def text(self, path: str) -> str:
        """The contents of a file that is text."""
        return next(file for file in self.files if file.path == path).read().decode("utf-8")


@dataclass(frozen=True, slots=True)
class Pushed:
    """Where a push went: the commit's page, and the paths that it deleted."""

    url: str
    deleted: tuple[str, ...] = field(default=())


def refuse_token(plan: PushPlan) -> None:
    """Refuse to publish the token of whoever pushes; looked for in all files but large ones.

    Raises:
        ValueError: a file holds it; the message does not.
    """
    token = get_token()
    for file in plan.files if token else ():
        if file.size <= _SEARCHED and str(token).encode() in file.read():
            raise ValueError(f"{file.path}: holds your token for the Hub; take it out, and make a new token")


def push(plan: PushPlan, private: bool | None = None, revision: str | None = None) -> Pushed:
    """Create the repository if needed, upload, and commit once; a failure leaves the repository unchanged.

    Args:
        plan: what to push.
        private: of a new repository.
        revision: branch to commit to, created if needed.

    Raises:
        OSError: the Hub refuses or cannot be reached.
    """
    api = HfApi()
    api.create_repo(plan.repository, repo_type=plan.kind, private=private, exist_ok=True, space_sdk=plan.space_sdk)
    if revision is not None:
        api.create_branch(plan.repository, repo_type=plan.kind, branch=revision, exist_ok=True)
    head = api.repo_info(plan.repository, repo_type=plan.kind, revision=revision)
    present = set(api.list_repo_files(plan.repository, repo_type=plan.kind, revision=head.sha))
    old = sorted(present - {file.path for file in plan.files})
    deleted = tuple(path for path in old if any(_matches(path, pattern) for pattern in plan.stale))
    commit = api.create_commit(
        plan.repository,
        repo_type=plan.kind,
        operations=[
            *(CommitOperationDelete(path_in_repo=path) for path in deleted),
            *(CommitOperationAdd(path_in_repo=file.path, path_or_fileobj=file.content) for file in plan.files),
        ],
        commit_message=plan.title,
        revision=revision,
        # Commits made meanwhile are not overwritten.
        parent_commit=head.sha,
    )
    return Pushed(commit.commit_url, deleted)


def collect(
    directory: Path, patterns: Iterable[str], rendered: dict[str, bytes]
) -> tuple[tuple[PlannedFile, ...], tuple[tuple[str, str], ...]]:
    """The files of a directory that match patterns, with those rendered for the push in place of their namesakes.

    Returns:
        The files in order of path, and what stays behind with the reason.
    """
    patterns = tuple(patterns)
    files = {path: PlannedFile(path, content) for path, content in rendered.items()}
    left_out = []
    for file in sorted(directory.rglob("*")):
        path = file.relative_to(directory).as_posix()
        if not file.is_file() or path in files:
            continue
        if any(part.startswith(".") or part == "__pycache__" for part in path.split("/")):
            left_out.append((path, "hidden"))
        elif file.is_symlink() and directory.resolve() not in file.resolve().parents:
            left_out.append((path, "a link to outside the directory"))
        elif any(_matches(path, pattern) for pattern in patterns):
            files[path] = PlannedFile(path, file)
        else:
            left_out.append((path, "not a file that such a repository needs"))
    return tuple(files[path] for path in sorted(files)), tuple(left_out)


def _matches(path: str, pattern: str) -> bool:
    """Whether a path matches a pattern, folder by folder; a leading `**/` stands for any folders."""
    if pattern.startswith("**/"):
        return fnmatch(path.rpartition("/")[2], pattern[3:])
    parts, globs = path.split("/"), pattern.split("/")
    return len(parts) == len(globs) and all(fnmatch(part, one) for part, one in zip(parts, globs))
