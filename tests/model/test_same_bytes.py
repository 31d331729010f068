"""A model is saved as the same bytes in every process."""

import json
import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from angel_hf import AngelForEntityLinking, KnowledgeBase, Mention
from angel_hf.arrays.sealed_file import seal
from angel_hf.types import Hypothesis
from tests.toy import CONCEPTS, byte_tokenizer, random_model

SAVE = """
import sys
from angel_hf import KnowledgeBase
from angel_hf.ranking.confidence import Confidence, Features, NilThreshold
from angel_hf.ranking.memory import Memory
from angel_hf.ranking.ranking import Ranking, Weights
from tests.toy import CONCEPTS, byte_tokenizer, random_model

model = random_model(byte_tokenizer(), 0)
model.set_knowledge_base(KnowledgeBase.from_concepts(CONCEPTS))
model.confidence = Confidence(-1.0, Features(0.5, 0.25, 2.0, 1.0, 0.5), (NilThreshold(0.9, 0.4, 0.95),), "hand")
strings = {"ataxia", "old fever", "q", "gene"}
model.ranking = Ranking(Weights(0.5, 2.0, 1.0, 0.5), Memory({string: {"D001260": 2, "X1": 1} for string in strings}))
model.save_pretrained(sys.argv[1])
"""


def test_every_process_saves_the_same_bytes(tmp_path):
    saved = []
    for seed in ("0", "1"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        folder = tmp_path / seed
        subprocess.run([sys.executable, "-c", SAVE, str(folder)], env=environment, check=True, capture_output=True)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        saved.append({str(path.relative_to(folder)): path.read_bytes() for path in files})
    first, second = saved
    assert len(first) > 20
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


@pytest.fixture
def folder(tmp_path):
    model = random_model(byte_tokenizer(), 0)
    model.set_knowledge_base(KnowledgeBase.from_concepts(CONCEPTS))
    model.save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_by_name(folder, number):
    file = folder / "model.safetensors"
    tensors = load_file(file)
    name = next(key for key in tensors if key.endswith("fc1.weight"))
    tensors[name][0, 0] = number
    save_file(tensors, file, {"format": "pt"})
    seal(file)
    with pytest.raises(ValueError, match=rf"the parameter .*{name.removeprefix('model.')} holds a number that is not"):
        AngelForEntityLinking.from_pretrained(folder)


def test_weights_of_other_shapes_than_the_configuration_are_refused_with_both(folder):
    file = folder / "config.json"
    told = json.loads(file.read_text())
    file.write_text(json.dumps(told | {"encoder_ffn_dim": told["encoder_ffn_dim"] * 2}))
    with pytest.raises(ValueError, match=rf"{folder}: weights of other shapes than config.json tells; .* fetch both"):
        AngelForEntityLinking.from_pretrained(folder)


@pytest.mark.parametrize("score", [float("nan"), float("-inf")])
def test_a_score_that_is_not_finite_is_an_error_with_the_mention(folder, score):
    model = AngelForEntityLinking.from_pretrained(folder)
    with pytest.raises(ValueError, match="the mention 'ataxia' got a score that is no finite number"):
        model.linked(
            Mention("ataxia", 0, 6), [Hypothesis((5,), -1.0, (-1.0,), 0), Hypothesis((6,), score, (score,), 1)]
        )


def test_weights_that_break_after_loading_give_no_number_that_is_not_finite(folder):
    model = AngelForEntityLinking.from_pretrained(folder).eval()
    with torch.no_grad():
        model.model.decoder.layers[0].fc2.weight.fill_(float("nan"))
    assert model.link(Mention("ataxia", 0, 6)).candidates == ()
