"""What the loopback Hub answers: one function for each kind of request."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import yaml

from tests.hub_repository import Commit, File, HubError, is_large, make_file

if TYPE_CHECKING:
    from tests.loopback_hub import Handler, LoopbackHub

KINDS = {"models": "", "datasets": "datasets/", "spaces": "spaces/"}
_REPO = r"(?P<repo>[\w.-]+/[\w.-]+)"

# Repositories


def _whoami(request: Handler) -> object:
    user = request.user
    if user is None:
        raise HubError(401, "Invalid username or password.")
    role = "write" if user.can_write else "read"
    return {
        "type": "user",
        "name": user.name,
        "orgs": [{"name": name, "type": "org"} for name in user.organizations],
        "auth": {"type": "access_token", "accessToken": {"displayName": "loopback", "role": role}},
    }


def _create(request: Handler) -> object:
    asked, user = request.json, request.user
    if user is None:
        raise HubError(401, "Invalid username or password.")
    kind = f"{asked.get('type', 'model')}s"
    repo_id = f"{asked.get('organization') or user.name}/{asked['name']}"
    if not user.owns(repo_id) or not user.can_write:
        raise HubError(403, f"You don't have the rights to create a {kind[:-1]} under {repo_id.split('/')[0]}")
    if kind == "spaces" and not asked.get("sdk"):
        raise HubError(400, "a Space needs an sdk")
    url = f"{request.hub.endpoint}/{KINDS[kind]}{repo_id}"
    if (kind, repo_id) in request.hub.repositories:
        request.send(409, {"error": "You already created this repo", "url": url}, {"X-Error-Code": "RepoExists"})
        return None
    private = asked.get("private") or asked.get("visibility") == "private"
    request.hub.create(repo_id, kind, private=bool(private))
    return {"url": url, "name": repo_id, "id": repo_id}


def _delete(request: Handler) -> object:
    asked, user = request.json, request.user
    repo_id = f"{asked.get('organization') or (user.name if user else '')}/{asked['name']}"
    kind = f"{asked.get('type', 'model')}s"
    request.repo(kind, repo_id, write=True)
    del request.hub.repositories[kind, repo_id]
    return {}


def _info(request: Handler, kind: str, repo: str, revision: str = "main") -> object:
    repository = request.repo(kind, repo)
    commit = request.revision(repository, revision)
    readme = commit.files.get("README.md")
    config = commit.files.get("config.json")
    tags = [str(tag) for tag in (_metadata(readme.content.decode()) if readme else {}).get("tags", [])]
    return {
        "_id": commit.oid[:24],
        "id": repo,
        "modelId": repo,
        "author": repo.split("/")[0],
        "sha": commit.oid,
        "private": repository.private,
        "gated": "manual" if repository.gated else False,
        "disabled": False,
        "tags": tags,
        "downloads": 0,
        "likes": 0,
        "createdAt": _date(commit),
        "lastModified": _date(commit),
        "cardData": _metadata(readme.content.decode()) if readme else None,
        "config": _configuration(config) if config and "blobs" not in request.query else None,
        "siblings": [{"rfilename": path, **_sizes(file)} for path, file in sorted(commit.files.items())],
    }


def _tree(request: Handler, kind: str, repo: str, revision: str, folder: str | None) -> object:
    commit = request.revision(request.repo(kind, repo), revision)
    below = f"{folder}/" if folder else ""
    inside = {path: file for path, file in commit.files.items() if path.startswith(below)}
    if not inside and below:
        raise HubError(404, f"{folder} does not exist on {revision}", "EntryNotFound")
    recursive = request.query.get("recursive", "").lower() in ("1", "true")
    entries: dict[str, object] = {}
    for path, file in sorted(inside.items()):
        parts = path[len(below) :].split("/")
        for depth in range(1, len(parts)):
            parent = below + "/".join(parts[:depth])
            if recursive or depth == 1:
                entries.setdefault(parent, {"type": "directory", "path": parent, "oid": commit.oid, "size": 0})
        if recursive or len(parts) == 1:
            entries[path] = {"type": "file", "path": path, "oid": file.oid, **_sizes(file)}
    return list(entries.values())


def _paths_info(request: Handler, kind: str, repo: str, revision: str) -> object:
    commit = request.revision(request.repo(kind, repo), revision)
    found: list[object] = []
    for path in request.json.get("paths", []):
        if path in commit.files:
            file = commit.files[path]
            found.append({"type": "file", "path": path, "oid": file.oid, **_sizes(file)})
        elif any(name.startswith(f"{path}/") for name in commit.files):
            found.append({"type": "directory", "path": path, "oid": commit.oid})
    return found


def _refs(request: Handler, kind: str, repo: str) -> object:
    repository = request.repo(kind, repo)

    def named(group: dict[str, Commit], prefix: str) -> list[object]:
        return [{"name": n, "ref": f"refs/{prefix}/{n}", "targetCommit": c.oid} for n, c in group.items()]

    return {"branches": named(repository.branches, "heads"), "tags": named(repository.tags, "tags"), "converts": []}


def _commits(request: Handler, kind: str, repo: str, revision: str) -> object:
    history = request.revision(request.repo(kind, repo), revision).history()
    return [{"id": c.oid, "title": c.title, "message": "", "date": _date(c), "authors": []} for c in history]


def _branch(request: Handler, kind: str, repo: str, name: str) -> object:
    repository = request.repo(kind, repo, write=True)
    if request.command == "DELETE":
        del repository.branches[name]
    elif name in repository.branches:
        raise HubError(409, f"Reference already exists: {name}")
    else:
        repository.branches[name] = request.revision(repository, request.json.get("startingPoint", "main"))
    return {}


def _tag(request: Handler, kind: str, repo: str, revision: str) -> object:
    repository = request.repo(kind, repo, write=True)
    if request.command == "DELETE":
        del repository.tags[revision]
    elif request.json["tag"] in repository.tags:
        raise HubError(409, f"Tag already exists: {request.json['tag']}")
    else:
        repository.tags[request.json["tag"]] = request.revision(repository, revision)
    return {}


# Uploading


def _validate_yaml(request: Handler) -> object:
    try:
        problems = card_problems(_metadata(request.json["content"]))
    except (ValueError, yaml.YAMLError) as error:
        problems = [str(error)]
    if problems:
        request.send(400, {"errors": [{"message": problem} for problem in problems], "warnings": []})
        return None
    return {"errors": [], "warnings": []}


def card_problems(metadata: dict[str, Any]) -> list[str]:
    """What huggingface.co would refuse in a card's metadata."""
    problems = [
        f'"{name}" must be a {expected.__name__}'
        for name, expected in (("tags", list), ("model-index", list), ("widget", list), ("license", str))
        if name in metadata and not isinstance(metadata[name], expected)
    ]
    for model in metadata.get("model-index") or []:
        for result in model.get("results", []):
            for part, fields in (("task", ("type",)), ("dataset", ("type", "name"))):
                problems += [
                    f'"model-index" {part}.{field_} is required' for field_ in fields if not result[part].get(field_)
                ]
            problems += [
                '"model-index" metrics need type and value' for m in result["metrics"] if {"type", "value"} - set(m)
            ]
    return problems


def _preupload(request: Handler, kind: str, repo: str, revision: str) -> object:
    repository = request.repo(kind, repo, write=True)
    commit = request.revision(repository, revision)
    answers = []
    for file in request.json["files"]:
        present = commit.files.get(file["path"])
        mode = "lfs" if is_large(file["path"], file["size"]) else "regular"
        answers.append(
            {"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": present.etag if present else None}
        )
    return {"files": answers}


def _lfs_batch(request: Handler, prefix: str, repo: str) -> object:
    request.repo(_kind(prefix), repo, write=True)
    objects = []
    for asked in request.json["objects"]:
        upload = {"upload": {"href": f"{request.hub.storage_endpoint}/storage/{asked['oid']}"}}
        objects.append(asked | ({} if asked["oid"] in request.hub.large_files else {"actions": upload}))
    return {"transfer": "basic", "objects": objects}


def _store(request: Handler, oid: str) -> object:
    if File(request.body, True).sha256 != oid:
        raise HubError(400, f"the contents are not those of {oid}")
    request.hub.large_files[oid] = request.body
    return {}


def _commit(request: Handler, kind: str, repo: str, revision: str) -> object:
    repository = request.repo(kind, repo, write=True)
    head = request.revision(repository, revision)
    lines = [json.loads(line) for line in request.body.splitlines()]
    title, changes = "", {}
    for line in lines:
        value = line["value"]
        if line["key"] == "header":
            title = value["summary"]
            if value.get("parentCommit", head.oid) != head.oid:
                raise HubError(412, "A commit has happened since. Please refresh and try again.")
        elif line["key"] == "deletedFolder":
            changes |= {path: None for path in head.files if path.startswith(value["path"].rstrip("/") + "/")}
        else:
            if ".." in value["path"].split("/") or value["path"].startswith("/"):
                raise HubError(400, f"invalid path {value['path']}")
            changes[value["path"]] = _new_file(request.hub, line["key"], value)
    commit = repository.commit(revision, changes, title)
    url = f"{request.hub.endpoint}/{KINDS[kind]}{repo}/commit/{commit.oid}"
    return {"success": True, "commitUrl": url, "commitOid": commit.oid, "hookOutput": ""}


def _new_file(hub: LoopbackHub, key: str, value: dict[str, Any]) -> File | None:
    if key == "deletedFile":
        return None
    if key == "file":
        return make_file(value["path"], base64.b64decode(value["content"]))
    if value["oid"] not in hub.large_files:
        raise HubError(400, f"LFS pointer to {value['oid']}, which was not uploaded")
    return File(hub.large_files[value["oid"]], large=True)


# Downloading


def _resolve(request: Handler, prefix: str, repo: str, revision: str, path: str) -> object:
    repository = request.repo(_kind(prefix), repo)
    commit = request.revision(repository, revision)
    if repository.gated and not (request.user and request.user.owns(repo)):
        raise HubError(403 if request.user else 401, "Access to this repository is restricted", "GatedRepo")
    file = commit.files.get(path)
    if file is None:
        missing = {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found", "X-Repo-Commit": commit.oid}
        request.send(404, {"error": "Entry not found"}, missing)
        return None
    headers = {"X-Repo-Commit": commit.oid, "ETag": f'"{file.oid}"', "Accept-Ranges": "bytes"}
    if not file.large:
        _send_range(request, file.content, headers)
        return None
    request.hub.large_files[file.sha256] = file.content
    linked = {"X-Linked-ETag": f'"{file.sha256}"', "X-Linked-Size": str(len(file.content))}
    linked["Location"] = f"{request.hub.storage_endpoint}/storage/{file.sha256}"
    request.send(302, b"", headers | linked)
    return None


def _stored(request: Handler, oid: str) -> object:
    if oid not in request.hub.large_files:
        raise HubError(404, "no such object")
    _send_range(request, request.hub.large_files[oid], {"ETag": f'"{oid}"', "Accept-Ranges": "bytes"})
    return None


def _send_range(request: Handler, content: bytes, headers: dict[str, str]) -> None:
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
    headers = {"Content-Type": "application/octet-stream"} | headers
    if found is None:
        return request.send(200, content, headers)
    first, last = int(found[1]), min(int(found[2] or len(content)), len(content) - 1)
    headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
    return request.send(206, content[first : last + 1], headers)


# Small parts


def _kind(prefix: str) -> str:
    return next(kind for kind, before in KINDS.items() if before == prefix)


def _date(commit: Commit) -> str:
    return commit.date.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _sizes(file: File) -> dict[str, object]:
    sizes: dict[str, object] = {"size": len(file.content), "blobId": file.oid}
    if file.large:
        sizes["lfs"] = {"oid": file.sha256, "sha256": file.sha256, "size": len(file.content), "pointerSize": 134}
    return sizes


def _configuration(config: File) -> object:
    try:
        return json.loads(config.content)
    except ValueError:
        return None  # a damaged file is no reason to refuse a look at the repository


def _metadata(card: str) -> dict[str, Any]:
    found = re.match(r"\ufeff?---[\r\n]+(.*?)[\r\n]+---([\r\n]|$)", card, re.DOTALL)
    return (yaml.safe_load(found[1]) or {}) if found else {}


_API = rf"/api/(?P<kind>models|datasets|spaces)/{_REPO}"
ROUTES: tuple[tuple[str, str, Callable[..., object]], ...] = (
    ("GET", r"/api/whoami-v2", _whoami),
    ("POST", r"/api/repos/create", _create),
    ("DELETE", r"/api/repos/delete", _delete),
    ("POST", r"/api/validate-yaml", _validate_yaml),
    ("GET", _API, _info),
    ("GET", r"/api/(?P<kind>models|datasets|spaces)/(?P<repo>[\w.-]+)", _info),
    ("GET", rf"{_API}/revision/(?P<revision>.+)", _info),
    ("GET", rf"{_API}/tree/(?P<revision>[^/]+)(?:/(?P<folder>.+))?", _tree),
    ("POST", rf"{_API}/paths-info/(?P<revision>.+)", _paths_info),
    ("GET", rf"{_API}/refs", _refs),
    ("GET", rf"{_API}/commits/(?P<revision>.+)", _commits),
    ("POST DELETE", rf"{_API}/branch/(?P<name>.+)", _branch),
    ("POST DELETE", rf"{_API}/tag/(?P<revision>.+)", _tag),
    ("POST", rf"{_API}/preupload/(?P<revision>.+)", _preupload),
    ("POST", rf"{_API}/commit/(?P<revision>.+)", _commit),
    ("POST", rf"/(?P<prefix>datasets/|spaces/|){_REPO}\.git/info/lfs/objects/batch", _lfs_batch),
    ("PUT", r"/storage/(?P<oid>[0-9a-f]{64})", _store),
    ("GET HEAD", r"/storage/(?P<oid>[0-9a-f]{64})", _stored),
    ("GET HEAD", rf"/(?P<prefix>datasets/|spaces/|){_REPO}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", _resolve),
)
"""Methods, path, and what answers."""
