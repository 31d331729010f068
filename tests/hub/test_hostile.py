"""A repository made to do harm: nothing runs, nothing is written outside the cache, no memory is taken unasked."""

import base64
import contextlib
import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.numpy import load_file, save_file

from angel_hf import AngelForEntityLinking, KnowledgeBase, NameTrie


def load(**options):
    return AngelForEntityLinking.from_pretrained("org/angel-tiny", **options).eval()


def write_file(directory, data):
    path = directory / "file.safetensors"
    path.write_bytes(data)
    return path


class Bomb:
    """What a pickle runs as it is read: here it leaves a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.fixture
def bomb(tmp_path):
    """A pickle that shows when it goes off, and the file that it would make."""
    mark = tmp_path / "it-went-off"
    pickle.loads(pickle.dumps(Bomb(mark))).close()  # noqa: S301 (it works)
    assert mark.exists()
    mark.unlink()
    return Bomb(mark), mark


def zipped(content, path):
    """As torch.save writes it."""
    torch.save(content, path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("pytorch_model.bin", "pickle"),
        ("pytorch_model.bin", "torch"),
        pytest.param("model.safetensors", "torch", marks=pytest.mark.slow),
        ("knowledge_base.safetensors", "torch"),
        ("trie.safetensors", "pickle"),
        pytest.param("processor_config.json", "pickle", marks=pytest.mark.slow),
        pytest.param("tokenizer.json", "pickle", marks=pytest.mark.slow),
        pytest.param("config.json", "pickle", marks=pytest.mark.slow),
    ],
)
def test_a_pickle_under_any_name_never_runs(repository, bomb, name, form, tmp_path):
    content, mark = bomb
    data = pickle.dumps(content) if form == "pickle" else zipped({"model.shared.weight": content}, tmp_path / "zip")
    # Without the safetensors weights transformers asks for the .bin.
    repository.put({name: data} | ({"model.safetensors": None} if name == "pytorch_model.bin" else {}))
    with pytest.raises((OSError, ValueError)):
        load()
    assert not mark.exists()


def test_a_pickle_that_nobody_asks_for_never_runs(repository, bomb):
    content, mark = bomb
    names = ("trie.pkl", "knowledge_base.pkl", "pytorch_model.bin", "training_args.bin", "optimizer.pt", "scheduler.pt")
    repository.put(dict.fromkeys(names, pickle.dumps(content)))
    load()
    assert not mark.exists()


def test_a_pickle_that_calls_itself_parquet_never_runs(bomb, tmp_path):
    content, mark = bomb
    file = tmp_path / "kb.parquet"
    file.write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match="kb.parquet: not a readable Parquet file"):
        KnowledgeBase.from_file(file)
    assert not mark.exists()


def test_a_pickle_in_the_schema_of_a_parquet_never_runs(bomb, tmp_path):
    """As pyarrow once ran them (CVE-2023-47248): the description of a type of column."""
    content, mark = bomb
    described = {"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": pickle.dumps(content)}
    names = pa.array([["Ataxia"]])
    schema = pa.schema([pa.field("concept_id", pa.string(), metadata=described), pa.field("names", names.type)])
    file = tmp_path / "kb.parquet"
    pq.write_table(pa.table([["D1"], names], schema=schema), file)
    assert pickle.dumps(content) in base64.b64decode(pq.read_metadata(file).metadata[b"ARROW:schema"])
    with contextlib.suppress(ValueError):
        KnowledgeBase.from_file(file)
    assert not mark.exists()


@pytest.mark.parametrize(
    "name",
    [
        "../../escaped.safetensors",
        "/tmp/escaped.safetensors",
        pytest.param("a/../../../escaped.safetensors", marks=pytest.mark.slow),
    ],
)
def test_names_of_files_in_a_repository_stay_inside_the_cache(repository, name, tmp_path):
    """An index of weights in several files names its files freely."""
    weights = repository.files["model.safetensors"]
    keys = list(load_file(write_file(tmp_path, weights)))
    index = {"metadata": {"total_size": len(weights)}, "weight_map": dict.fromkeys(keys, name)}
    before = {path for path in tmp_path.rglob("*") if "escaped" in path.name}
    repository.put(
        {"model.safetensors": None, "model.safetensors.index.json": json.dumps(index).encode(), name: weights}
    )
    with pytest.raises(ValueError, match="names the file '.*escaped.safetensors'; expected files that lie beside it"):
        load()
    outside = {path for path in tmp_path.rglob("*") if "escaped" in path.name} - before
    assert outside == set()
    assert not Path("/tmp/escaped.safetensors").exists()


@pytest.mark.parametrize(
    "values",
    [{"d_model": 1 << 20}, {"decoder_layers": 10**9}, {"vocab_size": 1 << 40}, {"max_position_embeddings": 1 << 40}],
)
def test_a_configuration_of_impossible_size_takes_no_memory(repository, values):
    repository.change_json("config.json", **values)
    with pytest.raises(ValueError, match=r"config.json asks for [\d,]+ parameters or more, but model.safetensors has"):
        load()


@pytest.mark.parametrize(
    "values",
    [{"d_model": 0, "decoder_layers": 10**9}, {"d_model": -64}, {"encoder_layers": -1}, {"vocab_size": None}],
)
def test_a_configuration_of_no_size_is_refused(repository, values):
    """Layers without width cost memory too."""
    repository.change_json("config.json", **values)
    with pytest.raises(ValueError, match=r"config.json (has \w+ \S+; expected 1 or more|cannot be used)"):
        load()


def test_classes_that_nobody_needs_take_no_memory(repository):
    """Transformers makes a name for each."""
    repository.change_json("config.json", num_labels=10**12)
    assert len(load().config.id2label) < 10


def test_an_index_does_not_hide_how_small_the_weights_are(repository):
    index = {"metadata": {"total_size": 1 << 50}, "weight_map": {"model.shared.weight": "a.safetensors"}}
    repository.change_json("config.json", vocab_size=1 << 40)
    repository.put({"model.safetensors.index.json": json.dumps(index).encode()})
    with pytest.raises(ValueError, match=r"config.json asks for [\d,]+ parameters or more, but model.safetensors has"):
        load()
    repository.put({"model.safetensors": None, "a.safetensors": repository.files["model.safetensors"]})
    with pytest.raises(ValueError, match=r"config.json asks for [\d,]+ parameters or more, but a.safetensors has"):
        load()


def test_weights_that_are_packed_small_are_not_unpacked(repository):
    stored, packed = io.BytesIO(), io.BytesIO()
    torch.save({"model.shared.weight": torch.zeros(10_000_000)}, stored)
    with zipfile.ZipFile(stored) as archive, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as smaller:
        for entry in archive.infolist():
            smaller.writestr(entry.filename, archive.read(entry.filename))
    repository.put({"model.safetensors": None, "pytorch_model.bin": packed.getvalue()})
    with pytest.raises(ValueError, match=r"pytorch_model.bin: has [\d,]+ bytes that unpack to 4\d,\d{3},\d{3}"):
        load()


def test_a_tokenizer_that_is_code_of_the_repository_is_refused_without_a_question(repository, tmp_path, capfd):
    mark = tmp_path / "it-ran"
    repository.put({"evil.py": f"open({str(mark)!r}, 'w')\nclass Evil: pass\n".encode()})
    repository.change_json(
        "tokenizer_config.json", tokenizer_class="Evil", auto_map={"AutoTokenizer": ["evil.Evil", None]}
    )
    with pytest.raises(ValueError, match="trust_remote_code"):
        load()
    assert not mark.exists()
    assert "[y/N]" not in "".join(capfd.readouterr())


def test_a_header_of_impossible_size_takes_no_memory(repository):
    """The first eight bytes of a safetensors file tell how long its header is."""
    for name in ("model.safetensors", "knowledge_base.safetensors", "trie.safetensors"):
        good = repository.files[name]
        repository.put({name: (1 << 60).to_bytes(8, "little") + good[8:]})
        with pytest.raises(ValueError, match=rf"{name}: not a readable safetensors file .*header"):
            load()
        repository.put({name: good})


def test_offsets_that_point_outside_are_refused(repository, tmp_path):
    path = write_file(tmp_path, repository.files["knowledge_base.safetensors"])
    tables = load_file(path)
    tables["name_offsets"] = tables["name_offsets"] * np.int64(1 << 40)
    forged = {"format": "angel-knowledge-base-1", "normalization": "lowercase-punctuation", "fingerprint": "0"}
    save_file(tables, path, metadata=forged)
    repository.put({"knowledge_base.safetensors": path.read_bytes()})
    with pytest.raises(ValueError, match="offsets 'name_offsets' do not run from 0 to"):
        load()


@pytest.mark.parametrize(("array", "value"), [("first_child", 4_000_000_000), ("terminal_names", 4_000_000_000)])
def test_a_trie_that_points_outside_of_itself_is_refused(repository, tmp_path, array, value):
    """One whose checksum is right, as its maker computes it."""
    trie, provenance = NameTrie.load(write_file(tmp_path, repository.files["trie.safetensors"]))
    names = ("token_ids", "first_child", "terminal_nodes", "terminal_names")
    arrays = {name: getattr(trie, name).copy() for name in names}
    arrays[array][1] = value
    forged = NameTrie(*arrays.values())
    repository.put({"trie.safetensors": forged.save(tmp_path / "forged.safetensors", provenance).read_bytes()})
    repository.change_json("config.json", trie_fingerprint=forged.fingerprint)
    with pytest.raises(ValueError, match=r"trie.safetensors: its nodes or names lie outside of it.*rebuild_trie=True"):
        load()
