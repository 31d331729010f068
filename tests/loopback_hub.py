"""A Hub on this machine: what huggingface_hub, transformers, peft and datasets ask of huggingface.co, over HTTP.

    with LoopbackHub() as hub:
        hub.add_user("alice", "hf_secret", organizations=("org",))
        HfApi(hub.endpoint, token="hf_secret").create_repo("org/model")

Faults can be injected, and every request is remembered.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.hub_repository import Commit, HubError, Repository
from tests.hub_routes import ROUTES


@dataclass(frozen=True)
class User:
    """Who a token stands for, and whether it may write."""

    name: str
    organizations: tuple[str, ...] = ()
    can_write: bool = True

    def owns(self, repo_id: str) -> bool:
        """Whether the repository is this user's or one of their organizations'."""
        return repo_id.split("/")[0] in (self.name, *self.organizations)


@dataclass(frozen=True)
class Request:
    """A request as it came: who asked for what. `authorized` tells whether a token came with it."""

    method: str
    path: str
    authorized: bool


@dataclass
class Fault:
    """What goes wrong with the next `times` requests that match.

    Args:
        method: of the requests.
        path: regular expression of their paths.
        times: how many.
        status: answered, and nothing else is done.
        drop_after: bytes of the answer, after which the connection is closed; what was asked for is done.
        hang_up: close the connection without an answer, and without doing what was asked for.
        delay: seconds before all this.
    """

    method: str
    path: str
    times: int = 1
    status: int | None = None
    drop_after: int | None = None
    hang_up: bool = False
    delay: float = 0.0


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hung up, as those do that lose patience."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class LoopbackHub:
    """The server, its repositories, users, faults and log."""

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.users: dict[str, User] = {}
        self.large_files: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), type("Handler", (Handler,), {"hub": self}))
        self._server.daemon_threads = True

    def __enter__(self) -> LoopbackHub:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        """What HF_ENDPOINT must be."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def storage_endpoint(self) -> str:
        """Where large files are, another host to a client, as they are on huggingface.co."""
        return f"http://localhost:{self._server.server_port}"

    def add_user(self, name: str, token: str, organizations: tuple[str, ...] = (), can_write: bool = True) -> None:
        """Let a token in."""
        self.users[token] = User(name, organizations, can_write)

    def repository(self, repo_id: str, kind: str = "models") -> Repository:
        """A repository that a client made."""
        return self.repositories[kind, repo_id]

    def create(self, repo_id: str, kind: str = "models", **settings: Any) -> Repository:
        """Make a repository without a client."""
        return self.repositories.setdefault((kind, repo_id), Repository(kind, repo_id, **settings))

    def fail(self, method: str, path: str, **fault: Any) -> Fault:
        """Inject a fault into the requests to come whose path matches a regular expression."""
        self.faults.append(Fault(method, path, **fault))
        return self.faults[-1]

    def fault_for(self, method: str, path: str) -> Fault | None:
        """The fault that hits a request; it is used up by it."""
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and fault.method == method and re.search(fault.path, path):
                    fault.times -= 1
                    return fault
        return None


class Handler(BaseHTTPRequestHandler):
    """One request: found in the table of routes, answered or refused."""

    hub: LoopbackHub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 (the base class's names)

    def log_message(self, *_: object) -> None:
        pass

    @cached_property
    def body(self) -> bytes:
        """What came with the request; read once, or the connection could not be used again."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    @property
    def json(self) -> Any:
        """The body as JSON, or as the fields of a form."""
        if "form" in self.headers.get("Content-Type", ""):
            fields = parse_qs(self.body.decode())
            return {name: values if name == "paths" else values[0] for name, values in fields.items()}
        return json.loads(self.body or b"{}")

    @property
    def user(self) -> User | None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token not in self.hub.users:
            raise HubError(401, "Invalid credentials in Authorization header")
        return self.hub.users.get(token)

    def _answer(self) -> None:
        self.__dict__.pop("body", None)  # one handler serves all requests of a connection
        url = urlsplit(self.path)
        path, self.query = unquote(url.path), {name: values[0] for name, values in parse_qs(url.query).items()}
        self.hub.requests.append(Request(self.command, path, "Authorization" in self.headers))
        assert self.body is not None
        self.fault = self.hub.fault_for(self.command, path)
        try:
            if self.fault:
                threading.Event().wait(self.fault.delay)
                if self.fault.hang_up:
                    self.close_connection = True
                    return None
                if self.fault.status:
                    raise HubError(self.fault.status, "injected fault")
            for methods, pattern, handle in ROUTES:
                found = re.fullmatch(pattern, path)
                if found and self.command in methods.split():
                    with self.hub.lock:
                        answer = handle(self, **found.groupdict())
                    return self.send(200, answer) if answer is not None else None
            raise HubError(404, f"the loopback Hub knows no {self.command} {path}")
        except HubError as error:
            headers = {"X-Error-Code": error.code, "X-Error-Message": error.message}
            self.send(error.status, {"error": error.message}, headers)

    def send(self, status: int, answer: bytes | object, headers: dict[str, str] | None = None) -> None:
        """Answer with bytes or JSON."""
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        length = {"Content-Length": str(len(content)), "Content-Type": "application/json"}
        for name, value in (length | (headers or {})).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            if self.fault and self.fault.drop_after is not None:
                content = content[: self.fault.drop_after]
                self.close_connection = True
            self.wfile.write(content)

    # What every handler asks

    def repo(self, kind: str, repo: str, *, write: bool = False) -> Repository:
        """The repository, if the token may see it."""
        found, user = self.hub.repositories.get((kind, repo)), self.user
        owned = user is not None and user.owns(repo)
        if found is None or (found.private and not owned):
            # As the Hub does: whoever may not see it is told that it is not there.
            raise HubError(404 if user else 401, "Repository not found", "RepoNotFound")
        if write and not (owned and user and user.can_write):
            raise HubError(403 if user else 401, "You don't have the rights to write to this repository")
        return found

    def revision(self, repository: Repository, revision: str) -> Commit:
        """The commit of a branch, tag or commit id."""
        found = repository.find(unquote(revision))
        if found is None:
            raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return found
