"""Text files are written whole, in UTF-8, or not at all."""

import json

import pytest

from angel_hf.jobs.text_file import write_json, write_text


def test_text_is_written_into_a_new_directory(tmp_path):
    write_text(tmp_path / "new" / "file.txt", "β-thalassaemia\n")
    assert (tmp_path / "new" / "file.txt").read_bytes() == "β-thalassaemia\n".encode()


def test_json_is_indented_and_keeps_its_letters(tmp_path):
    write_json(tmp_path / "file.json", {"name": "β", "ids": [1]})
    text = (tmp_path / "file.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"name": "β", "ids": [1]}
    assert text.startswith('{\n  "name": "β"') and text.endswith("}\n")


def test_an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
