"""Two runs in one folder: one of them stops, whichever processes they are in; their shards never mix."""

import signal
import subprocess
import sys
import time
from functools import partial

import pytest

from angel_hf import AngelForEntityLinking
from angel_hf.bulk import Job, Options, link_locally, start
from angel_hf.bulk.folder_lock import FolderLock
from angel_hf.bulk.output import MANIFEST
from angel_hf.bulk.storage import Storage
from angel_hf.search import BeamSearch
from tests.bulk_world import contents, documents, run_locally, save_model, shards, write

SECONDS = 300


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"))


def command(source, output, model, *more):
    arguments = ["--input", str(source), "--output", str(output), "--model", str(model), "--device", "cpu"]
    return [sys.executable, "-m", "angel_hf", "bulk", *arguments, "--num-beams", "2", *more]


def test_of_two_processes_one_is_told_that_the_folder_is_in_use(tmp_path, model):
    source, out = write(tmp_path / "in.parquet", documents(400)), tmp_path / "out"
    with subprocess.Popen(command(source, out, model, "--window", "2"), stderr=subprocess.PIPE, text=True) as first:
        end = time.monotonic() + SECONDS
        while not shards(out) and first.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        first.send_signal(signal.SIGSTOP)  # so that it is still at work when the others have come and gone
        for more in (("--window", "2"), ("--window", "3")):
            second = subprocess.run(command(source, out, model, *more), capture_output=True, text=True, check=False)
            assert (second.returncode, second.stdout) == (2, "")
            assert f"error: {out}: another process links into this folder; wait for its end" in second.stderr
        first.kill()
    # The lock ended with its process, and what it left can be finished.
    reports, totals = run_locally(source, out, model, window=2, search=BeamSearch(2), batch_size=32)
    assert 0 < len(reports) < 200
    assert totals.rows == 400
    whole = tmp_path / "whole"
    run_locally(source, whole, model, window=2, search=BeamSearch(2), batch_size=32)
    assert contents(out) == contents(whole)


def test_the_folder_is_free_when_a_run_is_forgotten(tmp_path):
    held = FolderLock.of(str(tmp_path))
    assert FolderLock.of(str(tmp_path)) is held, "of one process"
    script = "import sys; from angel_hf.bulk.folder_lock import FolderLock; FolderLock.of(sys.argv[1])"
    other = [sys.executable, "-c", script, str(tmp_path)]
    assert "another process links" in subprocess.run(other, capture_output=True, text=True, check=False).stderr
    del held
    assert subprocess.run(other, capture_output=True, check=False).returncode == 0


@pytest.fixture
def without_locks(monkeypatch):
    """As in an object store, or on a disk that knows none."""
    monkeypatch.setattr(Storage, "lock", lambda _: None)


def begin(source, output, model, window):
    load = partial(AngelForEntityLinking.from_pretrained, model)
    return start(Job(str(source), str(output), Options(window=window, search=BeamSearch(2))), load)


def test_without_locks_a_run_stops_as_soon_as_another_has_taken_its_folder(tmp_path, model, without_locks):
    source, out = write(tmp_path / "in.parquet", documents(20)), tmp_path / "out"
    first = begin(source, out, model, window=5)
    second = begin(source, out, model, window=4)  # before the first has a shard
    with pytest.raises(ValueError, match=f"{out}: another run has taken this folder; name another --output"):
        list(link_locally(first))
    assert shards(out) == []
    assert len(list(link_locally(second))) == 5
    assert second.total().rows == 20


def test_a_shard_of_another_run_is_never_counted(tmp_path, model, without_locks):
    """As one that was on its way into an object store when the folder was taken."""
    source, out, other = write(tmp_path / "in.parquet", documents(20)), tmp_path / "out", tmp_path / "other"
    run_locally(source, other, model, window=5, search=BeamSearch(3))
    run = begin(source, out, model, window=5)
    list(link_locally(run))
    shards(out)[1].write_bytes(shards(other)[1].read_bytes())
    with pytest.raises(ValueError, match=r"00000-000000000005.parquet: a shard of another run; remove it"):
        run.total()
    shards(out)[1].unlink()
    assert run_locally(source, out, model, window=5, search=BeamSearch(2))[1].rows == 20


def test_a_damaged_manifest_is_named(tmp_path, model):
    source, out = write(tmp_path / "in.parquet", documents(5)), tmp_path / "out"
    run_locally(source, out, model, search=BeamSearch(2))
    for content in ("", "[", "[1]", "NaN", "[" * 100_000):
        (out / MANIFEST).write_text(content)
        with pytest.raises(ValueError, match=f"{out}.*(manifest.json: .*remove that folder|holds the work of another)"):
            run_locally(source, out, model, search=BeamSearch(2))
