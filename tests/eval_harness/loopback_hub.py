"""A Hub of dataset repositories on the loopback interface: what huggingface_hub needs to read and to upload folders."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

Files = dict[str, bytes]


@dataclass
class Repositories:
    """The files of each revision of each repository, and blobs on their way."""

    files: dict[str, dict[str, Files]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    address: str = ""

    def commit(self, repository: str, revision: str) -> str:
        contents = sorted(self.files[repository][revision].items())
        return hashlib.sha1(repr(contents).encode(), usedforsecurity=False).hexdigest()

    def resolve(self, repository: str, revision: str) -> str | None:
        """The branch that a branch's name or a commit stands for."""
        branches = self.files.get(repository, {})
        return next((one for one in branches if revision in (one, self.commit(repository, one))), None)


@contextmanager
def serve() -> Iterator[Repositories]:
    """Serve until the block ends."""
    repositories = Repositories()

    class Handler(_Handler):
        hub = repositories

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    repositories.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield repositories
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Repositories
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        self.hub.requests.append(format % args)

    def do_HEAD(self) -> None:
        self._file(with_body=False)

    def do_GET(self) -> None:
        parts = self._parts()
        if parts[:2] == ["api", "datasets"]:
            self._about("/".join(parts[2:4]), parts[4:])
        else:
            self._file(with_body=True)

    def do_PUT(self) -> None:
        self.hub.blobs[self._parts()[-1]] = self._body()
        self._send(b"")

    def do_POST(self) -> None:
        parts = self._parts()
        body = self._body()
        if parts == ["api", "repos", "create"]:
            wanted = json.loads(body)
            name = f"{wanted.get('organization') or 'me'}/{wanted['name']}"
            self.hub.files.setdefault(name, {"main": {}})
            self._json({"url": f"{self.hub.address}/datasets/{name}", "name": name})
        elif parts[:2] == ["api", "validate-yaml"]:
            self._json({"errors": [], "warnings": []})
        elif parts[-3:] == ["info", "lfs", "objects"] or parts[-1] == "batch":
            self._lfs(json.loads(body))
        elif "preupload" in parts:
            files = json.loads(body)["files"]
            modes = [
                {"path": one["path"], "uploadMode": "regular" if one["size"] < 4096 else "lfs", "shouldIgnore": False}
                for one in files
            ]
            self._json({"files": modes})
        elif "commit" in parts:
            self._take_commit("/".join(parts[2:4]), body)
        else:
            self._send(b"", 404)

    def _about(self, repository: str, rest: list[str]) -> None:
        revision = "/".join(rest[1:]) if rest[:1] in (["revision"], ["tree"]) else "main"
        branch = self.hub.resolve(repository, revision)
        if branch is None:
            self._send(b'{"error": "Repository not found"}', 404, {"X-Error-Code": "RepoNotFound"})
            return
        files = self.hub.files[repository][branch]
        if rest[:1] == ["tree"]:
            rows = [
                {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for path, content in files.items()
            ]
            self._json(rows)
        else:
            siblings = [{"rfilename": path} for path in files]
            about = {"id": repository, "sha": self.hub.commit(repository, branch), "siblings": siblings}
            self._json(about | {"private": False, "downloads": 0, "likes": 0, "tags": []})

    def _file(self, with_body: bool) -> None:
        parts = self._parts()
        repository, rest = "/".join(parts[1:3]), "/".join(parts[4:])
        for branch in self.hub.files.get(repository, {}):
            commit = self.hub.commit(repository, branch)
            for revision in (branch, commit):
                path = rest.removeprefix(f"{revision}/")
                content = self.hub.files[repository][branch].get(path)
                if path != rest and content is not None:
                    tag = hashlib.sha1(content, usedforsecurity=False).hexdigest()
                    headers = {"ETag": f'"{tag}"', "X-Repo-Commit": commit, "Content-Length": str(len(content))}
                    self._send(content if with_body else b"", 200, headers)
                    return
        self._send(b"", 404, {"X-Error-Code": "EntryNotFound"})

    def _lfs(self, wanted: dict[str, list[dict[str, object]]]) -> None:
        rows = [
            {**one, "actions": {"upload": {"href": f"{self.hub.address}/blobs/{one['oid']}", "header": {}}}}
            for one in wanted["objects"]
        ]
        self._json({"transfer": "basic", "objects": rows}, "application/vnd.git-lfs+json")

    def _take_commit(self, repository: str, body: bytes) -> None:
        files = self.hub.files[repository]["main"]
        for line in body.splitlines():
            operation = json.loads(line)
            value = operation["value"]
            if operation["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif operation["key"] == "lfsFile":
                files[value["path"]] = self.hub.blobs[value["oid"]]
        commit = self.hub.commit(repository, "main")
        self._json({"commitUrl": f"{self.hub.address}/datasets/{repository}/commit/{commit}", "commitOid": commit})

    def _parts(self) -> list[str]:
        return [unquote(part) for part in urlsplit(self.path).path.split("/") if part]

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _json(self, value: object, kind: str = "application/json") -> None:
        self._send(json.dumps(value).encode(), 200, {"Content-Type": kind})

    def _send(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
