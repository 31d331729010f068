"""Weights that go with another model's files link as the whole model with these weights would."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSeq2SeqLM

from angel_hf import AngelForEntityLinking, KnowledgeBase
from angel_hf.training.weights_only import main, write_weights_only
from tests.toy import byte_tokenizer, mention, random_model

TOKENIZER = byte_tokenizer()
NAMES = {"D1": ["Ataxia", "old ataxia"], "D2": ["Wilson Disease"], "D3": ["Fever"]}
MENTIONS = [mention("the old [ataxia] gene"), mention("[wilson]"), mention("a [fever] of the old")]


@pytest.fixture
def whole(tmp_path):
    """A complete model in a directory."""
    model = random_model(TOKENIZER)
    model.set_knowledge_base(KnowledgeBase.from_names(NAMES))
    model.save_pretrained(tmp_path / "whole")
    return tmp_path / "whole"


@pytest.fixture
def other(whole, tmp_path):
    """The same model after more training, for which a random change stands in; complete too."""
    model = AngelForEntityLinking.from_pretrained(whole)
    torch.manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    model.to(torch.float16).save_pretrained(tmp_path / "other")
    return tmp_path / "other"


def answers(model):
    return [[(one.name, one.score) for one in linked.candidates] for linked in model.link(MENTIONS)]


def test_two_small_files_link_as_the_complete_model_does(whole, other, tmp_path):
    write_weights_only(other, str(whole), tmp_path / "weights")
    assert sorted(path.name for path in (tmp_path / "weights").iterdir()) == ["config.json", "model.safetensors"]
    loaded = AngelForEntityLinking.from_pretrained(tmp_path / "weights")
    expected = AngelForEntityLinking.from_pretrained(other)
    assert answers(loaded) == answers(expected)
    assert answers(loaded) != answers(AngelForEntityLinking.from_pretrained(whole)), "the weights are the others"
    assert loaded.trie.fingerprint == expected.trie.fingerprint


def test_they_load_by_the_auto_class_and_are_saved_complete(whole, other, tmp_path):
    write_weights_only(other, str(whole), tmp_path / "weights")
    loaded = AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "weights", dtype=torch.float32)
    loaded.save_pretrained(tmp_path / "again")
    shutil.rmtree(whole)
    again = AngelForEntityLinking.from_pretrained(tmp_path / "again")
    assert again.config.files_of is None
    assert answers(again) == answers(AngelForEntityLinking.from_pretrained(other))


def test_confidence_of_other_weights_is_not_taken_over(whole, other, tmp_path):
    from angel_hf.ranking.confidence import Confidence, Features

    Confidence(0.0, Features(1, 0, 0, 0, 0)).save(whole)
    write_weights_only(other, str(whole), tmp_path / "weights")
    assert AngelForEntityLinking.from_pretrained(whole).confidence is not None
    assert AngelForEntityLinking.from_pretrained(tmp_path / "weights").confidence is None


def test_the_package_resolves_its_second_model_by_name(monkeypatch, whole, other, tmp_path):
    assets = tmp_path / "package" / "assets"
    assets.mkdir(parents=True)
    shutil.copytree(whole, assets / "angel-mini")
    monkeypatch.setattr("angel_hf.model.checkpoint.__file__", str(tmp_path / "package" / "model" / "checkpoint.py"))
    main(["--weights", str(other), "--files-of", "angel-mini", "--out", str(assets / "angel-mini-positive")])
    loaded = AngelForEntityLinking.from_pretrained("angel-mini-positive")
    assert answers(loaded) == answers(AngelForEntityLinking.from_pretrained(other))


def test_a_finished_stage_of_full_precision_will_do(whole, other, tmp_path):
    weights = load_file(other / "model.safetensors")
    stage = tmp_path / "finished"
    stage.mkdir()
    save_file({name: tensor.float() for name, tensor in weights.items()}, stage / "model.safetensors")
    values = json.loads((other / "config.json").read_text())
    (stage / "config.json").write_text(json.dumps(values | {"model_type": "bart", "tokenizer_fingerprint": None}))
    write_weights_only(stage, str(whole), tmp_path / "weights")
    stored = load_file(tmp_path / "weights" / "model.safetensors")
    assert all(torch.equal(stored[name], weights[name]) for name in weights)


def test_weights_that_do_not_fit_are_refused(whole, other, tmp_path):
    weights = load_file(other / "model.safetensors")
    save_file(weights | {"extra": torch.zeros(2)}, other / "model.safetensors")
    with pytest.raises(ValueError, match=r"extra is \(2,\), in .*whole None; expected weights of the same shape"):
        write_weights_only(other, str(whole), tmp_path / "weights")
    save_file(weights, other / "model.safetensors")
    values = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(values | {"tokenizer_fingerprint": "0" * 64}))
    with pytest.raises(ValueError, match="its tokenizer .* is not that of"):
        write_weights_only(other, str(whole), tmp_path / "weights")
    assert not (tmp_path / "weights").exists()


def test_a_chain_of_weights_is_refused(whole, other, tmp_path):
    write_weights_only(other, str(whole), tmp_path / "first")
    write_weights_only(other, str(whole), tmp_path / "second")
    values = {"model_type": "angel", "files_of": str(tmp_path / "first")}
    (tmp_path / "second" / "config.json").write_text(json.dumps(values))
    with pytest.raises(ValueError, match="names the files of .*first, which names those of .*whole"):
        AngelForEntityLinking.from_pretrained(tmp_path / "second")
