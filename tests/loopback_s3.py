"""An object store on the loopback: as much of S3 as a client needs to list, read and write objects."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import BinaryIO
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

MODIFIED = "2026-01-01T00:00:00.000Z"


class Store(BaseHTTPRequestHandler):
    """Objects by `/bucket/key`; an object is there when the whole of it has come."""

    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes]
    uploads: dict[str, dict[str, bytes]]

    def do_GET(self) -> None:
        path, query = self._address()
        if "list-type" in query:
            return self._list(path, query)
        data = self.objects.get(path)
        if data is None:
            return self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if asked is None:
            return self._answer(200, data)
        first, last = int(asked[1]), min(int(asked[2]), len(data) - 1)
        self._answer(206, data[first : last + 1], {"Content-Range": f"bytes {first}-{last}/{len(data)}"})

    def do_HEAD(self) -> None:
        path, _ = self._address()
        if path.count("/") == 1:
            return self._answer(200, b"", {"x-amz-bucket-region": "us-east-1"})
        data = self.objects.get(path)
        self._answer(404 if data is None else 200, data or b"")

    def do_PUT(self) -> None:
        path, query = self._address()
        target = self.objects if "uploadId" not in query else self.uploads.setdefault(path, {})
        target[path if "uploadId" not in query else query["partNumber"]] = self._body()
        self._answer(200, b"", {"ETag": '"1"'})

    def do_POST(self) -> None:
        """An upload in parts is begun, or all its parts have come."""
        path, query = self._address()
        self._body()
        if "uploadId" not in query:
            return self._answer(
                200, b"<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>"
            )
        parts = self.uploads.pop(path)
        self.objects[path] = b"".join(parts[number] for number in sorted(parts, key=int))
        self._answer(200, b"<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>")

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def _address(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        return unquote(parts.path).rstrip("/"), query

    def _list(self, bucket: str, query: dict[str, str]) -> None:
        prefix, rows, folders = f"{bucket}/{query.get('prefix', '')}", [], set()
        for key in sorted(self.objects):
            if not key.startswith(prefix):
                continue
            below, delimiter, _ = key[len(prefix) :].partition(query.get("delimiter") or "\0")
            name = escape((prefix + below)[len(bucket) + 1 :])
            if delimiter:
                folders.add(f"<CommonPrefixes><Prefix>{name}/</Prefix></CommonPrefixes>")
            else:
                size = len(self.objects[key])
                rows.append(
                    f"<Contents><Key>{name}</Key><LastModified>{MODIFIED}</LastModified><Size>{size}</Size></Contents>"
                )
        body = "".join([*rows, *sorted(folders)])
        count = f"<KeyCount>{len(rows) + len(folders)}</KeyCount><IsTruncated>false</IsTruncated>"
        self._answer(200, f"<ListBucketResult>{count}{body}</ListBucketResult>".encode())

    def _body(self) -> bytes:
        """The request's body: in HTTP's chunks, and what these hold in Amazon's with checksums behind them."""
        chunked = self.headers.get("Transfer-Encoding") == "chunked"
        data = _chunks(self.rfile) if chunked else self.rfile.read(int(self.headers.get("Content-Length", "0")))
        return _chunks(BytesIO(data)) if "aws-chunked" in self.headers.get("Content-Encoding", "") else data

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _chunks(stream: BinaryIO) -> bytes:
    """Chunks, each after a line with its size in hexadecimal, until one of size 0; then headers and an empty line."""
    whole = b""
    while length := int(stream.readline().split(b";")[0], 16):
        whole += stream.read(length)
        stream.readline()
    while stream.readline().strip():
        pass
    return whole


@contextmanager
def object_store(objects: dict[str, bytes]) -> Iterator[str]:
    """Serve objects; what stands after `s3://bucket/key` in a URI to reach them."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OneStore", (Store,), {"objects": objects, "uploads": {}}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"?endpoint_override=127.0.0.1:{server.server_port}&scheme=http&region=us-east-1"
    finally:
        server.shutdown()
        server.server_close()
