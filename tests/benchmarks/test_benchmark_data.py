"""The data of the benchmarks: the shared folder, or the sample, and it is said which."""

import pytest

from benchmarks.data import DATA_VARIABLE, SAMPLE, find_data


def test_without_the_shared_data_the_sample_stands_for_it(monkeypatch, tmp_path):
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    data = find_data()
    assert data.reference == SAMPLE / "reference" / "tiny"
    assert (data.has_reference, data.has_mesh) == (False, False)
    assert len(data.substitutes) == 2
    assert all(file.is_file() for file in (*data.trie_names, data.reference_names, data.reference / "golden.json"))


def test_a_folder_that_has_everything_is_used(tmp_path):
    for name in ("reference/small/golden.json", "data/kb/mesh_id_label_mappings.tsv.gz"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    (tmp_path / "data/kb/mesh_supp_id_label_mappings.tsv.gz").touch()
    data = find_data(tmp_path)
    assert data.reference == tmp_path / "reference/small"
    assert (data.has_reference, data.has_mesh, data.substitutes) == (True, True, ())
    assert [file.name for file in data.trie_names] == [
        "mesh_id_label_mappings.tsv.gz",
        "mesh_supp_id_label_mappings.tsv.gz",
    ]


def test_a_folder_that_was_named_must_have_everything(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"golden.json: no such file; --data expects a folder with"):
        find_data(tmp_path)
