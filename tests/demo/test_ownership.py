"""What a visitor can reach: their own uploads, nobody else's, and nothing of the server."""

import gzip
import os
import uuid
from pathlib import Path

import httpx
import pytest

from demo.limits import VisitorError, checked_file
from demo.ownership import Ownership
from demo.page import build_page, launch_options

NAMES = b"concept_id,name\nX:1,Zebra itch\n"


@pytest.fixture
def upload(tmp_path):
    path = tmp_path / "own.csv"
    path.write_bytes(NAMES)
    return path


def test_a_file_belongs_to_the_first_who_comes_with_it(upload):
    ownership = Ownership()
    assert ownership.claim(upload, "first") == upload == ownership.claim(upload, "first")
    for other in ("second", "third"):
        with pytest.raises(VisitorError, match="not yours: upload it yourself"):
            ownership.claim(upload, other)
    with pytest.raises(VisitorError, match="not here any more"):
        ownership.claim(upload, None)


def test_who_uploads_the_same_file_again_has_it_too(upload):
    ownership = Ownership()
    ownership.claim(upload, "first")
    upload.with_suffix(".new").write_bytes(NAMES)
    os.replace(upload.with_suffix(".new"), upload)
    ownership.claim(upload, "second")
    ownership.claim(upload, "first")
    ownership.leave("first")
    assert upload.exists(), "the second visitor is still there"
    ownership.leave("second")
    assert not upload.exists()
    with pytest.raises(VisitorError, match="not here any more"):
        ownership.claim(upload, "second")


def test_one_visitor_is_served_once_at_a_time():
    ownership = Ownership()
    with (
        ownership.alone("first"),
        ownership.alone("second"),
        pytest.raises(VisitorError, match="still being answered"),
        ownership.alone("first"),
    ):
        pass
    with ownership.alone("first"):
        pass


def test_compressed_uploads_are_refused_before_they_are_unpacked(upload):
    upload.write_bytes(gzip.compress(NAMES))
    with pytest.raises(VisitorError, match="own.csv is compressed; unpack it"):
        checked_file(upload)


class Visitor:
    """A visitor without a browser, who may say anything to the server."""

    def __init__(self, address):
        self.session = uuid.uuid4().hex[:11]
        self.client = httpx.Client(base_url=address, timeout=300)
        self.functions = {
            one["api_name"]: one["id"] for one in self.client.get("config").json()["dependencies"] if one["api_name"]
        }

    def upload(self, content):
        answer = self.client.post("gradio_api/upload", files={"files": ("own.csv", content)})
        return answer.json()[0]

    def call(self, name, *data):
        """The event stream of a call, as text."""
        joined = self.client.post(
            "gradio_api/queue/join", json={"data": data, "fn_index": self.functions[name], "session_hash": self.session}
        )
        if joined.status_code != 200:
            return joined.text
        with self.client.stream("GET", "gradio_api/queue/data", params={"session_hash": self.session}) as stream:
            lines = []
            for line in stream.iter_lines():
                lines.append(line)
                if '"process_completed"' in line or '"close_stream"' in line:
                    break
        return "\n".join(lines)

    def use(self, path):
        return self.call("use", "", {"path": str(path), "orig_name": "own.csv", "meta": {"_type": "gradio.FileData"}})


@pytest.fixture(scope="module")
def address(workbench):
    page = build_page(workbench)
    page.launch(server_name="127.0.0.1", prevent_thread_lock=True, **launch_options(page))
    yield page.local_url
    page.close()


def test_a_path_of_anyone_else_opens_nothing(address, tmp_path):
    first, second = Visitor(address), Visitor(address)
    path = first.upload(NAMES)
    found = first.use(path)
    assert "<b>1</b> concepts" in found
    refused = second.use(path)
    assert "not yours" in refused
    assert "Zebra" not in refused
    secret = tmp_path / "secret.csv"
    secret.write_bytes(NAMES)
    for other in ("/etc/passwd", secret, f"{Path(path).parent}/../../../etc/passwd", "demo/page.py", "../secret.csv"):
        answer = second.use(other)
        assert '"success":false' in answer.replace(" ", ""), (other, answer)
        assert "root:" not in answer
        assert "<b>1</b> concepts" not in answer
    for there in (
        path,
        "/etc/passwd",
        str(secret),
        f"{path}/../../../../etc/passwd",
        str(Path("demo/page.py").resolve()),
    ):
        got = second.client.get(f"gradio_api/file={there}")
        assert got.status_code in (403, 404), there
        assert b"Zebra" not in got.content
        assert b"root:" not in got.content


def test_a_batch_leaves_files_for_its_visitor_and_no_folder(address):
    before = set(Path("/tmp").glob("tmp*"))
    visitor = Visitor(address)
    path = visitor.upload(b"id,text\n1,anemia\n")
    answer = visitor.call(
        "run_batch", {"path": path, "orig_name": "d.csv", "meta": {"_type": "gradio.FileData"}}, 0.0, None
    )
    assert "mentions in 1 documents" in answer
    assert "annotations.parquet" in answer
    made = [one for one in set(Path("/tmp").glob("tmp*")) - before if (one / "annotations.csv").exists()]
    assert made == []
