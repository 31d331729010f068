"""One run at a time in a directory, and only with the recipe and the files that it was begun with."""

import re

import pytest

from angel_hf.training.recipes.reading import read_recipe
from angel_hf.training.run import directory as run_directory
from angel_hf.training.run.directory import alone_in, changed_files, claim, digests
from angel_hf.training.run.reuse import reuse


@pytest.fixture
def recipe():
    return read_recipe("angel_mini_ncbi")


def test_digests_are_those_of_the_contents_by_the_path_below_the_data(tmp_path):
    (tmp_path / "data" / "kb").mkdir(parents=True)
    inside, outside = tmp_path / "data" / "kb" / "names.txt", tmp_path / "elsewhere.txt"
    inside.write_bytes(b"abc")
    outside.write_bytes(b"")
    # FIPS 180-2, appendix B.1, and the digest of nothing.
    assert digests([inside, outside], tmp_path / "data") == {
        "kb/names.txt": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        outside.as_posix(): "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    }


def test_a_file_with_other_contents_is_refused(recipe, tmp_path):
    claim(recipe, {"a.txt": "1", "b.txt": "2"}, tmp_path)
    claim(recipe, {"a.txt": "1", "b.txt": "2"}, tmp_path)
    with pytest.raises(ValueError, match=r"holds the work of other data: b\.txt has changed since; name another"):
        claim(recipe, {"a.txt": "1", "b.txt": "3"}, tmp_path)


def test_a_run_on_other_contents_is_not_reused(recipe, tmp_path):
    """Folds read other files beside the same ones; only a file that both read can have changed."""
    claim(recipe, {"a.txt": "1", "fold-0.txt": "2"}, tmp_path / "first")
    assert list(changed_files(tmp_path / "first", {"a.txt": "1", "fold-1.txt": "3"})) == []
    with pytest.raises(ValueError, match=re.escape("first cannot be reused: a.txt has changed since it was read")):
        reuse(recipe, {"a.txt": "9", "fold-1.txt": "3"}, tmp_path / "first", tmp_path / "second")


def test_a_second_run_is_refused_while_the_first_is_at_work(tmp_path, monkeypatch):
    monkeypatch.setattr(run_directory, "_PATIENCE", 0.1)
    refused = pytest.raises(ValueError, match="another run is at work in .*; expected it to have ended")
    with alone_in(tmp_path), refused, alone_in(tmp_path):
        pytest.fail("two runs at once")
    with pytest.raises(RuntimeError, match="stopped"), alone_in(tmp_path):
        raise RuntimeError("stopped")
    with alone_in(tmp_path):
        pass
